"""An answer as an ASGI response: the status waits for the first event, and a client that leaves ends the job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dovetail.workers.mlx.engine import Answer
from dovetail.workers.mlx.events import Done, Event, Failed
from dovetail.workers.mlx.frames import error_body

_STREAM_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


class AnswerResponse(Response):
    """Streams an `Answer`. However it ends, the job is cancelled or finished when it returns."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        try:
            async with asyncio.TaskGroup() as tasks:
                streaming = tasks.create_task(self._stream(send))
                watching = tasks.create_task(_gone(receive, streaming))
                streaming.add_done_callback(lambda _: watching.cancel())
        finally:
            self._answer.job.cancelled = True

    async def _stream(self, send: Send) -> None:
        first = await self._answer.events.get()
        if isinstance(first, Failed):
            body = orjson.dumps(error_body(first.message, first.status, first.type))
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": first.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        batch = [first]
        while True:
            batch += self._waiting()
            self._answer.job.read += len(batch)
            body = b"".join(self._encoded(batch))
            last = isinstance(batch[-1], Done | Failed) or self._answer.frames.complete
            if body or last:
                await send({"type": "http.response.body", "body": body, "more_body": not last})
            if last:
                return
            batch = [await self._answer.events.get()]

    def _encoded(self, events: Sequence[Event]) -> Iterator[bytes]:
        for event in events:
            if not self._answer.frames.complete:
                yield from self._answer.frames.encode(event)

    def _waiting(self) -> list[Event]:
        """What has piled up meanwhile goes out in one piece."""
        events: list[Event] = []
        while not self._answer.events.empty():
            events.append(self._answer.events.get_nowait())
        return events


async def _gone(receive: Receive, streaming: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    streaming.cancel()
