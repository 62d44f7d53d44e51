"""The answer to a generation, streamed or whole: when its headers go, what keeps it alive, what ends it.

A streamed answer holds its headers until the first output or failure, at most `header_after` seconds, so that
a quick failure has a status of its own. From then on a failure is the dialect's error frame.
One task reads events, one watches the connection, and the request's own task writes.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, cast

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import TypeVar

from dovetail.core.errors import DovetailError, EngineFailure
from dovetail.core.events import Delta, Finished, Loading, Prefill, Progress, Queued
from dovetail.gateway import errors
from dovetail.serving.course import CLIENT_CLOSED
from dovetail.serving.requests import Requests, Ticket

STAY = "dovetail.stay"  # in a request's scope, an ExitStack: what is to last until the answer is written
LATER = "dovetail.later"  # in a request's scope, a list: answers to be written once the framework has returned
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_KEEP_ALIVE = b": keep-alive\n\n"
_HIGH_WATER = 64 << 10
PROGRESS = (Queued, Loading, Prefill)
_UNBUFFERED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
STREAM_HEADERS = ((b"content-type", b"text/event-stream; charset=utf-8"), *_UNBUFFERED)
_LINE_HEADERS = ((b"content-type", b"application/x-ndjson"), *_UNBUFFERED)


# What a dialect renders: what is no Progress.
Output: TypeAlias = Delta | Finished
EventT = TypeVar("EventT", default=Output)
EventT_contra = TypeVar("EventT_contra", contravariant=True, default=Output)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: headers are held, silence on a stream, a reader that takes nothing, the whole answer."""

    header_after: float = 5.0
    keep_alive_every: float = 5.0
    stall: float = 60.0
    whole: float = 3600.0


class Rendering(Protocol[EventT_contra]):
    """One answer in a dialect's own form."""

    @property
    def streamed(self) -> bool:
        """Whether output goes out as it comes; else `frames` gathers it and `end` is the whole body."""
        ...

    @property
    def lines(self) -> bool:
        """Whether a stream is lines of JSON, between which nothing else can be said; else server-sent events."""
        ...

    def frames(self, event: EventT_contra) -> bytes:
        """Bytes for one event that is not Progress."""
        ...

    def end(self) -> bytes:
        """Bytes after the last event."""
        ...

    def error_body(self, error: DovetailError) -> bytes:
        """The JSON answer when nothing has been sent yet."""
        ...

    def error_frame(self, error: DovetailError) -> bytes:
        """The last bytes of a stream that failed."""
        ...


