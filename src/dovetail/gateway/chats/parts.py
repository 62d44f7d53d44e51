"""The parts of a message: from what a client sent to what is kept, and what of them can be searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.chats.shapes import NewPart
from dovetail.storage.chat_files import Attachment

MEDIA = frozenset({"image", "audio", "file"})
_TITLE = 60
# What each kind has to say, beside what it may.
_FIELDS = {
    "text": ({"text"}, set[str]()),
    "reasoning": ({"text"}, {"seconds"}),
    "tool_call": ({"id", "name", "arguments"}, set[str]()),
    "tool_result": ({"tool_call_id", "text"}, set[str]()),
} | dict.fromkeys(MEDIA, ({"file_id"}, {"name"}))
_ALL = ("text", "file_id", "tool_call_id", "id", "name", "arguments", "seconds")
OF_ROLE = {
    "user": {"text"} | MEDIA,
    "system": {"text"},
    "tool": {"tool_result"},
    "assistant": {"text", "reasoning", "tool_call"},
}


def checked(parts: Sequence[NewPart], role: str, files: Mapping[str, Attachment]) -> list[JsonObject]:
    """As they are kept; `files` are those of the chat. Raises InvalidRequest naming the part at fault."""
    return [_checked(part, role, files, f"parts[{i}]") for i, part in enumerate(parts)]


def _checked(part: NewPart, role: str, files: Mapping[str, Attachment], where: str) -> JsonObject:
    if part.type not in OF_ROLE[role]:
        raise InvalidRequest(f"{where}.type: a {role} message has no {part.type}", param=f"{where}.type")
    needed, allowed = _FIELDS[part.type]
    for name in _ALL:
        given = getattr(part, name) is not None
        if given is not (name in needed) and name not in allowed:
            what = f"not in a part of the type {part.type}" if given else "missing"
            raise InvalidRequest(f"{where}.{name}: {what}", param=f"{where}.{name}")
    if part.type in MEDIA:
        found = files.get(part.file_id or "")
        if found is None or found.kind != part.type:
            raise InvalidRequest(
                f"{where}.file_id: this conversation has no {part.type} of that id; send it to its files first",
                code="file_not_found",
                param=f"{where}.file_id",
            )
        return file_part(found)
    kept: JsonObject = {"type": part.type}
    for name in ("tool_call_id", "id", "name", "arguments", "text"):
        if name in needed:
            kept[name] = cast("str", getattr(part, name))
    if part.type == "reasoning":
        kept["seconds"] = part.seconds
    return kept


def file_part(found: Attachment) -> JsonObject:
    """A `ChatFilePart`."""
    return {
        "type": found.kind,
        "file_id": found.id,
        "name": found.name,
        "media_type": found.media_type,
        "bytes": found.size,
    }


def dumped(parts: Sequence[JsonObject]) -> str:
    return orjson.dumps(parts).decode()


def json_text(value: Mapping[str, Json] | None) -> str | None:
    """As `loaded` reads it."""
    return None if value is None else orjson.dumps(value).decode()


def loaded(text: str | None) -> Json:
    return None if text is None else cast("Json", orjson.loads(text))


def parts_of(text: str) -> list[JsonObject]:
    """Those that a row holds."""
    return cast("list[JsonObject]", orjson.loads(text))


def searched(parts: Sequence[JsonObject]) -> str:
    """What a search finds: the texts, and the names of files."""
    names = {"text": "text", **dict.fromkeys(MEDIA, "name")}
    return "\n".join(str(part[names[str(part["type"])]]) for part in parts if part["type"] in names)


def first_words(text: str) -> str:
    """A title: the beginning of the first line that says something."""
    line = next((found for each in text.splitlines() if (found := " ".join(each.split()))), "")
    if len(line) <= _TITLE:
        return line
    cut = line[:_TITLE].rsplit(" ", 1)[0]
    return f"{cut if len(cut) > _TITLE // 2 else line[:_TITLE]}…"
