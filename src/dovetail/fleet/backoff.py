"""When a worker that failed may start again, and when it may not: a circuit breaker."""

from __future__ import annotations

from collections.abc import Callable

from dovetail.core.errors import LoadFailed

DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0)  # seconds before each start after a failure
PAUSE = 600.0  # seconds in which nothing is tried after one failure more


class Backoff:
    """Counts failures in a row. A first load that fails is one start behind a crash: it has had its try at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.failures = 0
        self._clock = clock
        self._until = 0.0

    @property
    def broken(self) -> bool:
        """Whether starts are over for now."""
        return self.failures > len(DELAYS) and self.wait > 0

    @property
    def wait(self) -> float:
        """Seconds until a start may be tried."""
        return max(0.0, self._until - self._clock())

    def failed(self, served: float | None, enough: float) -> None:
        """Notes a failure after `served` seconds of service, None where it was never ready; `enough` make it good."""
        if served is not None and served >= enough:
            self.failures = 0
        self.failures += 2 if served is None and not self.failures else 1
        number = self.failures - 1
        self._until = self._clock() + (DELAYS[number] if number < len(DELAYS) else PAUSE)

    def forget(self) -> None:
        """A person wants it tried at once."""
        self.failures, self._until = 0, 0.0


def broken(failure: LoadFailed) -> LoadFailed:
    """The failure after which nothing is tried for a while, which it says."""
    minutes = PAUSE / 60
    pause = f"it fails again and again and is not tried for {minutes:g} minutes: load it by hand to try now"
    return LoadFailed(
        f"{failure.message}; {pause}", log_tail=failure.log_tail, code=failure.code, status=failure.status
    )


def again(failure: LoadFailed, wait: float) -> LoadFailed:
    """A copy for one more waiter, as a traceback belongs to one raise; `wait` seconds before the next try."""
    temporary = failure.status == LoadFailed.status
    return LoadFailed(
        failure.message,
        log_tail=failure.log_tail,
        code=failure.code,
        status=failure.status,
        retry_after=wait if wait and temporary else None,
    )