class Unwritten(Protocol):
    """An answer that is to be written when the framework has returned."""

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Reply(Response, Generic[EventT]):
    """Turns the events of one generation into the bytes of one HTTP answer.

    The event generator is closed when the client leaves, when it takes nothing for `timing.stall` seconds,
    and when `fail` is called.
    """

    def __init__(
        self,
        events: AsyncGenerator[Progress | EventT, None],
        rendering: Rendering[EventT],
        requests: Requests,
        ticket: Ticket,
        timing: Timing,
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> None:
        """`media_type` is that of a whole answer."""
        super().__init__()
        self._events = events
        self._rendering = rendering
        self._requests = requests
        self._ticket = ticket
        ticket.streamed = rendering.streamed
        self._timing = timing
        self._media_type = media_type
        self._headers = [(k.encode("latin-1"), v.encode("latin-1", "replace")) for k, v in (headers or {}).items()]
        self._pending: list[bytes] = []
        self._size = 0
        self._progress = b""
        self._failure: DovetailError | None = None
        self._news = False
        # Waited for by the one task that writes, and the one that reads; an Event weighs 800 bytes more than a future.
        self._writer: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._started = self._sending = self._silent = self._done = self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leaves the writing to whoever has put a list into the scope: the frames of a framework are heavy to keep."""
        later = cast("list[Unwritten] | None", scope.get(LATER))
        if later is None:
            await self.run(scope, receive, send)
        else:
            later.append(self)

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Writes the answer, from its headers to its end."""
        self._loop = asyncio.get_running_loop()
        self._written = self._loop.time()
        self._ends = self._written + self._timing.whole
        try:
            async with asyncio.timeout(None) as self._cut, asyncio.TaskGroup() as tasks:
                self._reader = tasks.create_task(self._read())
                watcher = tasks.create_task(self._watch(receive))
                self._timer = self._loop.call_later(self._first_tick(), self._tick)
                try:
                    with self._requests.under_way(self._ticket, arrived(self._ticket, scope), self.fail):
                        await self._write(send)
                finally:
                    self._timer.cancel()
                    self._reader.cancel()
                    watcher.cancel()
                    if self._failure is not None or self._gone:
                        scope[errors.ERROR] = self._failure.code if self._failure else CLIENT_CLOSED
        except TimeoutError:
            abort(scope)

    def fail(self, error: DovetailError) -> None:
        """Ends the answer with `error` instead of what is still to come."""
        if not self._done:
            self._failure = error
            self._reader.cancel()
            self._wake()

    async def _read(self) -> None:
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._take(event)
                    if self._size > _HIGH_WATER:
                        self._room = self._loop.create_future()
                        await self._room
            self._push(self._rendering.end())
        except DovetailError as failure:
            self._failure = failure
        except Exception as failure:  # noqa: BLE001  the request's boundary
            self._failure = errors.as_dovetail(failure)
        finally:
            self._done = True
            self._wake()

    def _take(self, event: Progress | EventT) -> None:
        if isinstance(event, PROGRESS):
            if not self._rendering.lines:
                self._progress = _comment(event)
            if self._started:
                self._wake()
        elif frames := self._rendering.frames(event):
            self._progress = b""
            self._push(frames)
            self._wake()

    def _push(self, frames: bytes) -> None:
        self._pending.append(frames)
        self._size += len(frames)

    def _wake(self) -> None:
        self._news = True
        writer, self._writer = self._writer, None
        if writer is not None and not writer.done():
            writer.set_result(None)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._reader.cancel()
        self._wake()

    async def _write(self, send: Send) -> None:
        while True:
            if not self._news:
                self._writer = self._loop.create_future()
                await self._writer
            self._news = False
            if self._gone:
                break
            failure = self._failure
            done = self._done or failure is not None
            if not self._started:
                if failure is not None:
                    await self._whole(send, failure.status, self._rendering.error_body(failure), failure)
                    break
                if done and not self._rendering.streamed:
                    await self._whole(send, 200, b"".join(self._pending))
                    break
                self._started = True
                kind = _LINE_HEADERS if self._rendering.lines else STREAM_HEADERS
                headers = [*kind, *self._headers, *self._waited()]
                await self._send(send, {"type": "http.response.start", "status": 200, "headers": headers})
            chunk = self._collect(failure)
            if chunk or done:
                await self._send(send, {"type": "http.response.body", "body": chunk, "more_body": not done})
            if done:
                break

    def _collect(self, failure: DovetailError | None) -> bytes:
        if self._progress:
            self._pending.insert(0, self._progress)
            self._progress = b""
        if failure is not None:
            self._pending.append(self._rendering.error_frame(failure))
        pending = self._pending
        chunk = pending[0] if len(pending) == 1 else b"".join(pending)
        self._pending = []
        self._size = 0
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if not chunk and self._silent and not self._rendering.lines:
            chunk = _KEEP_ALIVE
        self._silent = False
        return chunk

    async def _whole(self, send: Send, status: int, body: bytes, failure: DovetailError | None = None) -> None:
        extra = errors.headers(failure) if failure else {}
        headers = [
            (b"content-type", b"application/json" if failure else self._media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *((k.encode(), v.encode()) for k, v in extra.items()),
            *self._headers,
            *self._waited(),
        ]
        await self._send(send, {"type": "http.response.start", "status": status, "headers": headers})
        await self._send(send, {"type": "http.response.body", "body": body})

    def _waited(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), value.encode()) for name, value in waited(self._ticket).items()]

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        self._written = self._loop.time()
        self._sending = True
        await send(message)
        self._sending = False

    def _first_tick(self) -> float:
        first = self._timing.header_after if self._rendering.streamed else self._timing.stall
        return min(first, self._timing.whole)

    def _tick(self) -> None:
        """The one timer of an answer; it looks at clocks that are cheap to keep, so that tokens need no timers."""
        now, timing = self._loop.time(), self._timing
        if now >= self._ends:
            self._ticket.end(too_long(timing.whole))
            # What it still has to say is bound to the time a client may take nothing.
            self._ends = math.inf
        if self._sending:
            if now - self._written >= timing.stall:
                self._cut.reschedule(now)
                return
            due = self._written + timing.stall
        elif not self._rendering.streamed:
            due = now + timing.stall
        else:
            due = self._written + timing.keep_alive_every
            if not self._started or due <= now:
                self._silent = True
                self._wake()
                due = now + timing.keep_alive_every
        self._timer = self._loop.call_at(min(due, self._ends), self._tick)


def too_long(seconds: float) -> EngineFailure:
    """What ends a request that has had its time."""
    return EngineFailure(
        f"the answer took longer than {seconds:g} s (server.request_timeout)", code="request_timeout", status=504
    )


def waited(ticket: Ticket) -> dict[str, str]:
    """The header that says at which position a request came into line, where it had to wait."""
    return {"x-dovetail-queue": str(ticket.arrival)} if ticket.arrival else {}


def request_id(scope: Scope) -> str:
    """The id that the answer's `x-request-id` shows."""
    return str(scope.get(errors.REQUEST_ID, ""))


def arrived(ticket: Ticket, scope: Scope) -> str:
    """Notes how a request came; its id."""
    ticket.endpoint, ticket.trace = endpoint(scope), trace(scope)
    return request_id(scope)


def trace(scope: Scope) -> str:
    """The `traceparent` that came with the request, empty where none did."""
    found = _TRACE.fullmatch(Headers(scope=scope).get("traceparent", ""))
    return found[0] if found else ""


def endpoint(scope: Scope) -> str:
    """The path of the route that took the request, as it is registered; empty where none did."""
    return str(getattr(scope.get("route"), "path", ""))


def _comment(progress: Progress) -> bytes:
    match progress:
        case Queued(position, wait):
            text = f"queued {position}" if wait is None else f"queued {position}, about {math.ceil(wait)} s"
        case Loading(model, None):
            text = f"loading {model}"
        case Loading(model, share):
            text = f"loading {model} {share:.0%}"
        case Prefill(total, _, done):
            text = f"prefill {done}/{total}"
    return b": " + text.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace") + b"\n\n"


def abort(scope: Scope) -> None:
    """Closes the connection without waiting for what it still holds to be taken."""
    abort = cast("Callable[[], None] | None", scope.get("dovetail.abort"))
    if abort is not None:
        abort()
