"""The messages of a request, from Anthropic's form to the core's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.request import ImageLink, ImagePart, Message, Part, TextPart, ToolCall
from dovetail.gateway.dialects.anthropic.tools import AnthropicTool, Change
from dovetail.gateway.wire import Inert, Refused, Wire

_T = TypeVar("_T")
# Claude Code opens its system prompt with a line that differs in every request; behind it no prompt would be cached.
_BILLING = re.compile(r"\A(?:\s*x-anthropic-billing-header:[^\n]*(?:\n|\Z))+")
_BETWEEN = TextPart("\n\n")  # two texts of one turn
_FAILED = TextPart("Error: ")  # before the result of a tool that failed

# What each type of block needs, beside its `type`.
_NEEDED = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "search_result": ("content", "source", "title"),
    "thinking": ("thinking",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "tool_reference": ("tool_name",),
    "tool_addition": ("tool",),
    "tool_removal": ("tool",),
}
_Place = Literal["system", "system message", "user message", "assistant message", "tool result"]
_ALLOWED: Mapping[_Place, Sequence[str]] = {
    "system": ("text",),
    "system message": ("text", "tool_addition", "tool_removal"),
    "user message": ("text", "image", "document", "search_result", "tool_result"),
    "assistant message": ("text", "thinking", "tool_use"),
    "tool result": ("text", "image", "document", "search_result", "tool_reference"),
}


class SourceBody(Wire):
    """Where an image or a document is."""

    type: Annotated[str, Field(max_length=64)]
    media_type: Annotated[str | None, Field(max_length=128)] = None
    data: str | None = None
    url: Annotated[str | None, Field(max_length=64 << 10)] = None
    content: str | Annotated[list[BlockBody], Field(max_length=1024)] | None = None
    file_id: Annotated[object, Refused()] = None


class ToolChangeBody(Wire):
    """The tool that is added or withdrawn: by its name, or as it would stand among the tools."""

    type: Literal["tool_reference", "tool_definition"]
    name: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    definition: AnthropicTool | None = None


class BlockBody(Wire):
    """One block of a message's content."""

    type: Annotated[str, Field(max_length=64)]
    text: str | None = None
    thinking: str | None = None
    signature: Annotated[object, Inert()] = None
    source: str | SourceBody | None = None
    title: Annotated[str | None, Field(max_length=4096)] = None
    context: str | None = None
    id: Annotated[str | None, Field(max_length=256)] = None
    name: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    input: dict[str, object] | None = None
    tool_use_id: Annotated[str | None, Field(max_length=256)] = None
    content: str | Annotated[list[BlockBody], Field(max_length=1024, fail_fast=True)] | None = None
    is_error: bool | None = None
    tool_name: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    tool: ToolChangeBody | None = None
    citations: Annotated[object, Inert()] = None
    cache_control: Annotated[object, Inert()] = None
    caller: Annotated[object, Inert()] = None
    toolset_name: Annotated[object, Refused()] = None
    transformations: Annotated[object, Refused()] = None


class AnthropicMessage(Wire):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[BlockBody], Field(max_length=1024, fail_fast=True)]


def messages_from(bodies: Sequence[AnthropicMessage], system: str | Sequence[BlockBody] | None) -> tuple[Message, ...]:
    """The core's messages. Raises InvalidRequest naming the block at fault."""
    conversation = _Conversation()
    if system is not None:
        parts = [TextPart(text) for block in _blocks(system) if (text := _kept(_checked(block, "system", "system")))]
        conversation.add(Message("system", _joined(parts)) if parts else None)
    for i, body in enumerate(bodies):
        conversation.read(body, f"messages[{i}]")
    return tuple(conversation.messages)


