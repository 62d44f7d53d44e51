"""The shapes of Anthropic's answers, for the OpenAPI document and the tests, see `gateway.answers`."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from dovetail.gateway.answers import Answer


class ThinkingTokens(Answer):
    """`output_tokens_details`."""

    thinking_tokens: int


class MessageUsage(Answer):
    """Token counts; the whole prompt is the sum of the first three."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens | None = None


class TextBlock(Answer):
    """A text."""

    type: Literal["text"]
    text: str


class ThinkingBlock(Answer):
    """What the model thought; nothing is signed."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class ToolUseBlock(Answer):
    """A call of a tool."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, object]


StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "model_context_window_exceeded"
]  # fmt: skip
Block = TextBlock | ThinkingBlock | ToolUseBlock


class AnthropicAnswer(Answer):
    """A whole message; at the start of a stream it has neither content nor a reason to stop."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[Block]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage


class MessageStart(Answer):
    """The first event."""

    type: Literal["message_start"]
    message: AnthropicAnswer


class Ping(Answer):
    """Says nothing."""

    type: Literal["ping"]


class BlockStart(Answer):
    """A block begins, empty."""

    type: Literal["content_block_start"]
    index: int
    content_block: Block


class TextPiece(Answer):
    """More of a text."""

    type: Literal["text_delta"]
    text: str


class ThinkingPiece(Answer):
    """More of a thought."""

    type: Literal["thinking_delta"]
    thinking: str


class SignaturePiece(Answer):
    """The end of a thought."""

    type: Literal["signature_delta"]
    signature: str


class InputPiece(Answer):
    """More of the JSON text of a call's input."""

    type: Literal["input_json_delta"]
    partial_json: str


class BlockDelta(Answer):
    """More of the block `index`."""

    type: Literal["content_block_delta"]
    index: int
    delta: TextPiece | ThinkingPiece | SignaturePiece | InputPiece


class BlockStop(Answer):
    """The block `index` is complete."""

    type: Literal["content_block_stop"]
    index: int


class Stopped(Answer):
    """Why the message ended."""

    stop_reason: StopReason | None
    stop_sequence: str | None


class MessageDelta(Answer):
    """The end of the message, with the counts of all of it."""

    type: Literal["message_delta"]
    delta: Stopped
    usage: MessageUsage


class MessageStop(Answer):
    """The last event."""

    type: Literal["message_stop"]


class MessageEvent(RootModel[MessageStart | Ping | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop]):
    """An event of a streamed message, under its `type` as the event's name."""


class TokenCount(Answer):
    """How many tokens a prompt has."""

    input_tokens: int
