"""Admission to one worker: bounded, fair between callers, with the position and the likely wait known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import Busy, QueueFull
from dovetail.core.events import Event, Finished, Prefill
from dovetail.fleet.cores import Cores
from dovetail.fleet.crowd import Crowd
from dovetail.fleet.line import Line
from dovetail.fleet.pace import Pace

TELL_EVERY = 1.0  # seconds between two rounds of telling those who wait where they stand
_RETRY_AFTER = (2.0, 600.0)  # seconds: where nothing is known, and at most


class Timer(Protocol):
    """`loop.call_later` is one."""

    def __call__(self, seconds: float, callback: Callable[[], None], /) -> asyncio.TimerHandle: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """waiting: requests in line; max_hold: seconds that a free slot is kept from them; timeout: seconds in line."""

    waiting: int = 64
    max_hold: float = 5.0
    timeout: float = 600.0


class Queue:
    """`width` of a worker's `slots` are given out; from whom one was kept for `max_hold` gets one of the others too.

    A caller with nobody in a full line is let in all the same, up to as many again: one caller cannot shut others out.
    """

    def __init__(
        self,
        slots: int,
        bounds: Bounds = Bounds(),
        crowd: Crowd | None = None,
        clock: Callable[[], float] = time.monotonic,
        timer: Timer | None = None,
    ) -> None:
        self.slots = slots
        self.bounds = bounds
        self.pace = Pace()
        self._choose: Callable[[int, int], int] | None = None
        self._cores: Cores | None = None
        self._threads = 0
        self._crowd = crowd or Crowd()
        self._clock = clock
        self._call_later = timer or _on_loop
        self._line: Line[Turn] = Line()
        self._returned: list[Turn] = []  # who has had a turn and lost its worker: ahead of the line
        self._waiting: dict[Turn, None] = {}  # in order of arrival
        self._running: dict[Turn, None] = {}
        self._loading: dict[str, int] = {}
        self._standings: dict[Turn, tuple[int, float | None]] | None = None
        self._told_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """How many run."""
        return len(self._running)

    @property
    def width(self) -> int:
        """How many of the slots are given out while nobody has waited for long: it depends on how many want one."""
        if self._cores is not None and not self._cores.free(self, self._threads):
            return 0
        return self.width_for(self.active + len(self._waiting))

    def width_for(self, demand: int) -> int:
        """What `width` is when `demand` want a slot and the processor is free."""
        return self.slots if self._choose is None else self._choose(demand, self.slots)

    @property
    def oldest(self) -> float | None:
        """When the first of those came who wait, and not for another of their own answers."""
        return next((turn.arrived for turn in self._waiting if not self._crowd.full(turn.caller)), None)

    def compete(self, cores: Cores, threads: int) -> None:
        """Takes turns with other queues of `cores`; said before anybody enters, and when the threads change."""
        self._cores, self._threads = cores, threads

    def widen(self, choose: Callable[[int, int], int] | None) -> None:
        """Sets what `width` is for a demand and a number of slots, never more than these; None: all slots."""
        self._choose = choose
        self.advance()

    def resize(self, slots: int) -> None:
        self.slots = slots
        self.advance()

    def rebound(self, bounds: Bounds) -> None:
        """Other bounds, for those who wait already too."""
        self.bounds = bounds
        self.advance()

    def enter(self, caller: Caller = LOCAL, cost: int = 0, *, ahead: bool = False) -> Turn:
        """A turn that will probably use `cost` tokens, at once or in line; it must be left. Raises QueueFull.

        `ahead` of the line, however long, for who has had a turn already and lost its worker.
        """
        turn = Turn(self, caller, cost, self._clock())
        if not ahead and (self.active >= self.width or self._crowd.full(caller)):
            self._check_room(caller)
        self._waiting[turn] = None
        if ahead:
            self._returned.append(turn)
        else:
            self._line.join(turn)
        self.advance()
        turn.told = turn.position
        return turn

    @contextmanager
    def loading(self, caller: Caller) -> Generator[None]:
        """Counts one who waits for the worker itself. Raises QueueFull."""
        if sum(self._loading.values()) >= self.slots:
            self._check_room(caller, self.slots)
        self._loading[caller.id] = self._loading.get(caller.id, 0) + 1
        try:
            yield
        finally:
            self._loading[caller.id] -= 1
            if not self._loading[caller.id]:
                del self._loading[caller.id]

    def advance(self) -> None:
        """Hands out what may be handed out, and has those who still wait told where they stand."""
        self._standings = None
        while self._may_admit() and (turn := self._next()) is not None:
            del self._waiting[turn]
            self._running[turn] = None
            self._crowd.enter(turn.caller)
            turn.begin(self._clock())
        self._crowd.watch(self, watching=bool(self._waiting))
        if self._cores is not None:
            self._cores.watch(self, self._threads, watching=bool(self._waiting or self._running))
        self._hold()
        self._tell()
        self._arm()

    def leave(self, turn: Turn) -> None:
        if turn in self._waiting:
            del self._waiting[turn]
            if turn in self._returned:
                self._returned.remove(turn)
            else:
                self._line.remove(turn)
            self.advance()
            self._released()
            return
        del self._running[turn]
        if turn.used is not None:
            self._line.charge(turn.caller, turn.used - turn.cost)
            self.pace.learn(self._clock() - turn.began, turn.used, turn.answer)
        self._crowd.leave(turn.caller)
        self.advance()
        self._crowd.freed(self, turn.caller)
        self._released()

    def _released(self) -> None:
        if self._cores is not None:
            self._cores.released(self)

    def standing(self, turn: Turn) -> tuple[int, float | None]:
        """Position in line, counted from 1, and seconds until its turn as far as anything is known."""
        if turn not in self._waiting:
            return 0, None
        if self._standings is None:
            self._standings = self._stand()
        return self._standings[turn]

    def retry_after(self) -> float:
        """Seconds until a place in line is likely to be free."""
        usual, most = self.pace.seconds_a_turn, _RETRY_AFTER[1]
        return _RETRY_AFTER[0] if usual is None else min(max(1.0, usual / max(1, self.width)), most)

    def _stand(self) -> dict[Turn, tuple[int, float | None]]:
        pace, now = self.pace.seconds_a_token, self._clock()
        ahead = 0.0 if pace is None else sum(max(0.0, t.cost * pace - (now - t.began)) for t in self._running)
        standings: dict[Turn, tuple[int, float | None]] = {}
        order = [*self._returned, *self._line.order(self._crowd.full)]
        for position, turn in enumerate(order, start=1):
            standings[turn] = position, None if pace is None else ahead / max(1, self.width)
            ahead += turn.cost * (pace or 0.0)
        return standings

    def _check_room(self, caller: Caller, more: int = 0) -> None:
        waiting = len(self._waiting) + sum(self._loading.values())
        own = self._line.count(caller) + self._loading.get(caller.id, 0)
        if waiting >= (self.bounds.waiting + more) * (1 if own else 2):
            after = self.retry_after()
            raise QueueFull(
                f"{waiting} requests are waiting for this model: try again in {after:.0f} s", retry_after=after
            )

    def _next(self) -> Turn | None:
        return self._returned.pop(0) if self._returned else self._line.take(self._crowd.full)

    def _may_admit(self) -> bool:
        if not self._waiting or self.active < (self.slots if self._returned else self.width):
            return bool(self._waiting)
        return self.active < self.slots and self._clock() >= self._held_until()

    def _held_until(self) -> float:
        """When a slot beyond `width` may be used, if there is one."""
        kept = (turn.kept for turn in self._waiting if turn.kept is not None and not self._crowd.full(turn.caller))
        return min(kept, default=float("inf")) + self.bounds.max_hold

    def _hold(self) -> None:
        """Notes from whom a free slot is kept: behind a full worker everybody would have waited anyhow."""
        free = max(0, self.slots - self.active)
        able = (turn for turn in self._waiting if not self._crowd.full(turn.caller)) if free else ()
        for turn in islice(able, free):
            turn.kept = self._clock() if turn.kept is None else turn.kept

    def _tell(self) -> None:
        """At most once a second: each who is told wakes a task and writes to a client."""
        now = self._clock()
        if now - self._told_at >= TELL_EVERY and (moved := [turn for turn in self._waiting if turn.moved_on]):
            self._told_at = now
            for turn in moved:
                turn.tell()

    def _arm(self) -> None:
        """The one timer: for who has waited too long, for a slot that was held, for what is still to be told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        now = self._clock()
        due = next(iter(self._waiting)).arrived + self.bounds.timeout
        if self.active < self.slots:
            due = min(due, self._held_until())
        if any(turn.moved_on for turn in self._waiting):
            due = min(due, self._told_at + TELL_EVERY)
        self._timer = self._call_later(max(0.001, due - now), self._tick)

    def _tick(self) -> None:
        self._timer = None
        late = self._clock() - self.bounds.timeout
        for turn in [turn for turn in self._waiting if turn.arrived <= late]:
            turn.expire()
        self.advance()


