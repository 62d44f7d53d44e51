"""The processor's cores, passed between the workers that compute on them: two at full thread count stall each other."""

from __future__ import annotations

from typing import Protocol


class Competitor(Protocol):
    """A queue of one worker; `fleet.queue.Queue` is one. `oldest`: when the first who could run now came, if one is."""

    @property
    def active(self) -> int: ...

    @property
    def oldest(self) -> float | None: ...

    def advance(self) -> None: ...


class Cores:
    """`count` physical cores. Workers whose threads fit beside each other run at once, others take turns.

    A turn ends with a worker's last answer; while somebody has waited longer elsewhere, it is given no other. The
    queue's `max_hold` bounds how long a turn is waited for.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads: dict[Competitor, int] = {}

    def watch(self, queue: Competitor, threads: int, *, watching: bool) -> None:
        """Whether anybody runs or waits in `queue`, whose worker computes with `threads` threads."""
        if watching:
            self._threads[queue] = threads
        else:
            self._threads.pop(queue, None)

    def free(self, queue: Competitor, threads: int) -> bool:
        """Whether the worker of `queue` may be given something to do now."""
        others = [(other, count) for other, count in self._threads.items() if other is not queue]
        running = sum(count for other, count in others if other.active)
        if running and running + threads > self._count:
            return False
        mine = queue.oldest
        rivals = [other.oldest for other, count in others if count + threads > self._count]
        return mine is None or not any(oldest is not None and oldest < mine for oldest in rivals)

    def released(self, queue: Competitor) -> None:
        """Somebody of `queue` runs or waits no longer: those who wait elsewhere look again, the longest first."""
        others = [(other.oldest, other) for other in self._threads if other is not queue]
        waiting = [(oldest, other) for oldest, other in others if oldest is not None]
        for _, other in sorted(waiting, key=lambda entry: entry[0]):
            other.advance()
