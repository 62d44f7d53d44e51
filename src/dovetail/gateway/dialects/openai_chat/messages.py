"""The messages of a chat request, from OpenAI's form to the core's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.request import AudioPart, Message, Part, TextPart, ToolCall
from dovetail.gateway.functions import arguments
from dovetail.gateway.image_url import image
from dovetail.gateway.wire import Inert, Named, Refused, Wire, also

# Fields of a message that only one role has.
_ONLY = {"tool_calls": "assistant", "reasoning_content": "assistant", "refusal": "assistant", "tool_call_id": "tool"}
_TYPES = ("text", "refusal", "image_url", "input_audio")


class ImageBody(Wire):
    """An image: a data URL with base64, or a link. The engine sees it at the size the model was made for."""

    url: Annotated[str, Field(min_length=1)]
    detail: Annotated[object, Refused("auto", "high")] = None


class AudioBody(Wire):
    """A WAV file, in base64."""

    data: Annotated[str, Field(min_length=1)]
    format: Literal["wav", "mp3"]


class PartBody(Wire):
    """One part of a message's content; `text` and `refusal` parts are text, the rest needs a model that takes it."""

    type: Annotated[str, Field(max_length=64)]
    text: str | None = None
    refusal: str | None = None
    image_url: ImageBody | None = None
    input_audio: AudioBody | None = None
    file: Annotated[object, Refused()] = None
    video_url: Annotated[object, Refused()] = None
    cache_control: Annotated[object, Inert()] = None
    prompt_cache_breakpoint: Annotated[object, Inert()] = None


class CalledFunctionBody(Wire):
    """The function of an earlier tool call."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: str


class ToolCallBody(Wire):
    """An earlier tool call."""

    id: Annotated[str, Field(max_length=256)] = ""
    type: Literal["function"] = "function"
    function: CalledFunctionBody
    index: Annotated[object, Inert()] = None


class MessageBody(Named):
    """One message of any role."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Annotated[list[PartBody], Field(max_length=1024, fail_fast=True)] | None = None
    name: Annotated[str | None, Field(max_length=256)] = None
    tool_calls: Annotated[list[ToolCallBody] | None, Field(max_length=256)] = None
    tool_call_id: Annotated[str | None, Field(max_length=256)] = None
    reasoning_content: Annotated[str | None, Field(validation_alias=also("reasoning_content", "reasoning"))] = None
    refusal: str | None = None
    annotations: Annotated[object, Inert()] = None
    message_id: Annotated[object, Inert()] = None  # an older server found caches by it; here tokens say all
    audio: Annotated[object, Refused()] = None
    function_call: Annotated[object, Refused()] = None


def messages_from(bodies: Sequence[MessageBody]) -> tuple[Message, ...]:
    """The core's messages. Raises InvalidRequest naming the message at fault."""
    _check_results(bodies)
    return tuple(_message(body, f"messages[{i}]") for i, body in enumerate(bodies))


def _check_results(bodies: Sequence[MessageBody]) -> None:
    """Every tool message answers a call: the one it names, or without a name one of those just before it."""
    called: set[str] = set()
    answering = False
    for i, body in enumerate(bodies):
        if body.role == "tool":
            where = f"messages[{i}].tool_call_id"
            if body.tool_call_id is None and not answering:
                raise InvalidRequest(f"{where}: missing, and no tool call comes before this result", param=where)
            if body.tool_call_id is not None and body.tool_call_id not in called:
                raise InvalidRequest(f"{where}: no tool call before this result has that id", param=where)
        else:
            answering = bool(body.tool_calls)
            called |= {call.id for call in body.tool_calls or ()}


def _message(body: MessageBody, where: str) -> Message:
    for name, role in _ONLY.items():
        if getattr(body, name) and body.role != role:
            raise InvalidRequest(f"{where}.{name}: only {role} messages have it", param=f"{where}.{name}")
    parts = _parts(body, where)
    calls = f"{where}.tool_calls"
    if not parts and body.content is None and not body.tool_calls and body.reasoning_content is None:
        raise InvalidRequest(f"{where}.content: a {body.role} message needs content", param=f"{where}.content")
    return Message(
        role=body.role,
        parts=parts,
        name=body.name,
        reasoning=body.reasoning_content,
        tool_calls=tuple(
            ToolCall(c.id, c.function.name, arguments(c.function.arguments, f"{calls}[{j}].function.arguments"))
            for j, c in enumerate(body.tool_calls or ())
        ),
        tool_call_id=body.tool_call_id,
    )


def _parts(body: MessageBody, where: str) -> tuple[Part, ...]:
    content = body.content
    parts: tuple[Part, ...]
    if isinstance(content, str):
        parts = (TextPart(content),)
    else:
        parts = tuple(_part(part, body.role, f"{where}.content[{i}]") for i, part in enumerate(content or ()))
    return (*parts, TextPart(body.refusal)) if body.refusal else parts


def _part(part: PartBody, role: str, where: str) -> Part:
    if part.type not in _TYPES:
        raise InvalidRequest(f"{where}.type: one of {', '.join(_TYPES)}", param=f"{where}.type")
    for name in _TYPES:
        if (getattr(part, name) is None) is (name == part.type):
            what = "missing" if name == part.type else f"not in a part of the type {part.type}"
            raise InvalidRequest(f"{where}.{name}: {what}", param=f"{where}.{name}")
    if role != "user" and part.type in {"image_url", "input_audio"}:
        raise UnsupportedField(f"{where}.{part.type}", "is read in a user message only")
    if part.image_url is not None:
        return image(part.image_url.url, f"{where}.image_url")
    if part.input_audio is not None:
        if part.input_audio.format != "wav":
            raise UnsupportedField(f"{where}.input_audio.format", 'other than "wav" is not read')
        return AudioPart(part.input_audio.data)
    return TextPart(part.text or part.refusal or "")
