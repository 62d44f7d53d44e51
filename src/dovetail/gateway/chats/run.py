"""One answer being written into a conversation, whoever listens: its message so far, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from dovetail.core.errors import DovetailError
from dovetail.core.events import Event, Finished, Loading, Prefill, Queued, ReasoningDelta
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.chats.draft import Draft
from dovetail.gateway.chats.figures import timings_answer, usage_answer
from dovetail.gateway.chats.parts import dumped, json_text, parts_of, searched
from dovetail.gateway.chats.rendering import message_answer
from dovetail.gateway.streams import frame
from dovetail.serving.requests import Ticket
from dovetail.storage.chats import Message, Status

KEPT = 4096  # events, for listeners that come back
SPEED_EVERY = 0.5  # seconds between two tellings of the speed
# Seconds in which a listener is written to once: a write for each token costs both sides more than the token.
PACE = 0.04
_NO_PHASE: JsonObject = {
    "type": "phase", "phase": "starting", "position": None, "wait": None, "model": None, "progress": None,
    "total": None, "cached": None, "done": None, "tokens": None, "per_second": None,
}  # fmt: skip


class Run:
    """Events are numbered from 1; a listener is a place among them, so a slow one costs nothing."""

    def __init__(
        self,
        message: Message,
        ticket: Ticket,
        clock: Callable[[], float] = time.monotonic,
        kept: int = KEPT,
        pace: float = PACE,
    ) -> None:
        self.ticket = ticket
        self.is_new = True  # to the database
        self.closed = False
        self.ended = asyncio.Event()
        self._message = message
        self._clock = clock
        self._pace = pace
        self._draft = Draft(parts_of(message.parts), clock)
        self._phase = _NO_PHASE
        self._finished: Finished | None = None
        self._read_from: tuple[float, int] | None = None
        self._first = self._told = 0.0
        self._tokens = 0
        self._seq = 0
        self._frames: deque[bytes] = deque(maxlen=kept)
        self._listeners: set[asyncio.Event] = set()

    @property
    def id(self) -> str:
        return self._message.run or ""

    @property
    def message(self) -> Message:
        """As it is now; what is searched is known at the end."""
        if not self.closed:
            self._message = replace(self._message, parts=dumped(self._draft.parts()))
        return self._message

    def take(self, event: Event) -> None:
        """Called for each piece of the answer."""
        self.is_new = True
        match event:
            case Queued(position, wait):
                self._enter(phase="queued", position=position, wait=wait)
            case Loading(model, progress):
                self._enter(phase="loading", model=model, progress=progress)
            case Prefill(total, cached, done):
                per_second, wait = self._reading(total, done)
                self._enter(phase="reading", total=total, cached=cached, done=done, per_second=per_second, wait=wait)
            case Finished():
                self._finished = event
            case _:
                self._count("thinking" if isinstance(event, ReasoningDelta) else "answering")
                self._tell(self._draft.take(event))

    def close(self, status: Status, error: DovetailError | None = None) -> None:
        """Nothing more comes; once the message is kept as it is now, `tell_end`."""
        self._draft.close()
        parts = self._draft.parts()
        finished, record = self._finished, self.ticket.record
        self._message = replace(
            self._message,
            parts=dumped(parts),
            text=searched(parts),
            status=status,
            finish=None if finished is None else finished.reason,
            usage=json_text(usage_answer(finished, record)),
            timings=json_text(timings_answer(finished, record)),
            error=json_text(None if error is None else _told(error)),
        )
        self.is_new = self.closed = True

    def give_up(self, error: DovetailError) -> None:
        """As `close`, where what was said cannot be put together: with as much of it as could be before."""
        text = searched(parts_of(self._message.parts))
        self._message = replace(self._message, text=text, status="error", error=json_text(_told(error)))
        self.is_new = self.closed = True

    def tell_end(self) -> None:
        """The last event, with the whole message."""
        self._tell({"type": "done", "message": message_answer(self._message)})
        self.ended.set()
        self._wake()

    async def listen(self, after: int = 0) -> AsyncGenerator[bytes, None]:
        """Server-sent events behind number `after`, to the last; of 0, or where they are gone, the message so far."""
        at: int | None = after or None
        news = asyncio.Event()
        self._listeners.add(news)
        try:
            while True:
                news.clear()
                before, at = at, self._seq
                if before is None or not at - len(self._frames) <= before <= at:
                    yield snapshot(self.message, self._phase, at)
                elif before < at:
                    yield b"".join(islice(self._frames, len(self._frames) - (at - before), None))
                if at == self._seq and self.ended.is_set():
                    return
                await self._rest()
                if at == self._seq:
                    await news.wait()
        finally:
            self._listeners.discard(news)

    async def _rest(self) -> None:
        """Lets what comes within the pace gather; the end is not waited with."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), self._pace)

    def _enter(self, **figures: Json) -> None:
        phase: JsonObject = {**_NO_PHASE, **figures}
        if phase != self._phase:
            self._phase = phase
            self._tell(phase)

    def _reading(self, total: int, done: int) -> tuple[float | None, float | None]:
        """Prompt tokens a second since the first were told of, and about how many seconds are left; None too early."""
        now = self._clock()
        if self._read_from is None:
            self._read_from = (now, done)
        began, before = self._read_from
        if now - began < SPEED_EVERY or done <= before:
            return None, None
        speed = (done - before) / (now - began)
        return round(speed, 2), round((total - done) / speed, 1) if done < total else None

    def _count(self, phase: str) -> None:
        now = self._clock()
        if not self._tokens:
            self._first = self._told = now
        self._tokens += 1
        took = now - self._first
        if self._phase["phase"] != phase or now - self._told >= SPEED_EVERY:
            self._told = now
            speed = round((self._tokens - 1) / took, 2) if took > 0 and self._tokens > 1 else None
            self._enter(phase=phase, tokens=self._tokens, per_second=speed)

    def _tell(self, event: JsonObject) -> None:
        self._seq += 1
        self._frames.append(frame({"seq": self._seq, **event}, self._seq))
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()


def _told(error: DovetailError) -> JsonObject:
    return {"code": error.code, "message": error.message[:4000], "param": error.param}


def snapshot(message: Message, phase: JsonObject | None, seq: int) -> bytes:
    """The event that a listener begins with."""
    return frame({"seq": seq, "type": "snapshot", "message": message_answer(message), "phase": phase}, seq)


async def told_again(message: Message, after: int) -> AsyncGenerator[bytes, None]:
    """The events of a run that has ended, out of what is kept of it; numbered on, so that they are news."""
    yield snapshot(message, None, after + 1)
    yield frame({"seq": after + 2, "type": "done", "message": message_answer(message)}, after + 2)
