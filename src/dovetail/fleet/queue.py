"""Admission to one worker: its slots are given out in order of arrival, and few may wait."""

from __future__ import annotations

import asyncio
from collections import deque

from dovetail.core.errors import QueueFull

MAX_WAITING = 64
_RETRY_AFTER = 2.0


class Queue:
    """`slots` generations run at once and `waiting` more may stand in line: engines queue without bound themselves."""

    def __init__(self, slots: int, waiting: int = MAX_WAITING) -> None:
        self.slots = slots
        self.waiting = waiting
        self.active = 0
        self._line: deque[Turn] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._line)

    def enter(self) -> Turn:
        """A turn, at once or in line; the caller must `leave` it. Raises QueueFull."""
        if len(self._line) >= self.waiting:
            raise queue_full(len(self._line))
        turn = Turn(self)
        self._line.append(turn)
        self.advance()
        return turn

    def resize(self, slots: int) -> None:
        self.slots = slots
        self.advance()

    def advance(self) -> None:
        """Hands out free slots and tells those who still wait where they stand."""
        while self._line and self.active < self.slots:
            self.active += 1
            self._line.popleft().move(0)
        for position, turn in enumerate(self._line, start=1):
            turn.move(position)

    def leave(self, turn: Turn) -> None:
        if turn.position:
            self._line.remove(turn)
        else:
            self.active -= 1
        self.advance()


class Turn:
    """One generation's standing: `position` counts from 1, 0 once it may run."""

    def __init__(self, queue: Queue) -> None:
        self.position = -1
        self._queue: Queue | None = queue
        self._moved = asyncio.Event()

    async def moved(self) -> None:
        """Waits until `position` has changed since the last call; the caller sets the deadline."""
        await self._moved.wait()
        self._moved.clear()

    def move(self, position: int) -> None:
        if position != self.position:
            if self.position >= 0:
                self._moved.set()
            self.position = position

    def leave(self) -> None:
        """Gives the slot or the place in line back; a second call does nothing."""
        if self._queue is not None:
            queue, self._queue = self._queue, None
            queue.leave(self)


def queue_full(waiting: int) -> QueueFull:
    return QueueFull(
        f"{waiting} requests are waiting for this model: try again in {_RETRY_AFTER:g} s", retry_after=_RETRY_AFTER
    )