def tool_changes(bodies: Sequence[AnthropicMessage]) -> Iterator[Change]:
    """What the conversation says of tools, in its order. Raises InvalidRequest for a change of no tool."""
    for i, body in enumerate(bodies):
        for j, block in enumerate(_blocks(body.content)):
            where = f"messages[{i}].content[{j}]"
            if block.type == "tool_result":
                for k, inner in enumerate(_blocks(block.content or "")):
                    if inner.type == "tool_reference":
                        yield Change(f"{where}.content[{k}].tool_name", inner.tool_name or "", on=True)
            elif block.type in {"tool_addition", "tool_removal"} and block.tool is not None:
                definition = block.tool.definition if block.type == "tool_addition" else None
                name = definition.name if definition else block.tool.name
                yield Change(
                    f"{where}.tool", _needed(name, f"{where}.tool.name"), block.type == "tool_addition", definition
                )


class _Conversation:
    """Turns of one role that follow each other are one turn, as the API has it: many templates take no others."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._called: set[str] = set()

    def read(self, body: AnthropicMessage, where: str) -> None:
        match body.role:
            case "system":
                # In the middle of a conversation no template is sure to take a system message.
                texts = [_reminder(block, where) for block in _blocks(body.content)]
                told = "\n\n".join(text for text in texts if text)
                self.add(Message("user", (TextPart(f"<system-reminder>\n{told}\n</system-reminder>"),)))
            case "assistant":
                self._assistant(body, where)
            case "user":
                self._user(body, where)

    def add(self, message: Message | None) -> None:
        if message is None:
            return
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != message.role or last.role in {"tool", "system"}:
            self.messages.append(message)
            return
        parts = (*last.parts, *message.parts)
        self.messages[-1] = replace(
            last,
            parts=_joined(parts) if last.role == "user" else parts,
            reasoning=(last.reasoning or "") + (message.reasoning or "") or None,
            tool_calls=(*last.tool_calls, *message.tool_calls),
        )

    def _assistant(self, body: AnthropicMessage, where: str) -> None:
        texts: list[Part] = []
        thoughts: list[str] = []
        calls: list[ToolCall] = []
        for j, block in enumerate(_blocks(body.content)):
            _checked(block, "assistant message", f"{where}.content[{j}]")
            if block.type == "text":
                texts.append(TextPart(block.text or ""))
            elif block.type == "thinking":
                thoughts.append(block.thinking or "")
            else:
                # As models write it, so that what they wrote is found in the prompt cache.
                arguments = json.dumps(block.input, ensure_ascii=False)
                calls.append(ToolCall(block.id or "", block.name or "", arguments))
        self._called |= {call.id for call in calls}
        self.add(Message("assistant", tuple(texts), reasoning="".join(thoughts) or None, tool_calls=tuple(calls)))

    def _user(self, body: AnthropicMessage, where: str) -> None:
        parts: list[Part] = []
        for j, block in enumerate(_blocks(body.content)):
            at = f"{where}.content[{j}]"
            _checked(block, "user message", at)
            if block.type != "tool_result":
                parts += _user_parts(block, at)
                continue
            if block.tool_use_id not in self._called:
                raise InvalidRequest(
                    f"{at}.tool_use_id: no tool_use before this result has that id", param=f"{at}.tool_use_id"
                )
            found = list(_result(block, at))
            texts = [part for part in found if isinstance(part, TextPart)]
            said = (_FAILED, *_joined(texts)) if block.is_error else _joined(texts)
            if any(isinstance(part, TextPart) for part in parts):  # what was said before it stays before it
                self.add(Message("user", _joined(parts)))
                parts = []
            self.add(Message("tool", said or (TextPart(""),), tool_call_id=block.tool_use_id))
            # Only what a user says can have pictures: those of a result come right behind the results.
            parts += [part for part in found if not isinstance(part, TextPart)]
        if parts:
            self.add(Message("user", _joined(parts)))
        elif not body.content:
            raise InvalidRequest(f"{where}.content: a user message needs content", param=f"{where}.content")


def _blocks(content: str | Sequence[BlockBody]) -> Sequence[BlockBody]:
    return [BlockBody(type="text", text=content)] if isinstance(content, str) else content


def _checked(block: BlockBody, place: _Place, where: str) -> BlockBody:
    """The block. Raises InvalidRequest for one that cannot be there, or that lacks something."""
    allowed = _ALLOWED[place]
    if block.type not in allowed:
        known = block.type in _NEEDED
        why = f"is not for a {place}, which has {', '.join(allowed)}" if known else "is not supported here"
        raise UnsupportedField(f"{where}.type", f"{block.type[:64]!r} {why}")
    for name in _NEEDED[block.type]:
        _needed(getattr(block, name), f"{where}.{name}")
    return block


def _needed(value: _T | None, where: str) -> _T:
    if value is None:
        raise InvalidRequest(f"{where}: missing", param=where)
    return value


def _reminder(block: BlockBody, where: str) -> str:
    """What a block of a system message in the middle says to the model."""
    _checked(block, "system message", where)
    if block.type == "text" or block.tool is None:
        return _kept(block)
    name = block.tool.definition.name if block.tool.definition else block.tool.name
    return f"The tool {name} can {'be called from now on' if block.type == 'tool_addition' else 'no longer be called'}."


def _kept(block: BlockBody) -> str:
    return _BILLING.sub("", block.text or "")


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """`parts` with white space between texts that follow each other."""
    joined: list[Part] = []
    for part in parts:
        if (
            joined
            and part != _BETWEEN != joined[-1]
            and isinstance(part, TextPart)
            and isinstance(joined[-1], TextPart)
        ):
            joined.append(_BETWEEN)
        joined.append(part)
    return tuple(joined)


def _result(block: BlockBody, where: str) -> Iterator[Part]:
    """The parts of a tool's result."""
    for i, inner in enumerate(_blocks(block.content or "")):
        at = f"{where}.content[{i}]"
        yield from _user_parts(_checked(inner, "tool result", at), at)


