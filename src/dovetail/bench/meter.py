"""The most memory that a worker takes while it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

from dovetail.bench.figures import Peak
from dovetail.hardware.reading import Unknown
from dovetail.hardware.sampler import Sampler
from dovetail.hardware.usage import usage

EVERY = 0.5  # seconds between two looks, each of which walks a process's pages
_NOT_YET = Unknown("the process was not looked at while it lived")
Look: TypeAlias = Callable[[int], Awaitable[Peak]]


class Looking:
    """Reads what a process and its descendants take: RAM by itself, GPUs' memory from what is read for all."""

    def __init__(self, readings: Sampler) -> None:
        self._readings = readings

    async def __call__(self, pid: int) -> Peak:
        ram = (await asyncio.to_thread(usage, pid)).memory
        reading = await self._readings.read()
        found = next((each.vram for each in reading.processes if each.pid == pid), _NOT_YET)
        return Peak(ram, None, found.reason) if isinstance(found, Unknown) else Peak(ram, found)


class Meter:
    """Looks at whatever process `pid` names, from `async with` to its end and once more there; `peak` is the most.

    A process that has gone adds nothing.
    """

    def __init__(self, pid: Callable[[], int | None], look: Look) -> None:
        self._pid = pid
        self._look = look
        self._task: asyncio.Task[None] | None = None
        self.peak = Peak()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="memory of a worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if kind is None:
            await self._once()

    async def _run(self) -> None:
        while True:
            await self._once()
            await asyncio.sleep(EVERY)

    async def _once(self) -> None:
        pid = self._pid()
        if pid is not None:
            self.peak = self.peak.with_more(await self._look(pid))
