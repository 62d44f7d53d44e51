"""What each caller has running over all models, and who is to be asked again when one of them ends."""

from __future__ import annotations

from typing import Protocol

from dovetail.core.caller import Caller


class Watcher(Protocol):
    """A queue in which somebody waits; `fleet.queue.Queue` is one."""

    def advance(self) -> None: ...


class Crowd:
    """`cap`: what a caller without a limit of its own may have running at once, None: no bound."""

    def __init__(self, cap: int | None = None) -> None:
        self.cap = cap
        self._running: dict[str, int] = {}
        self._watchers: dict[Watcher, None] = {}

    def full(self, caller: Caller) -> bool:
        """Whether a caller has as much running as it may."""
        cap = self.cap if caller.limits.concurrency is None else caller.limits.concurrency
        return cap is not None and self._running.get(caller.id, 0) >= cap

    def enter(self, caller: Caller) -> None:
        self._running[caller.id] = self._running.get(caller.id, 0) + 1

    def leave(self, caller: Caller) -> None:
        self._running[caller.id] -= 1
        if not self._running[caller.id]:
            del self._running[caller.id]

    def watch(self, watcher: Watcher, *, watching: bool) -> None:
        """Whether `watcher` has somebody who may have to wait for another of its caller's answers."""
        if watching:
            self._watchers[watcher] = None
        else:
            self._watchers.pop(watcher, None)

    def freed(self, origin: Watcher, caller: Caller) -> None:
        """One of `caller`'s has ended in `origin`, which knows: the other queues look again."""
        if self.cap is None and caller.limits.concurrency is None:
            return
        for watcher in [each for each in self._watchers if each is not origin]:
            watcher.advance()
