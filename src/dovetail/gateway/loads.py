"""Loads that somebody asked for by hand: they go on when the page that asked for them is closed."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from dovetail.core.errors import DovetailError
from dovetail.core.model import Model
from dovetail.fleet.pool import Pool
from dovetail.serving.requests import Requests, Ticket, cancelled

log = structlog.stdlib.get_logger(__name__)

# A model's name, and the models that its caller may use, if not all: a refusal names no others.
_Key: TypeAlias = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Load:
    task: asyncio.Task[None]
    ticket: Ticket


class Loads:
    """Owns them, one a model for callers of the same models, each listed among the requests. `aclose` ends them all."""

    def __init__(self, pool: Pool, requests: Requests) -> None:
        self._pool = pool
        self._requests = requests
        self._under_way: dict[_Key, _Load] = {}

    async def load(self, model: Model, ticket: Ticket, request_id: str) -> None:
        """Returns when `model` is ready; whoever asks meanwhile waits for the same. Cancelling it ends the wait alone.

        Raises LoadFailed or NoRoom, and what the load was ended with from outside.
        """
        key = model.name, ticket.caller.scope.models
        found = self._under_way.get(key) or self._begin(key, model, ticket, request_id)
        await asyncio.wait([found.task])
        if found.task.cancelled():
            raise found.ticket.failure or cancelled()
        found.task.result()

    async def cancel(self, name: str) -> bool:
        """Ends the loads of that model; whether there was one."""
        found = [load for (model, _), load in self._under_way.items() if model == name]
        for load in found:
            load.ticket.end(cancelled())
        if found:
            await asyncio.wait([load.task for load in found])
        return bool(found)

    async def aclose(self) -> None:
        for name in {name for name, _ in self._under_way}:
            await self.cancel(name)

    def _begin(self, key: _Key, model: Model, ticket: Ticket, request_id: str) -> _Load:
        # A context of its own: it outlives the request, whose id its log lines must not carry for ever.
        work = self._run(key, model, ticket, request_id)
        task = asyncio.create_task(work, name=f"load of {model.name}", context=contextvars.Context())
        self._under_way[key] = found = _Load(task, ticket)
        task.add_done_callback(lambda done: self._ended(key, done))
        return found

    async def _run(self, key: _Key, model: Model, ticket: Ticket, request_id: str) -> None:
        def end(_error: DovetailError) -> None:
            self._under_way[key].task.cancel()

        with self._requests.under_way(ticket, request_id, end):
            await self._pool.load(model, ticket.note, ticket.caller)

    def _ended(self, key: _Key, task: asyncio.Task[None]) -> None:
        del self._under_way[key]
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, DovetailError):
            log.warning("load_failed", model=key[0], reason=failure.message)
        elif failure is not None:  # whoever asked may be gone: nobody else would tell of it
            log.error("load_failed", model=key[0], exc_info=failure)
