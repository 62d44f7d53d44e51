"""The input items of a response, from OpenAI's form to the core's messages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.request import AudioPart, Message, Part, Role, TextPart, ToolCall
from dovetail.gateway.functions import arguments
from dovetail.gateway.image_url import image
from dovetail.gateway.wire import Inert, Refused, Wire

_T = TypeVar("_T")
_OPEN = "dovetail."  # before a thought that a client keeps: what stands behind it is not encrypted
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_TYPES = ("message", "function_call", "function_call_output", "reasoning", "item_reference")


class AudioBody(Wire):
    """A WAV file, in base64."""

    data: Annotated[str, Field(min_length=1)]
    format: Literal["wav", "mp3"]


class ResponsePart(Wire):
    """One part of an item's content."""

    type: Annotated[str, Field(max_length=64)]
    text: str | None = None
    refusal: str | None = None
    image_url: Annotated[str | None, Field(min_length=1)] = None
    input_audio: AudioBody | None = None
    detail: Annotated[object, Refused("auto", "high")] = None
    file_id: Annotated[object, Refused()] = None
    annotations: Annotated[object, Inert()] = None
    logprobs: Annotated[object, Inert()] = None
    prompt_cache_breakpoint: Annotated[object, Inert()] = None


_Parts = Annotated[list[ResponsePart], Field(max_length=1024, fail_fast=True)]


class ItemBody(Wire):
    """One item: a message without a `type`, a reference with nothing but its `id`."""

    type: Annotated[str | None, Field(max_length=64)] = None
    id: Annotated[str | None, Field(max_length=256)] = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | _Parts | None = None
    call_id: Annotated[str | None, Field(max_length=256)] = None
    name: Annotated[str | None, Field(max_length=128)] = None
    arguments: str | None = None
    output: str | _Parts | None = None
    summary: _Parts | None = None
    encrypted_content: str | None = None
    status: Annotated[object, Inert()] = None
    phase: Annotated[object, Inert()] = None
    caller: Annotated[object, Inert()] = None
    namespace: Annotated[object, Refused()] = None

    @property
    def kind(self) -> str:
        """What it is, also where it does not say so."""
        return self.type or ("message" if self.role is not None else "item_reference")


def user(text: str) -> ItemBody:
    """The item that an input is which is a text."""
    return ItemBody(type="message", role="user", content=[ResponsePart(type="input_text", text=text)])


def messages_from(instructions: str | None, items: Sequence[tuple[str, ItemBody]]) -> tuple[Message, ...]:
    """The core's messages of items and where each is in the request. Raises InvalidRequest naming the part at fault."""
    conversation = _Conversation(instructions)
    for where, item in items:
        conversation.read(item, where)
    return conversation.whole()


def kept_thought(text: str) -> str:
    """A thought as `encrypted_content`."""
    return _OPEN + base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


def is_foreign(item: ItemBody) -> bool:
    """Whether it is a thought that only another server can read."""
    return item.kind == "reasoning" and bool(item.encrypted_content) and _thought(item) is None


