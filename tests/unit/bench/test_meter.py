import asyncio

import pytest

from dovetail.bench.figures import Peak
from dovetail.bench.meter import Meter

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
