"""From a branch of a conversation to the request that asks for its next message: the fields of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.gateway import errors, wire
from dovetail.gateway.chats.parts import MEDIA, parts_of
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.openai import new_id
from dovetail.storage.chats import Message

# What a conversation itself says, and what has no place in a message.
_OURS = frozenset(
    {"model", "messages", "n", "stream", "stream_options", "continue_final_message", "add_generation_prompt"}
    | {"logprobs", "top_logprobs", "store"}
)


def check_params(params: Mapping[str, object]) -> None:
    """Raises UnsupportedField for a field that is not the client's to say."""
    for name in params:
        if name in _OURS:
            raise UnsupportedField(name, "is not among the params of a conversation")


def body_of(
    model: str, system: str, branch: Sequence[Message], params: Mapping[str, object], files: Mapping[str, Json],
    *, goes_on: bool = False,
) -> ChatBody:  # fmt: skip
    """The whole request; `files` has the part that stands for each file. Raises what a chat completion would.

    goes_on   the last message is the assistant's, and is to be gone on with
    """
    check_params(params)
    messages: list[JsonObject] = [{"role": "system", "content": system}] if system else []
    for message in branch:
        messages += _messages(message, files)
    said = {**params, "model": model, "messages": messages}
    if goes_on:
        said["continue_final_message"] = True
    try:
        body = ChatBody.model_validate(said)
    except ValidationError as failure:
        raise errors.as_dovetail(failure) from None
    wire.warnings(body, strict=True)
    return body


def request_of(body: ChatBody) -> GenerateRequest:
    """The core's form. Raises InvalidRequest for what only several fields together can show."""
    return body.request(new_id("chatcmpl"))


def file_ids(branch: Sequence[Message]) -> list[str]:
    """The files that a branch holds."""
    parts = [part for message in branch for part in parts_of(message.parts)]
    return list(dict.fromkeys(str(part["file_id"]) for part in parts if part["type"] in MEDIA))


def _messages(message: Message, files: Mapping[str, Json]) -> list[JsonObject]:
    parts = parts_of(message.parts)
    match message.role:
        case "assistant":
            return [_assistant(parts)]
        case "tool":
            return [{"role": "tool", "tool_call_id": part["tool_call_id"], "content": part["text"]} for part in parts]
        case role:
            content = [_content(part, files) for part in parts]
            if all(each["type"] == "text" for each in content):
                return [{"role": role, "content": "\n\n".join(str(each["text"]) for each in content)}]
            return [{"role": role, "content": [*content]}]


def _content(part: JsonObject, files: Mapping[str, Json]) -> JsonObject:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    found = cast("JsonObject | None", files.get(str(part["file_id"])))
    if found is None:
        raise InvalidRequest(
            f"the file {part['name']!r} of this conversation is gone; take it out of the message",
            code="file_not_found",
            status=404,
            param="parent_id",
        )
    return found


def _assistant(parts: Sequence[JsonObject]) -> JsonObject:
    texts = [str(part["text"]) for part in parts if part["type"] == "text"]
    thoughts = [str(part["text"]) for part in parts if part["type"] == "reasoning"]
    calls: list[Json] = [
        {"id": part["id"], "type": "function", "function": {"name": part["name"], "arguments": part["arguments"]}}
        for part in parts
        if part["type"] == "tool_call"
    ]
    message: JsonObject = {"role": "assistant", "content": "".join(texts)}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    return message


def params_of(*given: Mapping[str, object] | None) -> dict[str, object]:
    """What holds: each says more than the one before; null takes back what was said."""
    merged: dict[str, object] = {}
    for each in given:
        merged |= cast("dict[str, object]", each or {})
    return {name: value for name, value in merged.items() if value is not None}