def _user_parts(block: BlockBody, where: str) -> list[Part]:
    match block.type:
        case "image":
            return [_image(block.source, f"{where}.source")]
        case "document":
            return [*_texts(block.title, block.context), *_document(block.source, f"{where}.source")]
        case "search_result":
            content = block.content if isinstance(block.content, list) else []
            source = block.source if isinstance(block.source, str) else None
            return _texts(block.title, source, *(inner.text for inner in content))
        case "tool_reference":
            return [TextPart(f"The tool {block.tool_name} is loaded and can be called from now on.")]
        case _:
            return _texts(block.text)


def _texts(*texts: str | None) -> list[Part]:
    return [TextPart(text) for text in texts if text is not None]


def _image(source: str | SourceBody | None, where: str) -> Part:
    if isinstance(source, SourceBody):
        if source.type == "base64" and source.data and (source.media_type or "").startswith("image/"):
            return ImagePart(source.data, source.media_type or "", where)
        if source.type == "url" and (source.url or "").startswith(("http://", "https://")):
            return ImageLink(source.url or "", where)
        if source.type == "file":
            raise UnsupportedField(where, "of the type file is not supported: this server keeps no files")
    raise InvalidRequest(
        f"{where}: base64 with a media_type (image/png, …) and data, or url with an http or https link", param=where
    )


def _document(source: str | SourceBody | None, where: str) -> list[Part]:
    """A document that is text. Raises UnsupportedField for every other."""
    if isinstance(source, SourceBody) and source.type == "text" and source.data is not None:
        return [TextPart(source.data)]
    if isinstance(source, SourceBody) and source.type == "content" and source.content is not None:
        parts: list[Part] = []
        for i, block in enumerate(_blocks(source.content)):
            at = f"{where}.content[{i}]"
            if block.type not in {"text", "image"}:
                raise UnsupportedField(f"{at}.type", "other than text and image is not supported here")
            parts += _user_parts(_checked(block, "user message", at), at)
        return parts
    raise UnsupportedField(
        where, "is read where it is text (the types text and content): no model here reads PDF files"
    )
