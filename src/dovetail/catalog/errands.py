"""Threads for what waits for the hub: those that all else shares are few, and one that waits serves nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dovetail.core.errors import Busy

MOST_FILES = 16  # as many as `hub.parallel` may be
MOST_QUESTIONS = 8

T = TypeVar("T")


class Errands:
    """Owns them, until `close`. For one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_FILES + MOST_QUESTIONS, "hub")
        self._open = 0

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What `work` returns or raises, on a thread; the caller sees to it that no more than `MOST_FILES` run."""
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def ask(self, question: Callable[[], T]) -> T:
        """The same for what ends by itself within a bounded time. Raises Busy where too many are open."""
        if self._open >= MOST_QUESTIONS:
            raise Busy(f"{MOST_QUESTIONS} questions to the hub are open: try again in a moment", retry_after=5)
        self._open += 1
        asked = self.run(question)
        asked.add_done_callback(self._closed)
        return await asyncio.shield(asked)  # a thread ends when it has its answer, whoever has left

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _closed(self, asked: asyncio.Future[T]) -> None:
        self._open -= 1
        if not asked.cancelled():
            asked.exception()  # retrieved: whoever asked may have left
