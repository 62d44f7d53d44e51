"""Conversations in files of other programs: llama.cpp's web interface, Open WebUI, and lists of OpenAI's messages.

What such a file has beyond texts, thoughts, tool calls and images is left out. The formats: `ExportedConversation` of
llama.cpp's tools/ui, the export of Open WebUI's chats, `messages` of OpenAI's chat completions.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import cast

import orjson

from dovetail.core.request import Json, JsonObject
from dovetail.gateway.chats.tree import File, Node, Tree, lifted
from dovetail.storage.chats import Role

_MILLISECONDS = 1e11  # as seconds, the year 5138
_ROLES: dict[str, Role] = {
    "user": "user", "assistant": "assistant", "tool": "tool", "system": "system", "developer": "system",
}  # fmt: skip


def trees(value: Json) -> list[Tree]:
    """The conversations in one value of a file, or in a list of them. Raises ValueError for what is none."""
    if isinstance(value, list):
        if value and all(isinstance(each, dict) and "role" in each for each in value):
            return [_openai({"messages": value})]
        return [tree for each in value for tree in trees(each)]
    match value:
        case {"conv": dict(conv), "messages": list(messages)}:
            return [_llamacpp(conv, messages)]
        case {"chat": {"history": {"messages": dict()}}}:
            return [_open_webui(value)]
        case {"messages": list()}:
            return [_openai(value)]
        case _:
            raise ValueError("it is no conversation of a kind that is read here")


class _Files:
    """Those that messages carry, under ids of their own."""

    def __init__(self) -> None:
        self.by_id: dict[str, File] = {}

    def part(self, kind: str, name: str, data: bytes) -> JsonObject:
        file_id = f"file-{len(self.by_id)}"
        self.by_id[file_id] = File(name[:255] or "file", data)
        return {"type": kind, "file_id": file_id, "name": name[:255] or "file"}

    def image(self, url: str, name: str) -> JsonObject | None:
        head, comma, base64 = url.partition(",")
        if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
            return None
        return self.part("image", name, b64decode(base64))


def _llamacpp(conv: JsonObject, messages: list[Json]) -> Tree:
    files, found = _Files(), list[Node]()
    for raw in messages:
        if not isinstance(raw, dict):
            continue
        role = "system" if raw.get("type") == "root" else _text(raw.get("role"))
        if role in _ROLES and isinstance(raw.get("id"), str | int):
            parts = _said(raw, role, files)
            extras = raw.get("extra")
            parts += [part for extra in extras if (part := _extra(extra, files))] if isinstance(extras, list) else []
            found.append(_node(raw, role, parts, parent=raw.get("parent"), when=raw.get("timestamp")))
    leaf = conv.get("currNode")
    changed = _when(conv.get("lastModified"))
    return _tree(found, files, title=_text(conv.get("name")), leaf=leaf, updated=changed)


def _open_webui(value: JsonObject) -> Tree:
    chat = cast("JsonObject", value["chat"])
    history = cast("JsonObject", chat["history"])
    files, found = _Files(), list[Node]()
    for name, raw in cast("JsonObject", history["messages"]).items():
        if isinstance(raw, dict) and (role := _text(raw.get("role"))) in _ROLES:
            message: JsonObject = {**raw, "id": raw.get("id", name)}
            found.append(
                _node(message, role, _said(raw, role, files), parent=raw.get("parentId"), when=raw.get("timestamp"))
            )
    params = chat.get("params")
    system = _text(params.get("system")) if isinstance(params, dict) else ""
    tree = _tree(
        found, files, title=_text(value.get("title")) or _text(chat.get("title")), leaf=history.get("currentId"),
        updated=_when(value.get("updated_at")), created=_when(value.get("created_at")), system=system,
    )  # fmt: skip
    return replace(tree, pinned=value.get("pinned") is True)


def _openai(value: JsonObject) -> Tree:
    files, found, numbers = _Files(), list[Node](), count()
    for raw in cast("list[Json]", value["messages"]):
        if isinstance(raw, dict) and (role := _text(raw.get("role"))) in _ROLES:
            parent = found[-1].id if found else None
            message: JsonObject = {"model": value.get("model"), **raw, "id": str(next(numbers))}
            found.append(_node(message, role, _said(raw, role, files), parent=parent, when=None))
    return _tree(found, files, title=_text(value.get("title")), leaf=None)


def _tree(
    nodes: list[Node],
    files: _Files,
    *,
    title: str,
    leaf: Json,
    updated: float = 0.0,
    created: float = 0.0,
    system: str = "",
) -> Tree:
    """Words of the system are the conversation's, not messages."""
    told = [str(part["text"]) for node in nodes if node.role == "system" for part in node.parts if part["text"]]
    kept = lifted(nodes, lambda node: node.role == "system")
    first = min((node.created for node in kept if node.created), default=0.0)
    return Tree(
        nodes=kept, title=title, title_by="user" if title else "words", leaf=None if leaf is None else str(leaf),
        system_prompt=system or (told[0] if told else ""), created=created or first or updated, updated=updated,
        files=files.by_id,
    )  # fmt: skip


