"""How much a caller has used of what it may: requests and tokens. Answers at once are the queue's to hold back."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dovetail.core.caller import Caller
from dovetail.core.errors import RateLimited

MINUTE = 60.0
DAY = 86_400.0
_CALLERS = 10_000


@dataclass(slots=True)
class Window:
    """A count that fades evenly over its length: what is left of the period before, and this one's."""

    length: float
    _period: int = 0
    _before: float = 0.0
    _now: float = 0.0

    def used(self, when: float) -> float:
        self._turn(when)
        return self._before * (1.0 - (when % self.length) / self.length) + self._now

    def add(self, amount: float, when: float) -> None:
        self._turn(when)
        self._now += amount

    def _turn(self, when: float) -> None:
        period = int(when // self.length)
        if period != self._period:
            self._before = self._now if period == self._period + 1 else 0.0
            self._period, self._now = period, 0.0


@dataclass(slots=True)
class _Account:
    requests_minute: Window = field(default_factory=lambda: Window(MINUTE))
    requests_day: Window = field(default_factory=lambda: Window(DAY))
    tokens_minute: Window = field(default_factory=lambda: Window(MINUTE))
    tokens_day: Window = field(default_factory=lambda: Window(DAY))


class Allowance:
    """Counts for each key, or each caller without one; in memory, so that a restart forgets them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._inside: Counter[str] = Counter()

    def use(self, caller: Caller) -> None:
        """One request more of `caller`. Raises RateLimited when that is more than it may."""
        limits, account, now = caller.limits, self._account(caller), self._clock()
        for what, most, window, more in (
            ("requests a minute", limits.requests_minute, account.requests_minute, 1),
            ("requests a day", limits.requests_day, account.requests_day, 1),
            ("tokens a minute", limits.tokens_minute, account.tokens_minute, 0),
            ("tokens a day", limits.tokens_day, account.tokens_day, 0),
        ):
            used = window.used(now)
            # What a request will cost in tokens shows at its end, so one may go over.
            if most is not None and (used + more > most or used >= most):
                raise _refusal(f"{most} {what}", 1.0 if window.length == MINUTE else MINUTE)
        account.requests_minute.add(1, now)
        account.requests_day.add(1, now)

    @contextmanager
    def inside(self, party: str, most: int) -> Generator[None]:
        """Around one request. Raises RateLimited where `party` has `most` under way."""
        if self._inside[party] >= most:
            raise RateLimited(
                f"{most} answers at once are under way already; try again when one has ended",
                code="too_many_answers",
                retry_after=1.0,
            )
        self._inside[party] += 1
        try:
            yield
        finally:
            self._inside[party] -= 1
            if not self._inside[party]:
                del self._inside[party]

    def spent(self, caller: Caller, tokens: int) -> None:
        """Tokens are known when a request has ended: the next one feels them."""
        account, now = self._account(caller), self._clock()
        account.tokens_minute.add(tokens, now)
        account.tokens_day.add(tokens, now)

    def _account(self, caller: Caller) -> _Account:
        name = caller.key or caller.id
        account = self._accounts.setdefault(name, _Account())
        self._accounts.move_to_end(name)
        while len(self._accounts) > _CALLERS:
            self._accounts.popitem(last=False)
        return account


def _refusal(what: str, wait: float) -> RateLimited:
    return RateLimited(f"no more than {what} are taken; try again later", retry_after=wait)
