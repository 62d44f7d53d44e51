"""What waits for the hub keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from dovetail.catalog.errands import MOST_FILES, MOST_QUESTIONS, Errands
from dovetail.core.errors import Busy

pytestmark = pytest.mark.anyio


@pytest.fixture
def held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def test_as_many_as_may_wait_and_the_threads_of_all_else_are_free(held: threading.Event) -> None:
    errands = Errands()
    waiting = [errands.run(held.wait) for _ in range(MOST_FILES)]
    asked = [asyncio.create_task(errands.ask(held.wait)) for _ in range(MOST_QUESTIONS)]
    async with asyncio.timeout(20):
        assert await asyncio.to_thread(lambda: "free") == "free"
        await asyncio.sleep(0)  # each has asked
        with pytest.raises(Busy, match="questions to the hub are open"):
            await errands.ask(held.is_set)
        asked[0].cancel()
        await asyncio.wait({asked[0]})
        with pytest.raises(Busy):
            await errands.ask(held.is_set)  # who has left still has a thread that waits
        held.set()
        assert all(await asyncio.gather(*waiting, *asked[1:]))
        assert await errands.ask(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await errands.ask(lambda: 1 // 0)
    errands.close()
