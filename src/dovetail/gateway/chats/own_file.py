"""Dovetail's own file of conversations, which holds all that is kept of them, and Markdown of one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Annotated, Literal, cast

import orjson
from pydantic import Field

from dovetail.core.request import Json, JsonObject
from dovetail.gateway.answers import Answer
from dovetail.gateway.chats.parts import parts_of
from dovetail.gateway.chats.rendering import chat_answer, message_answer
from dovetail.gateway.chats.shapes import ChatMessage, ChatSummary, NewPreset
from dovetail.gateway.chats.tree import File, Node, Tree
from dovetail.storage.chat_files import Attachment
from dovetail.storage.chats import Chat, Message

FORMAT = "dovetail-chats"


class ExportedFile(Answer):
    """A file of a conversation."""

    name: str
    media_type: str
    base64: str


class ExportedChat(ChatSummary):
    """A conversation with all its messages, and its files by their ids."""

    messages: list[ChatMessage]
    files: dict[str, ExportedFile]


class ExportedPreset(Answer):
    """A preset."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._\-]{1,64}$")]
    name: Annotated[str, Field(max_length=100)]
    system_prompt: str
    params: dict[str, object]
    updated_at: float


class ChatExport(Answer):
    """The whole file."""

    format: Literal["dovetail-chats"]
    version: Literal[1]
    chats: list[ExportedChat]
    presets: list[ExportedPreset]


def chat_json(chat: Chat, messages: Sequence[Message]) -> JsonObject:
    """An `ExportedChat` but for its files."""
    shown: list[Json] = [message_answer(message) for message in messages]
    return {**chat_answer(chat, None), "messages": shown}


def file_json(found: Attachment, data: bytes) -> bytes:
    """An `ExportedFile`."""
    base64 = b64encode(data).decode("ascii")
    return orjson.dumps({"name": found.name, "media_type": found.media_type, "base64": base64})


def read(value: Json) -> tuple[list[Tree], dict[str, NewPreset]]:
    """What a file has, presets by their ids. Raises ValueError (pydantic's own among them) for what is none."""
    whole = ChatExport.model_validate(value)
    presets = {each.id: NewPreset(**each.model_dump(exclude={"id", "updated_at"})) for each in whole.presets}
    return [_tree(chat) for chat in whole.chats], presets


def _tree(chat: ExportedChat) -> Tree:
    return Tree(
        nodes=[_node(message) for message in chat.messages],
        title=chat.title,
        title_by=chat.title_by,
        folder=chat.folder,
        pinned=chat.pinned,
        leaf=chat.leaf_id,
        model=chat.model,
        system_prompt=chat.system_prompt,
        params=cast("JsonObject", chat.params),
        created=chat.created_at,
        updated=chat.updated_at,
        files={name: File(file.name, b64decode(file.base64, validate=True)) for name, file in chat.files.items()},
    )


def _node(message: ChatMessage) -> Node:
    said = cast("JsonObject", message.model_dump(mode="json"))
    usage = None if message.usage is None else message.usage.model_dump(mode="json", exclude_unset=True)
    return Node(
        id=message.id,
        parent=message.parent_id,
        role=message.role,
        parts=cast("list[JsonObject]", said["parts"]),
        created=message.created_at,
        model=message.model,
        params=cast("JsonObject | None", message.params),
        usage=usage,
        timings=cast("JsonObject | None", said["timings"]),
        finish=message.finish_reason,
        status=message.status,
        error=cast("JsonObject | None", said["error"]),
    )


def markdown(chat: Chat, branch: Sequence[Message]) -> str:
    """The branch that is shown, to read."""
    pieces = [f"# {chat.title or 'Conversation'}"]
    if chat.system_prompt:
        pieces.append(f"> {chat.system_prompt}".replace("\n", "\n> "))
    for message in branch:
        who = f"{message.role.capitalize()} ({message.model})" if message.model else message.role.capitalize()
        pieces += [f"## {who}", *(_told(part) for part in parts_of(message.parts))]
    return "\n\n".join(pieces) + "\n"


def _told(part: JsonObject) -> str:
    match part["type"]:
        case "text" | "tool_result":
            return str(part["text"])
        case "reasoning":
            return f"<details><summary>Thought</summary>\n\n{part['text']}\n\n</details>"
        case "tool_call":
            return f"Calls `{part['name']}`:\n\n```json\n{part['arguments']}\n```"
        case _:
            return f"[{part['name']}]"
