"""One request on its way through the generation thread, and what is known of its answer so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dovetail.core.events import Timings
from dovetail.core.request import Keep
from dovetail.workers.mlx.adapter import AdapterChoice
from dovetail.workers.mlx.batch import Drawn, Prefill, Row
from dovetail.workers.mlx.detokenize import Detokenizer
from dovetail.workers.mlx.events import Done, Event, Piece, StopType, TokenLogprob
from dovetail.workers.mlx.lora import space_of
from dovetail.workers.mlx.sampling import Processor, Sampling
from dovetail.workers.mlx.stop import StopMatcher

MAX_UNREAD = 8192  # events; a reader that far behind is cut off


@dataclass(slots=True, eq=False)
class Job:
    """A checked request: every id is in the vocabulary and the prompt leaves room for a token.

    `processors` come after those of `sampling`; this is where a grammar joins. `max_tokens` < 0: to the end of the
    context. `reuse` says whether kept prompt caches may be used, `space` which of them, `keep` where its own may stay;
    `special` shows control tokens.
    The event loop sets `cancelled`; the generation thread sees it within a step. It counts `sent` and the
    event loop `read`: one writer each.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    max_tokens: int
    stops: tuple[str, ...] = ()
    ignore_eos: bool = False
    top_logprobs: int | None = None
    progress: bool = False
    reuse: bool = True
    keep: Keep = "disk"
    space: str = ""
    special: bool = False
    adapter: AdapterChoice | None = None
    processors: tuple[Processor, ...] = ()
    cancelled: bool = False
    sent: int = 0
    read: int = 0
    deliver: Callable[[Event], None] | None = None


@dataclass(slots=True, eq=False)
class Live:
    """A job that holds one of the worker's rows."""

    job: Job
    row: Row
    prefill: Prefill
    cached: int
    detokenizer: Detokenizer
    started: float
    matcher: StopMatcher = field(init=False)
    predicted: int = 0
    first_at: float = 0.0
    prefilled_at: float | None = None
    _tokens: list[int] = field(default_factory=list[int])
    _logprob: TokenLogprob | None = None

    def __post_init__(self) -> None:
        self.matcher = StopMatcher(self.job.stops)

    @property
    def space(self) -> str:
        """Which prompt caches are the same computation."""
        return space_of(self.job.space, self.row.adapter)

    def timings(self, now: float) -> Timings:
        begun = self.first_at if self.predicted else now
        done = len(self.row.tokens) - self.cached if self.prefilled_at is None else len(self.job.prompt) - self.cached
        return Timings(
            cache_n=self.cached,
            prompt_n=done,
            prompt_ms=(begun - self.started) * 1e3,
            predicted_n=self.predicted,
            predicted_ms=max((now - self.first_at) * 1e3, 1e-3) if self.predicted else 0.0,
        )

    def take(self, drawn: Drawn, now: float, *, eos: bool, room: int) -> list[Event]:
        """Add a token; the last event is Done when it ends the answer. `room`: tokens that the context still holds."""
        self.predicted += 1
        if self.predicted == 1:
            self.first_at = now
        if eos:
            return self._end("eos", now)
        self._tokens.append(drawn.token)
        if drawn.logprobs is not None:
            chosen, top = drawn.logprobs.read()
            self._logprob = TokenLogprob(drawn.token, chosen, tuple(top))
        step = self.matcher.push(self.detokenizer.push(drawn.token))
        events = self._piece(step.text, now)
        if step.matched is not None:
            return [*events, Done("word", step.matched, self.timings(now))]
        if self.predicted == self.job.max_tokens or self.predicted >= room:
            return [*events, *self._end("limit", now)]
        return events

    def _piece(self, text: str, now: float) -> list[Event]:
        if not text:
            return []
        piece = Piece(text, tuple(self._tokens), self._logprob, self.timings(now))
        self._tokens.clear()
        self._logprob = None
        return [piece]

    def _end(self, stop: StopType, now: float) -> list[Event]:
        step = self.matcher.push(self.detokenizer.finish())
        if step.matched is not None:
            return [*self._piece(step.text, now), Done("word", step.matched, self.timings(now))]
        return [*self._piece(step.text + self.matcher.finish(), now), Done(stop, "", self.timings(now))]
