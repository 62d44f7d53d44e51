"""What happens to a generation, in order: the closed union that engines produce and dialects render.

A stream is: any number of Queued, Loading and Prefill; then deltas; then one Finished for each choice.
Failures are raised as `core.errors`, never sent as events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `cached` prompt tokens were not computed again.

    `reasoning` is part of `completion`, None where the worker does not count it.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """The worker's own clock: tokens computed and milliseconds taken, prompt and generation apart."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """One of the most likely tokens at a position."""

    id: int
    token: str
    logprob: float
    bytes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A sampled token with its log probability under the unmodified model distribution.

    One for each piece of text that is shown: where several tokens made it, as those of one character do, `token`
    and `bytes` are the whole piece, the numbers and `top` those of its last token.
    """

    id: int
    token: str
    logprob: float
    bytes: tuple[int, ...] = ()
    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits; `position` counts from 1, `wait` is a guess in seconds, None where nothing is known."""

    position: int
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `progress` is 0 to 1, or None where the engine does not say."""

    model: str
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class Prefill:
    """Prompt tokens: in all, taken from a cache, done so far (cached ones included)."""

    total: int
    cached: int
    done: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str
    index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More text of the model's thinking."""

    text: str
    index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More text of a refusal (remote servers only)."""

    text: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of tool call number `call`; `id` and `name` come with its first piece."""

    call: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """Choice `index` is complete; `stop_string` is the one that ended it, if one did."""

    reason: FinishReason
    usage: Usage
    timings: Timings
    stop_string: str | None = None
    index: int = 0


Progress: TypeAlias = Queued | Loading | Prefill
Delta: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta
Event: TypeAlias = Progress | Delta | Finished
