"""Event streams that last: kept alive, bounded for each caller, and ended from outside."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing, contextmanager

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, RateLimited
from dovetail.core.request import Json
from dovetail.gateway import errors
from dovetail.gateway.guard import Guard, known
from dovetail.gateway.sse import STREAM_HEADERS, abort

MOST = 64  # of one caller
HEARTBEAT = 10.0
_BEGIN = b"retry: 1000\n\n"
_BEAT = b": keep-alive\n\n"

End = Callable[["DovetailError | None"], None]


class Streams:
    """Those that are open."""

    def __init__(self) -> None:
        self._open: dict[End, Caller] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def callers(self) -> set[Caller]:
        return set(self._open.values())

    @contextmanager
    def inside(self, caller: Caller, end: End) -> Generator[None]:
        """Around one stream. Raises RateLimited where its caller has too many."""
        count = Counter(each.id for each in self._open.values())[caller.id]
        if count >= MOST:
            raise RateLimited(
                f"{count} event streams are open already; close one of them", code="too_many_streams", retry_after=1.0
            )
        self._open[end] = caller
        try:
            yield
        finally:
            del self._open[end]

    def turn_out(self, caller: Caller, error: DovetailError) -> int:
        """Ends all of one caller's with `error`; how many those were."""
        ends = [end for end, each in self._open.items() if each == caller]
        for end in ends:
            end(error)
        return len(ends)

    def cut(self) -> None:
        """Ends all, for a shutdown: their clients come back by themselves."""
        for end in tuple(self._open):
            end(None)


class EventStream(Response):
    """What `source` yields, as long as its client stays; the source is closed when the stream ends.

    A client that takes nothing for `stall` seconds is cut off.
    """

    def __init__(self, source: AsyncGenerator[bytes, None], streams: Streams, stall: float) -> None:
        super().__init__()
        self._source = source
        self._streams = streams
        self._stall = stall
        self._ended: asyncio.Future[DovetailError | None] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._source):
            with self._streams.inside(known(scope).caller, self.end):
                try:
                    await self._run(receive, send)
                except* TimeoutError:
                    abort(scope)

    def end(self, error: DovetailError | None) -> None:
        """Ends it with `error`, or without a word."""
        if not self._ended.done():
            self._ended.set_result(error)

    async def _run(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(STREAM_HEADERS)})
        await self._send(send, _BEGIN)
        async with asyncio.TaskGroup() as tasks:
            watcher = tasks.create_task(self._watch(receive))
            coming = tasks.create_task(self._next())
            try:
                while True:
                    await asyncio.wait({coming, self._ended}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                    if self._ended.done():
                        break
                    if not coming.done():
                        await self._send(send, _BEAT)
                    elif (chunk := coming.result()) is None:
                        break
                    else:
                        await self._send(send, chunk)
                        coming = tasks.create_task(self._next())
            finally:
                coming.cancel()
                watcher.cancel()
        error = self._ended.result() if self._ended.done() else None
        await self._send(send, b"" if error is None else errors.frame(error), more=False)

    async def _next(self) -> bytes | None:
        try:
            return await anext(self._source, None)
        except Exception as failure:  # noqa: BLE001  the stream's boundary
            self.end(errors.as_dovetail(failure))
            return None

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end(None)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._stall):
            await send({"type": "http.response.body", "body": body, "more_body": more})


class Download(Response):
    """A body that `source` makes piece by piece, closed when the answer ends or its client has left.

    It is begun in any case: one that was not would let go of nothing when it is closed.
    A client that takes nothing for `stall` seconds is cut off, and so are all at a shutdown and whoever is ended.
    """

    def __init__(
        self, source: AsyncGenerator[bytes, None], streams: Streams, stall: float, headers: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._source = source
        self._streams = streams
        self._stall = stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = asyncio.timeout(None)

        def end(_: DovetailError | None) -> None:
            if not whole.expired():
                whole.reschedule(asyncio.get_running_loop().time())

        try:
            async with aclosing(self._source) as pieces, whole:
                with self._streams.inside(known(scope).caller, end):
                    await self._run(pieces, Request(scope, receive), send)
        except TimeoutError:
            abort(scope)

    async def _run(self, pieces: AsyncGenerator[bytes, None], request: Request, send: Send) -> None:
        piece = await anext(pieces, None)
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while piece is not None:
            if await request.is_disconnected():
                return
            await self._send(send, {"type": "http.response.body", "body": piece, "more_body": True})
            piece = await anext(pieces, None)
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._stall):
            await send(message)


def count(scope: Scope, guard: Guard | None) -> None:
    """Counts a stream like a request for an answer. Raises RateLimited."""
    if guard is not None:
        guard.count(scope, known(scope).caller)


def frame(data: Json, seq: int | None = None) -> bytes:
    """One event; `seq` is what a client that comes back tells as the last it has seen."""
    name = b"" if seq is None else b"id: %d\n" % seq
    return b"%bdata: %b\n\n" % (name, orjson.dumps(data))


def last_seen(request: Request) -> int | None:
    """The last event that a client which comes back has seen."""
    said = request.headers.get("last-event-id", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None