class Turn:
    """One generation's standing. `cost` is a guess in tokens, `used` what it has taken so far, None while unknown.

    `kept`: since when there is a slot that it could have, and may not yet.
    """

    def __init__(self, queue: Queue, caller: Caller, cost: int, arrived: float) -> None:
        self.caller = caller
        self.cost = cost
        self.arrived = arrived
        self.began = arrived
        self.kept: float | None = None
        self.used: int | None = None
        self.answer: int | None = None
        self.told: int | None = None
        self._queue: Queue | None = queue
        self._news = False
        self._moved: asyncio.Event | None = None  # made by who waits: most never do
        self._failure: Busy | None = None

    @property
    def position(self) -> int:
        """Counts from 1, 0 once it may run."""
        return self._queue.standing(self)[0] if self._queue else 0

    @property
    def wait(self) -> float | None:
        """Seconds until it may run, as far as anything is known."""
        return self._queue.standing(self)[1] if self._queue else None

    @property
    def moved_on(self) -> bool:
        """Whether it stands elsewhere than it was told."""
        return self.told is not None and self.position != self.told

    async def moved(self) -> None:
        """Waits until it may run or is told another position. Raises Busy when it has waited too long."""
        if not self._news:
            self._moved = asyncio.Event()
            await self._moved.wait()
        self._news = False
        if self._failure is not None:
            raise self._failure

    def begin(self, now: float) -> None:
        self.began = now
        self._tell()

    def tell(self) -> None:
        self.told = self.position
        self._tell()

    def expire(self) -> None:
        """Ends the wait; its place goes to the next at once."""
        queue = self._queue
        if queue is not None:
            seconds = queue.bounds.timeout
            self._failure = Busy(
                f"no slot became free within {seconds:g} s: try again later",
                code="queue_timeout",
                retry_after=queue.retry_after(),
            )
            self._tell()
            self.leave()

    def _tell(self) -> None:
        self._news = True
        if self._moved is not None:
            self._moved.set()

    def note(self, events: Sequence[Event]) -> None:
        """What the worker has said, so that what was really used is charged: tokens it did not find in a cache."""
        used = self.used or 0
        for event in events:
            if isinstance(event, Prefill):
                used = event.done - event.cached
            elif isinstance(event, Finished):
                usage = event.usage
                used, self.answer = usage.prompt - usage.cached + usage.completion, usage.completion
            else:
                used += 1
        self.used = used

    def leave(self) -> None:
        """Gives the slot or the place in line back; a second call does nothing."""
        if self._queue is not None:
            queue, self._queue = self._queue, None
            queue.leave(self)


def _on_loop(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)
