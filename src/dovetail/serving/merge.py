"""Several event streams as one, in the order things happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from dovetail.core.events import Event

_BOUND = 64
_CLOSE_TIMEOUT = 5.0


class _End:
    """The last thing on the queue: why the merge ended, None when every source did."""

    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure


async def merged(sources: Sequence[AsyncGenerator[Event, None]]) -> AsyncGenerator[Event, None]:
    """Events of all sources as they come. The first failure closes the others and is raised here.

    The task group lives in a task of its own: one that is entered around a `yield` would cancel the
    consumer wherever it happens to be, not this generator.
    """
    queue: asyncio.Queue[Event | _End] = asyncio.Queue(_BOUND)
    reading = asyncio.create_task(_read(sources, queue))
    try:
        while not isinstance(item := await queue.get(), _End):
            yield item
        if item.failure is not None:
            raise item.failure
    finally:
        reading.cancel()
        await asyncio.wait([reading], timeout=_CLOSE_TIMEOUT)


async def _read(sources: Sequence[AsyncGenerator[Event, None]], queue: asyncio.Queue[Event | _End]) -> None:
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            for source in sources:
                tasks.create_task(_forward(source, queue))
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    await queue.put(_End(failure))


async def _forward(source: AsyncGenerator[Event, None], queue: asyncio.Queue[Event | _End]) -> None:
    async with aclosing(source) as events:
        async for event in events:
            await queue.put(event)