class _Conversation:
    """What the assistant thinks, says and calls in a row is one turn; so is what the system says at the beginning."""

    def __init__(self, instructions: str | None) -> None:
        self._messages: list[Message] = []
        self._told: list[Part] = [TextPart(instructions)] if instructions else []
        self._texts: list[Part] = []
        self._thoughts: list[str] = []
        self._calls: list[ToolCall] = []
        self._called: set[str] = set()
        self._seen: list[Part] = []

    def whole(self) -> tuple[Message, ...]:
        self._close()
        if self._told:
            self._messages.insert(0, Message("system", _apart(self._told)))
        return tuple(self._messages)

    def read(self, item: ItemBody, where: str) -> None:
        match item.kind:
            case "message":
                self._message(item, where)
            case "reasoning":
                self._thoughts.append(_thought(item) or "")
            case "function_call":
                self._call(item, where)
            case "function_call_output":
                self._output(item, where)
            case "item_reference":
                raise InvalidRequest(f"{where}.id: no item of that id is kept here", param=f"{where}.id")
            case _:
                raise UnsupportedField(f"{where}.type", f"{item.type!r} is none of {', '.join(_TYPES)}")

    def _message(self, item: ItemBody, where: str) -> None:
        role: Role = _needed(item.role, f"{where}.role")
        parts = [*_parts(_needed(item.content, f"{where}.content"), role, f"{where}.content")]
        if role == "assistant":
            self._texts += parts
            return
        self._close()
        if role != "user" and all(message.role in {"system", "developer"} for message in self._messages):
            self._told += parts
        else:
            self._messages.append(Message(role, tuple(parts)))

    def _call(self, item: ItemBody, where: str) -> None:
        call_id = _needed(item.call_id, f"{where}.call_id")
        text = arguments(_needed(item.arguments, f"{where}.arguments"), f"{where}.arguments")
        self._called.add(call_id)
        self._calls.append(ToolCall(call_id, _needed(item.name, f"{where}.name"), text))

    def _output(self, item: ItemBody, where: str) -> None:
        if self._texts or self._calls or self._thoughts:
            self._close()
        call_id = _needed(item.call_id, f"{where}.call_id")
        if call_id not in self._called:
            raise InvalidRequest(
                f"{where}.call_id: no function_call before this output has that id", param=f"{where}.call_id"
            )
        parts = [*_parts(_needed(item.output, f"{where}.output"), "user", f"{where}.output")]
        texts = tuple(part for part in parts if isinstance(part, TextPart))
        self._messages.append(Message("tool", texts or (TextPart(""),), tool_call_id=call_id))
        # Only what a user says can have pictures: those of outputs come right behind the outputs.
        self._seen += [part for part in parts if not isinstance(part, TextPart)]

    def _close(self) -> None:
        """The turn that is open is over."""
        if self._seen:
            self._messages.append(Message("user", tuple(self._seen)))
            self._seen = []
        if self._texts or self._calls or self._thoughts:
            thought = "".join(self._thoughts) or None
            turn = Message("assistant", tuple(self._texts), reasoning=thought, tool_calls=tuple(self._calls))
            self._messages.append(turn)
        self._texts, self._thoughts, self._calls = [], [], []


def _thought(item: ItemBody) -> str | None:
    """What was thought, None where nothing here can be read."""
    for said in (item.content, item.summary):
        if isinstance(said, list) and said:
            return "".join(part.text or "" for part in said)
    if (item.encrypted_content or "").startswith(_OPEN):
        try:
            return base64.b64decode((item.encrypted_content or "")[len(_OPEN) :], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _needed(value: _T | None, where: str) -> _T:
    if value is None:
        raise InvalidRequest(f"{where}: missing", param=where)
    return value


def _apart(parts: Sequence[Part]) -> tuple[Part, ...]:
    """With an empty line between each two."""
    between = TextPart("\n\n")
    return tuple(piece for i, part in enumerate(parts) for piece in ((between, part) if i else (part,)))


def _parts(content: str | Sequence[ResponsePart], role: Role, where: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield TextPart(content)
        return
    for i, part in enumerate(content):
        yield _part(part, role, f"{where}[{i}]")


def _part(part: ResponsePart, role: Role, where: str) -> Part:
    if part.type in _TEXTS:
        return TextPart(_needed(part.text, f"{where}.text"))
    if part.type == "refusal":
        return TextPart(_needed(part.refusal, f"{where}.refusal"))
    if part.type not in {"input_image", "input_audio"}:
        raise UnsupportedField(f"{where}.type", f"{part.type!r} is not read here")
    if role != "user":
        raise UnsupportedField(f"{where}.type", f"{part.type!r} is read in a user message only")
    if part.type == "input_image":
        return replace(image(_needed(part.image_url, f"{where}.image_url"), f"{where}.image_url"), place=where)
    audio = _needed(part.input_audio, f"{where}.input_audio")
    if audio.format != "wav":
        raise UnsupportedField(f"{where}.input_audio.format", 'other than "wav" is not read')
    return AudioPart(audio.data, where)