def _node(raw: JsonObject, role: str, parts: list[JsonObject], *, parent: Json, when: Json) -> Node:
    model = _text(raw.get("model")) or _text(raw.get("modelName"))
    return Node(
        id=str(raw["id"]), parent=None if parent in {None, ""} else str(parent), role=_ROLES[role], parts=parts,
        created=_when(when), model=model if model and role == "assistant" else None,
    )  # fmt: skip


def _said(raw: JsonObject, role: str, files: _Files) -> list[JsonObject]:
    """A message's thought, text, images and tool calls, by all the names they have."""
    if role == "tool":
        call = _text(raw.get("tool_call_id")) or _text(raw.get("toolCallId"))
        return [{"type": "tool_result", "tool_call_id": call, "text": _joined(raw.get("content"))}]
    parts: list[JsonObject] = []
    thought = next(
        (t for name in ("reasoning_content", "reasoningContent", "thinking") if (t := _text(raw.get(name)))), ""
    )
    if thought:
        parts.append({"type": "reasoning", "text": thought, "seconds": None})
    content = raw.get("content")
    if isinstance(content, list):
        parts += [part for each in content if (part := _openai_part(each, files))]
    elif text := _text(content):
        parts.append({"type": "text", "text": text})
    return [*parts, *_calls(raw.get("tool_calls") or raw.get("toolCalls"))]


def _openai_part(part: Json, files: _Files) -> JsonObject | None:
    match part:
        case {"type": "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return files.image(url, "image")
        case _:
            return None


def _extra(extra: Json, files: _Files) -> JsonObject | None:
    """What llama.cpp's interface has beside a message's text."""
    match extra:
        case {"type": "IMAGE" | "imageFile", "base64Url": str(url)}:
            return files.image(url, _text(extra.get("name")))
        case {"type": "AUDIO" | "audioFile", "base64Data": str(data)}:
            return files.part("audio", _text(extra.get("name")), b64decode(data))
        case {"type": "TEXT" | "textFile" | "PDF" | "pdfFile" | "context", "content": str(text)}:
            return files.part("file", _text(extra.get("name")), text.encode(errors="replace"))
        case _:
            return None


def _calls(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, str):
        try:
            value = cast("Json", orjson.loads(value))
        except orjson.JSONDecodeError:
            return
    for call in value if isinstance(value, list) else ():
        match call:
            case {"function": {"name": str(name)} as function}:
                arguments = cast("JsonObject", function).get("arguments")
                text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
                yield {"type": "tool_call", "id": _text(call.get("id")), "name": name, "arguments": text}
            case _:
                continue


def _joined(content: Json) -> str:
    if not isinstance(content, list):
        return _text(content)
    return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _when(value: Json) -> float:
    """Seconds since 1970, of a time that may be in milliseconds; 0 where none is said."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return 0.0
    return value / 1000 if value > _MILLISECONDS else float(value)
