"""Who is next: by priority, among callers by tokens (deficit round robin), within a caller by arrival. Knows no time.

Each caller has a lane with a credit in tokens. A lane is served while its credit is above zero, and may go below it
by one request; when no lane that waits has any left, all get a quantum more, as often as it takes. What an answer
really took is charged when it ends, so a guess that was wrong costs nobody anything for long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from dovetail.core.caller import Caller

QUANTUM = 256  # tokens
PASSED_OVER = 8  # turns of a higher priority that one of a lower may have to let pass, one after the other


class Waiting(Protocol):
    """One who stands in line; `cost` is a guess in tokens."""

    @property
    def caller(self) -> Caller: ...

    @property
    def cost(self) -> int: ...


T = TypeVar("T", bound=Waiting)
_Key = tuple[int, str]


class _Lane(Generic[T]):
    """One caller's own line; `credit` may be a debt that outlives those who made it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.waiting: deque[T] = deque()
        self.credit = 0

    def copy(self) -> _Lane[T]:
        lane: _Lane[T] = _Lane(self.caller)
        lane.waiting, lane.credit = self.waiting.copy(), self.credit
        return lane


class Line(Generic[T]):
    """All who wait for one worker."""

    def __init__(self) -> None:
        self._lanes: dict[_Key, _Lane[T]] = {}  # in the order in which they are served
        self._passed: dict[int, int] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def count(self, caller: Caller) -> int:
        """How many of one caller wait."""
        lane = self._lanes.get(_key(caller))
        return len(lane.waiting) if lane else 0

    def join(self, one: T) -> None:
        lane = self._lanes.get(_key(one.caller))
        if lane is None:
            lane = self._lanes[_key(one.caller)] = _Lane(one.caller)
        lane.waiting.append(one)
        self._length += 1

    def remove(self, one: T) -> None:
        """Takes out one who gives up; costs its caller nothing."""
        key = _key(one.caller)
        self._lanes[key].waiting.remove(one)
        self._length -= 1
        self._forget(key)

    def take(self, barred: Callable[[Caller], bool] = lambda _: False) -> T | None:
        """Takes out the next whose caller is not barred and charges its cost; None where there is none."""
        lanes = [lane for lane in self._lanes.values() if lane.waiting and not barred(lane.caller)]
        if not lanes:
            return None
        priority = self._priority({lane.caller.priority for lane in lanes})
        lanes = [lane for lane in lanes if lane.caller.priority == priority]
        if all(lane.credit <= 0 for lane in lanes):
            self._pay(min(lane.credit // -QUANTUM for lane in lanes) + 1, {id(lane) for lane in lanes})
        lane = next(lane for lane in lanes if lane.credit > 0)
        one = lane.waiting.popleft()
        self._length -= 1
        lane.credit -= max(1, one.cost)
        key = _key(lane.caller)
        if lane.credit <= 0 or not lane.waiting:
            self._lanes[key] = self._lanes.pop(key)  # to the end of the round
        self._forget(key)
        return one

    def charge(self, caller: Caller, tokens: int) -> None:
        """Adds `tokens` to what a caller has used, or takes them off where they are below zero."""
        key = _key(caller)
        lane = self._lanes.get(key)
        if lane is None and tokens > 0 and self._length:
            lane = self._lanes[key] = _Lane(caller)
        if lane is not None:
            lane.credit -= tokens
            self._forget(key)

    def order(self, barred: Callable[[Caller], bool] = lambda _: False) -> Iterable[T]:
        """All in the order in which they would be taken if nobody came or left; those of barred callers last."""
        if len(self._lanes) == 1:
            return list(next(iter(self._lanes.values())).waiting)
        trial: Line[T] = Line()
        trial._lanes = {key: lane.copy() for key, lane in self._lanes.items()}
        trial._passed = dict(self._passed)
        trial._length = self._length
        found: list[T] = []
        while one := trial.take(barred) or trial.take():
            found.append(one)
        return found

    def _priority(self, present: set[int]) -> int:
        """Whose turn it is, noted for those who are passed over by it."""
        overdue = [p for p in present if self._passed.get(p, 0) >= PASSED_OVER]
        taken = max(overdue, key=lambda p: (self._passed[p], p)) if overdue else max(present)
        self._passed = {p: self._passed.get(p, 0) + (p < taken) for p in present if p != taken}
        return taken

    def _pay(self, rounds: int, eligible: set[int]) -> None:
        """Credit for everybody; who cannot use it now keeps a quantum of it at most, who is away only pays debts."""
        for key, lane in list(self._lanes.items()):
            paid = lane.credit + rounds * QUANTUM
            if id(lane) not in eligible:
                paid = max(lane.credit, min(paid, QUANTUM if lane.waiting else 0))
            lane.credit = paid
            self._forget(key)

    def _forget(self, key: _Key) -> None:
        lane = self._lanes[key]
        if not lane.waiting:
            lane.credit = min(0, lane.credit)
            if not lane.credit:
                del self._lanes[key]
        if not self._length:  # nobody waits: there is nobody to be fair to
            self._lanes.clear()


def _key(caller: Caller) -> _Key:
    return caller.priority, caller.id
