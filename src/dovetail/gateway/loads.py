"""Loads that somebody asked for by hand: they go on when the page that asked for them is closed."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass

import structlog

from dovetail.core.errors import DovetailError
from dovetail.core.model import Model
from dovetail.fleet.pool import Pool
from dovetail.serving.requests import Requests, Ticket, cancelled

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Load:
    task: asyncio.Task[None]
    ticket: Ticket


class Loads:
    """Owns them, one a model, each listed among the requests while it is under way. `aclose` ends them all."""

    def __init__(self, pool: Pool, requests: Requests) -> None:
        self._pool = pool
        self._requests = requests
        self._under_way: dict[str, _Load] = {}

    async def load(self, model: Model, ticket: Ticket, request_id: str) -> None:
        """Returns when `model` is ready; whoever asks meanwhile waits for the same. Cancelling it ends the wait alone.

        Raises LoadFailed or NoRoom, and what the load was ended with from outside.
        """
        found = self._under_way.get(model.name) or self._begin(model, ticket, request_id)
        await asyncio.wait([found.task])
        if found.task.cancelled():
            raise found.ticket.failure or cancelled()
        found.task.result()

    async def cancel(self, name: str) -> bool:
        """Ends the load of that model; whether there was one."""
        found = self._under_way.get(name)
        if found is None:
            return False
        found.ticket.end(cancelled())
        await asyncio.wait([found.task])
        return True

    async def aclose(self) -> None:
        for name in tuple(self._under_way):
            await self.cancel(name)

    def _begin(self, model: Model, ticket: Ticket, request_id: str) -> _Load:
        # A context of its own: it outlives the request, whose id its log lines must not carry for ever.
        work = self._run(model, ticket, request_id)
        task = asyncio.create_task(work, name=f"load of {model.name}", context=contextvars.Context())
        self._under_way[model.name] = found = _Load(task, ticket)
        task.add_done_callback(lambda done: self._ended(model.name, done))
        return found

    async def _run(self, model: Model, ticket: Ticket, request_id: str) -> None:
        def end(_error: DovetailError) -> None:
            self._under_way[model.name].task.cancel()

        with self._requests.under_way(ticket, request_id, end):
            await self._pool.load(model, ticket.note)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._under_way[name]
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, DovetailError):
            log.warning("load_failed", model=name, reason=failure.message)
        elif failure is not None:  # whoever asked may be gone: nobody else would tell of it
            log.error("load_failed", model=name, exc_info=failure)
