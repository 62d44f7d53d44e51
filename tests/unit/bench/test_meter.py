import asyncio
import os
from typing import cast

import pytest

from dovetail.bench.figures import Peak
from dovetail.bench.meter import Looking, Meter
from dovetail.hardware.reading import Bytes, MachineReading, ProcessReading, Unknown
from dovetail.hardware.sampler import Sampler

pytestmark = pytest.mark.anyio


async def test_the_most_that_was_seen_until_the_end() -> None:
    seen = iter([Peak(5, None, "no GPU is here"), Peak(9, 3)])
    looked = asyncio.Event()

    async def look(pid: int) -> Peak:
        assert pid == 77
        looked.set()
        return next(seen)

    async with Meter(lambda: 77, look) as meter:
        await looked.wait()
    assert meter.peak == Peak(9, 3)


async def test_without_a_process_there_is_nothing_to_see() -> None:
    async def look(pid: int) -> Peak:
        raise AssertionError(pid)

    async with Meter(lambda: None, look) as meter:
        await asyncio.sleep(0)
    assert meter.peak == Peak()


class Readings:
    def __init__(self, vram: Bytes) -> None:
        self._vram = vram

    async def read(self) -> MachineReading:
        there = ProcessReading("m", os.getpid(), memory=1, cpu=0.0, vram=self._vram)
        return MachineReading(at=0.0, cpu=0.0, cpus=1, memory_total=1, memory_used=1, processes=(there,))


async def test_memory_of_a_process_is_read_by_itself_and_that_of_gpus_from_what_is_read_for_all() -> None:
    found = await Looking(cast("Sampler", Readings(7 << 30)))(os.getpid())
    assert (found.vram, found.vram_reason) == (7 << 30, None)
    assert (found.ram or 0) > 1 << 20


async def test_what_is_not_known_of_gpus_is_said() -> None:
    found = await Looking(cast("Sampler", Readings(Unknown("no GPU is here"))))(os.getpid())
    assert (found.vram, found.vram_reason) == (None, "no GPU is here")
    missing = await Looking(cast("Sampler", Readings(5)))(1)
    assert missing.vram is None
    assert missing.vram_reason
