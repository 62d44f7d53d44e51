"""The shapes of streamed answers: what the OpenAPI document shows of their events, see `answers`."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from dovetail.gateway.answers import (
    Answer,
    ChatLogprobs,
    LlamaCompletion,
    NativeToken,
    TextLogprobsAnswer,
    TimingsAnswer,
    UsageAnswer,
)


class FunctionDelta(Answer):
    """A piece of a call's function; its name comes with the first piece."""

    name: str | None = None
    arguments: str


class ToolCallChunk(Answer):
    """A piece of the tool call `index`; its id comes with the first piece."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionDelta


class ChatDelta(Answer):
    """What is new in a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallChunk] | None = None


class ChatChunkChoice(Answer):
    """What is new in one of `n` answers."""

    index: int
    delta: ChatDelta
    logprobs: ChatLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls"] | None


class ChatChunk(Answer):
    """An event of a streamed chat completion; with `include_usage` the last one has the usage and no choice."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChunkChoice]
    usage: UsageAnswer | None = None
    timings: TimingsAnswer | None = None


class TextChunkChoice(Answer):
    """What is new in one of the texts."""

    text: str
    index: int
    logprobs: TextLogprobsAnswer | None
    finish_reason: Literal["stop", "length"] | None


class TextChunk(Answer):
    """An event of a streamed text completion; with `include_usage` the last one has the usage and no choice."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChunkChoice]
    usage: UsageAnswer | None = None
    timings: TimingsAnswer | None = None


class LlamaPiece(Answer):
    """A piece of llama-server's streamed completion."""

    index: int
    content: str
    tokens: list[int]
    stop: Literal[False]
    completion_probabilities: list[NativeToken] | None = None


class LlamaChunk(RootModel[LlamaPiece | LlamaCompletion]):
    """An event of llama-server's streamed completion; the last one is the whole answer without its text."""
