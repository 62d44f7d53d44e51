"""What a request has come to, step by step, for the one record of it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

from dovetail.core.errors import DovetailError
from dovetail.core.events import (
    Event,
    Finished,
    Loading,
    Prefill,
    Queued,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Timings,
    ToolCallDelta,
    Usage,
)
from dovetail.core.observe import GAPS, RequestRecord
from dovetail.serving.requests import Ticket

_PIECES = (TextDelta, ReasoningDelta, ToolCallDelta, RefusalDelta)
CLIENT_CLOSED, CLOSED_STATUS = "client_closed", 499


class Course:
    """Told every event of one request; who leaves early has used what was computed until then."""

    def __init__(self, request_id: str, ticket: Ticket, clock: Callable[[], float]) -> None:
        self._id = request_id
        self._ticket = ticket
        self._clock = clock
        self._started = clock()
        self._first: float | None = None
        self._lasts: dict[int, float] = {}  # by choice
        self._waits: type[Queued | Loading] | None = None
        self._since = self._queued = self._loading = 0.0
        self._finished: list[Finished] = []
        self._prompt = 0
        self._pieces: Counter[int] = Counter()
        self._gaps = [0] * (len(GAPS) + 1)
        self._between = 0.0
        self._error: str | None = None
        self._status = 200

    def note(self, event: Event) -> None:
        """Called for each token, of which most are pieces of text: an addition or two."""
        if isinstance(event, _PIECES):
            now, index = self._clock(), event.index
            if self._waits is not None:  # before the first piece, or behind a worker that fell
                self._wait(None)
            if index in self._lasts:
                gap = now - self._lasts[index]
                self._gaps[bisect_left(GAPS, gap)] += 1
                self._between += gap
            elif self._first is None:
                self._first = now
            self._lasts[index] = now
            self._pieces[index] += 1
            return
        match event:
            case Queued() | Loading():
                self._wait(type(event))
            case Prefill(done=done):
                self.ready()
                self._prompt = done
            case Finished(index=index):
                self._finished.append(event)
                self._pieces.pop(index, None)

    def ready(self) -> None:
        """What it has waited for has come."""
        if self._waits is not None:
            self._wait(None)

    def failed(self, failure: BaseException) -> None:
        """It ends with what was raised: an error, or that nobody waits for it any more."""
        ended = self._ticket.failure  # from outside
        match failure:
            case DovetailError():
                self._error, self._status = failure.code, failure.status
            case Exception():
                self._error, self._status = DovetailError.code, DovetailError.status
            case _ if ended is not None:
                self._error, self._status = ended.code, ended.status
            case _:
                self._error, self._status = CLIENT_CLOSED, CLOSED_STATUS

    @property
    def loading(self) -> float:
        """Seconds of waiting for the model, once that is over."""
        return self._loading

    def record(self, model: str, read: int | None = None) -> RequestRecord:
        """It has ended; of choices that have not, pieces count for tokens. `read`: tokens of what is only read."""
        self.ready()
        if read is not None:
            self._prompt = read
            if self._error is None:
                self._finished.append(Finished("stop", Usage(read), Timings()))
        ticket = self._ticket
        return RequestRecord(
            id=self._id,
            caller=ticket.caller,
            model=model,
            started=self._started,
            first_output=self._first,
            ended=self._clock(),
            choices=tuple(self._finished),
            error=self._error,
            unfinished=None if self._error is None else Usage(self._prompt, self._pieces.total()),
            kind=ticket.kind,
            endpoint=ticket.endpoint,
            request_id=ticket.id,
            trace=ticket.trace,
            began=ticket.began,
            status=self._status,
            streamed=ticket.streamed,
            queued=self._in_line(),
            loading=self._loading,
            gaps=tuple(self._gaps) if any(self._gaps) else (),
            between=self._between,
        )

    def _wait(self, what: type[Queued | Loading] | None) -> None:
        if what is self._waits:
            return
        now = self._clock()
        if self._waits is Queued:
            self._queued += now - self._since
        elif self._waits is Loading:
            self._loading += now - self._since
        self._waits, self._since = what, now

    def _in_line(self) -> float:
        """The first sign from the worker, which ends the wait, comes with the prompt: its time is no wait."""
        took = max((choice.timings.prompt_ms / 1000 for choice in self._finished), default=0.0)
        if not self._queued or self._first is None or not took:
            return self._queued
        return min(self._queued, max(0.0, self._first - self._started - self._loading - took))
