"""Every request that waits or runs: who sent it, how far it has come, and how it is ended from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Literal, TypeAlias

from dovetail.core.caller import Caller
from dovetail.core.errors import Busy, Cancelled, DovetailError
from dovetail.core.events import Event, Finished, Loading, Prefill, Queued
from dovetail.core.observe import RequestRecord
from dovetail.core.request import JsonObject

Kind: TypeAlias = Literal["generation", "embedding", "ranking", "token count", "transcription", "load"]
Phase: TypeAlias = Literal["starting", "loading", "queued", "prefill", "decoding"]


class Ticket:
    """One request under way; changed by those who serve it, read by anybody.

    model    as it was asked for, then its name
    worker   the worker that it waits for or runs on, empty until that is known
    params   its fields as they were sent, without texts; the body itself is not kept
    endpoint, trace   the route that it came by, and the `traceparent` that came with it
    streamed  whether its answer goes out as it comes
    failure  what it was ended with from outside, if it was
    record   what it came to, once it has ended; of several requests that it stands for, the last
    began    when it came, in seconds since the epoch
    position, wait   in line, 0 and None when it is not there; `arrival` is its first position, 0 if it never waited
    number   its own, counted from the start of the server; 0 before it is listed
    prefilled, cached, prompt, tokens   prompt tokens done, had already and in all; pieces of the answer so far, of all
        its choices
    """

    __slots__ = (
        "_end", "arrival", "began", "cached", "caller", "endpoint", "failure", "id", "kind", "model", "number",
        "params", "phase", "position", "prefilled", "prompt", "record", "streamed", "tokens", "trace", "wait", "worker",
    )  # fmt: skip

    def __init__(self, kind: Kind, caller: Caller, model: str, params: JsonObject | None = None) -> None:
        self.kind: Kind = kind
        self.caller = caller
        self.model = model
        self.params = params or {}
        self.id = self.endpoint = self.trace = self.worker = ""
        self.streamed = False
        self.failure: DovetailError | None = None
        self.record: RequestRecord | None = None
        self.began = time.time()
        self.phase: Phase = "starting"
        self.number = self.position = self.arrival = 0
        self.prefilled = self.cached = self.prompt = self.tokens = 0
        self.wait: float | None = None
        self._end: Callable[[DovetailError], None] | None = None

    def note(self, event: Event) -> None:
        """What has happened to it."""
        match event:
            case Queued(position, wait):
                self.phase, self.position, self.wait = "queued", position, wait
                self.arrival = self.arrival or position
            case Loading():
                self.phase = "loading"
            case Prefill(total, cached, done):
                self.phase, self.prompt, self.cached, self.prefilled = "prefill", total, cached, done
            case Finished():
                pass
            case _:
                self.phase = "decoding"
                self.tokens += 1

    def end(self, error: DovetailError) -> None:
        """Ends it with `error`, once it is under way."""
        if self._end is not None:
            self.failure = self.failure or error
            self._end(error)

    def begin(self, request_id: str, end: Callable[[DovetailError], None]) -> None:
        self.id, self._end = request_id, end


class Requests:
    """All tickets there are, oldest first; as many as there can be connections."""

    def __init__(self) -> None:
        self._tickets: dict[Ticket, None] = {}
        self._numbers = count(1)
        self._ended: dict[str, tuple[int, int]] = {}
        self._watchers: set[asyncio.Event] = set()

    def __iter__(self) -> Iterator[Ticket]:
        return iter(tuple(self._tickets))

    @contextmanager
    def under_way(self, ticket: Ticket, request_id: str, end: Callable[[DovetailError], None]) -> Generator[None]:
        """`ticket` is listed while the context is open; `end` is how it is ended from outside, and must not block."""
        ticket.number = next(self._numbers)
        ticket.begin(request_id, end)
        self._tickets[ticket] = None
        self._tell()
        try:
            yield
        finally:
            del self._tickets[ticket]
            _count(self._ended, ticket)
            self._tell()

    @contextmanager
    def watched(self, event: asyncio.Event | None = None) -> Generator[asyncio.Event]:
        """An event, `event` or a new one, that is set whenever a request comes or has ended; its reader clears it."""
        event = event or asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)

    def counted(self) -> dict[str, tuple[int, int]]:
        """By model, prompt tokens computed and pieces written since the start, by requests that have ended or not."""
        counts = dict(self._ended)
        for ticket in self._tickets:
            _count(counts, ticket)
        return counts

    def cancel(self, request_id: str) -> int:
        """Ends what came by that id, which is the client's own to choose: how many requests that were."""
        return self._end([ticket for ticket in self if ticket.id == request_id], cancelled())

    def clean_up(self, workers: frozenset[str], older_than: float) -> int:
        """Ends what came more than so many seconds ago for one of these workers; how many requests that were."""
        since = time.time() - older_than
        return self._end([t for t in self if t.worker in workers and t.began <= since], cancelled())

    def turn_out(self, caller: Caller, error: DovetailError) -> int:
        """Ends all of one caller's with `error`; how many requests that were."""
        return self._end([ticket for ticket in self if ticket.caller == caller], error)

    def cut(self) -> None:
        """Ends everything, for a shutdown."""
        self._end(list(self), Busy("the server is shutting down; send the request again", code="shutting_down"))

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def _end(self, tickets: list[Ticket], error: DovetailError) -> int:
        for ticket in tickets:
            ticket.end(error)
        return len(tickets)


def _count(counts: dict[str, tuple[int, int]], ticket: Ticket) -> None:
    computed = ticket.prefilled - ticket.cached
    if computed or ticket.tokens:  # before that its model is whatever the client has written
        before, written = counts.get(ticket.model, (0, 0))
        counts[ticket.model] = before + computed, written + ticket.tokens


def cancelled() -> Cancelled:
    return Cancelled("the request was cancelled on the server; what came before is all there is")
