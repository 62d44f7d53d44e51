"""A benchmark has the machine for itself or does not measure: others' requests go first, always."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dovetail.core.caller import Caller
from dovetail.core.errors import Busy
from dovetail.fleet.pool import Pool
from dovetail.serving.requests import Requests, Ticket

TRIES = 100  # of one step that others cut short
WAIT_WITHIN = 3600.0  # seconds for others to have done
SETTLE_WITHIN = 90.0  # seconds that models may measure themselves: what they learn changes their speed
_PAUSE = 0.1

T = TypeVar("T")


class Quiet:
    """Waits for a time without others' requests, and gives it up when one comes."""

    def __init__(self, requests: Requests, pool: Pool, caller: Caller, held_up: Callable[[str | None], None]) -> None:
        """`held_up` is told why nothing is measured now, in words for `caller`, and None when something is again."""
        self._requests = requests
        self._pool = pool
        self._caller = caller
        self._held_up = held_up

    async def run(self, work: Callable[[], Awaitable[T]]) -> tuple[T, int]:
        """What `work` returns once it was left alone, and how often it was cancelled because it was not.

        Raises Busy when that never comes to be, or what `work` raises.
        """
        for disturbed in range(TRIES):
            await self._calm()
            with self._requests.watched() as news:
                doing = asyncio.ensure_future(work())
                watching = asyncio.ensure_future(self._somebody(news))
                try:
                    await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
                    if doing.done():
                        return doing.result(), disturbed
                finally:
                    for task in (doing, watching):
                        task.cancel()
                    await asyncio.wait({doing, watching})
                    if not doing.cancelled():
                        doing.exception()  # retrieved: what breaks while it is given up concerns nobody
        raise Busy(f"other requests cut one step short {TRIES} times; measure when the server has less to do")

    async def _calm(self) -> None:
        """Returns when no other request is under way and no model measures itself."""
        try:
            async with asyncio.timeout(WAIT_WITHIN):
                with self._requests.watched() as news:
                    while others := list(self._requests):
                        news.clear()
                        self._held_up(busy_with(others, self._caller))
                        await news.wait()
        except TimeoutError:
            raise Busy(f"the server had no quiet moment for {WAIT_WITHIN / 60:g} minutes; try again later") from None
        deadline = asyncio.get_running_loop().time() + SETTLE_WITHIN
        while any(status.calibrating for status in self._pool.states()):
            if asyncio.get_running_loop().time() > deadline:
                break
            self._held_up("a model finds out how many requests it is best served with")
            await asyncio.sleep(_PAUSE)
        self._held_up(None)

    async def _somebody(self, news: asyncio.Event) -> None:
        while not list(self._requests):
            await news.wait()
            news.clear()


def busy_with(tickets: list[Ticket], caller: Caller) -> str:
    """What is under way, in words; names no model that `caller` may not use."""
    named = sorted({f"{ticket.kind} on {_called(ticket.model, caller)}" for ticket in tickets})
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    count = f"{len(tickets)} requests are" if len(tickets) > 1 else "1 request is"
    return f"{count} under way: {', '.join(named[:3])}{more}"


def _called(model: str, caller: Caller) -> str:
    if not model:
        return "no model yet"
    return model if caller.may_use(model) else "another model"
