"""Time that goes on when a test says so, with the one-shot timers of a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast


class Handle:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Time:
    """A clock, and `call_later` on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.handles: list[Handle] = []

    def __call__(self) -> float:
        return self.now

    def later(self, seconds: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        self.handles.append(Handle(self.now + seconds, callback))
        return cast("Any", self.handles[-1])

    @property
    def pending(self) -> list[Handle]:
        return sorted((handle for handle in self.handles if not handle.cancelled), key=lambda handle: handle.due)

    def pass_on(self, seconds: float) -> None:
        """Goes on by `seconds`, running what falls due on the way."""
        end = self.now + seconds
        while (pending := self.pending) and pending[0].due <= end:
            self.now = max(self.now, pending[0].due)
            self.handles.remove(pending[0])
            pending[0].callback()
        self.now = end
