"""A launched process, watched from its start until it is reaped."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from dovetail.fleet.launch import Launched

_REAP_WITHIN = 5.0  # a process in uninterruptible sleep outlives even SIGKILL


class Child:
    """Entered with a worker just launched; leaving ends it, with SIGTERM first when it has `patience` seconds.

    Somebody else's server, which has no process, never exits and is left alone.
    """

    def __init__(self, launched: Launched) -> None:
        self.endpoint = launched.endpoint
        self.patience = 0.0
        self._process = launched.process
        self._reaped: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        if self._process is not None:
            self._reaped = asyncio.create_task(self._process.wait(), name=f"reaper of {self._process.pid}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if self.patience and not self._reaped.done():
            self._process.terminate()
            await asyncio.wait({self._reaped}, timeout=self.patience)
        if not self._reaped.done():
            self._process.kill()
            await asyncio.wait({self._reaped}, timeout=_REAP_WITHIN)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while the process lives."""
        return self._reaped.result() if self._reaped.done() else None

    async def exited_or(self, event: asyncio.Future[None], within: float | None = None) -> None:
        """Waits until the process has been reaped, `event` is done or `within` seconds are over."""
        await asyncio.wait({self._reaped, event}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
