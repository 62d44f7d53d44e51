"""Readings of this machine, taken off the event loop and shared by all who ask."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from dovetail.hardware import machine
from dovetail.hardware.cpu import CpuTime, cpu_time
from dovetail.hardware.devices import Devices
from dovetail.hardware.reading import Bytes, Figure, GpuReading, MachineReading, ProcessReading, Unknown
from dovetail.hardware.usage import Usage, families, usage_of

EVERY = 1.0  # seconds: no reading is taken sooner after the last
WITHIN = 5.0  # seconds: a driver that hangs is not waited for longer
_TWO = Unknown("told from the second reading on")
_GONE = Unknown("the process has ended, or this user may not look at it")


@dataclass(frozen=True, slots=True)
class Process:
    """One to look at. `allocated`: bytes that its engine says it holds, where it does."""

    name: str
    pid: int
    allocated: int | None = None


class Instruments:
    """Reads everything once; keeps what was counted at the last reading. For one thread at a time."""

    def __init__(self, devices: Devices, clock: Callable[[], float] = time.monotonic) -> None:
        self._devices = devices
        self._clock = clock
        self._at = clock()
        self._cpu: CpuTime | None = cpu_time(self._at)
        self._usages: dict[int, Usage] = {}

    def read(self, processes: Sequence[Process]) -> MachineReading:
        """The machine and `processes`. Blocks for milliseconds, and what drivers take."""
        now = self._clock()
        cpu, before = cpu_time(now), self._cpu
        members = families({process.pid for process in processes})
        usages = {pid: usage_of(family) for pid, family in members.items()}
        devices = self._devices.read([pid for family in members.values() for pid in family])
        total, available = machine.memory()
        unread = Unknown("this system does not tell its memory")
        reading = MachineReading(
            at=now,
            cpu=cpu.percent(before),
            cpus=cpu.cpus,
            memory_total=total or unread,
            memory_used=total - available if total else unread,
            processes=tuple(
                ProcessReading(
                    name=process.name,
                    pid=process.pid,
                    memory=_GONE if (memory := usages[process.pid].memory) is None else memory,
                    cpu=_percent(usages[process.pid], self._usages.get(process.pid), now - self._at),
                    vram=_vram(process, members[process.pid], devices),
                )
                for process in processes
            ),
            devices=devices,
        )
        self._at, self._cpu, self._usages = now, cpu, usages
        return reading

    def close(self) -> None:
        self._devices.close()


class Sampler:
    """The latest reading, at most a second old. `processes` is called on the event loop: who is to be looked at."""

    def __init__(
        self,
        instruments: Instruments,
        processes: Callable[[], Sequence[Process]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instruments = instruments
        self._processes = processes
        self._clock = clock
        self._last: MachineReading | None = None
        self._under_way: asyncio.Future[MachineReading] | None = None
        self._late = False

    async def read(self) -> MachineReading:
        """Waits for the machine, 5 s at most; after that every figure is unknown until it answers."""
        if self._last is not None and self._clock() - self._last.at < EVERY:
            return self._last
        reading = self._under_way
        if reading is None or reading.done():
            reading = self._under_way = self._begin(tuple(self._processes()))
            self._late = False
        await asyncio.wait([reading], timeout=0 if self._late else WITHIN)
        if not reading.done():
            self._late = True
            return self._without_figures()
        self._last = reading.result()
        return self._last

    async def aclose(self) -> None:
        """Closes the instruments, unless a driver hangs that holds them."""
        reading = self._under_way
        if reading is not None and not reading.done():
            await asyncio.wait([reading], timeout=0 if self._late else WITHIN)
            if not reading.done():
                reading.cancel()
                return
        await asyncio.to_thread(self._instruments.close)

    def _begin(self, processes: Sequence[Process]) -> asyncio.Future[MachineReading]:
        """On a thread of its own that keeps nobody from leaving: a driver may hang it for good."""
        outcome: Future[MachineReading] = Future()
        outcome.set_running_or_notify_cancel()  # who waits may leave, the thread goes on

        def read() -> None:
            try:
                outcome.set_result(self._instruments.read(processes))
            except Exception as error:  # noqa: BLE001  the thread's end: whoever waits gets it
                outcome.set_exception(error)

        threading.Thread(target=read, name="reading of the machine", daemon=True).start()
        return asyncio.wrap_future(outcome)

    def _without_figures(self) -> MachineReading:
        why = Unknown(f"the machine has not answered for {WITHIN:g} s; a GPU's driver may hang")
        last = self._last
        return MachineReading(
            at=self._clock(),
            cpu=why,
            cpus=last.cpus if last else os.cpu_count() or 1,
            memory_total=why,
            memory_used=why,
            devices=tuple(device.without_figures(why) for device in last.devices) if last else (),
        )


def sampler(devices: Devices | None = None, processes: Callable[[], Sequence[Process]] = tuple) -> Sampler:
    """One of this machine. Blocks for a small file or two."""
    return Sampler(Instruments(devices or Devices()), processes)


def _percent(now: Usage, before: Usage | None, seconds: float) -> Figure:
    if now.cpu is None:
        return _GONE
    found = None if before is None else now.percent(before, seconds)
    return _TWO if found is None else found


def _vram(process: Process, members: Sequence[int], devices: Sequence[GpuReading]) -> Bytes:
    """As drivers tell it; where a GPU shares the machine's memory, and its driver tells nothing, as the engine does."""
    listed = [device.processes[pid] for device in devices for pid in members if pid in device.processes]
    if listed:
        return sum(listed)
    if process.allocated is not None and any(device.vendor == "apple" and device.shares for device in devices):
        return process.allocated
    return Unknown("no GPU's driver lists this process" if devices else "no GPU is here")
