"""One run of a worker's process, as its owner sees it."""

from __future__ import annotations

import asyncio

from dovetail.core.errors import LoadFailed
from dovetail.fleet.child import Child
from dovetail.fleet.client import WorkerClient
from dovetail.hardware.cgroup import out_of_memory_kills

WEIGHED_EVERY = 1.0  # seconds, while it loads


class Life:
    """Made by the one who starts the process.

    settled  it is ready or has failed
    stop     it has been asked to leave
    over     it is no longer ready, whether asked or not
    ill      it has been asked because something is wrong with it
    again    it leaves to come back
    healing  it follows one that fell, or left to come back, so that nobody has to wait for it
    killed   it ended before it was ready, by a signal and not for want of memory
    """

    def __init__(self, *, healing: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.settled: asyncio.Future[LoadFailed | None] = loop.create_future()
        self.stop: asyncio.Future[None] = loop.create_future()
        self.over = asyncio.Event()
        self.ill = False
        self.again = False
        self.healing = healing
        self.killed = False
        self.ready_at: float | None = None
        self.child: Child | None = None
        self.client: WorkerClient | None = None
        self._kills = 0
        self._frozen_at: float | None = None
        self._weighed_at = float("-inf")

    async def begins(self) -> None:
        """To be told just before the process is started."""
        self._kills = await asyncio.to_thread(out_of_memory_kills)

    async def out_of_memory(self) -> bool:
        """Whether the system has killed a process of this group for want of memory meanwhile; False where unknown."""
        return await asyncio.to_thread(out_of_memory_kills) > self._kills

    def frozen_for(self, now: float, *, stopped: bool) -> float:
        """Seconds that the process has been found stopped without a break, this time included."""
        if not stopped:
            self._frozen_at = None
            return 0.0
        self._frozen_at = now if self._frozen_at is None else self._frozen_at
        return now - self._frozen_at

    def due(self, now: float) -> bool:
        """Whether a second has gone by since the last time it was so."""
        if now - self._weighed_at < WEIGHED_EVERY:
            return False
        self._weighed_at = now
        return True
