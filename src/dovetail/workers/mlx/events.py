"""What the generation thread tells a request, in order: Progress*, Piece*, then Done or Failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dovetail.core.events import Timings

StopType: TypeAlias = Literal["none", "eos", "limit", "word"]


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    cached: int
    processed: int
    ms: float
    timings: Timings


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text to show, the tokens read since the last piece, and the last one's logprob where it was asked for."""

    text: str
    tokens: tuple[int, ...]
    logprob: TokenLogprob | None
    timings: Timings


@dataclass(frozen=True, slots=True)
class Done:
    stop: StopType
    word: str
    timings: Timings


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure of this request alone: `status` and `type` as in llama-server's error body."""

    message: str
    status: int = 500
    type: str = "server_error"


Event: TypeAlias = "Progress | Piece | Done | Failed"
