"""One question to a model's worker, such as tokenising, with the model loaded for it when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from dovetail.core.caller import Caller
from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.engines.base import WorkerCall
from dovetail.fleet.pool import Pool
from dovetail.serving.requests import Ticket

WITHIN = 60.0  # seconds that a worker has once it is its turn


async def ask(pool: Pool, model: Model, path: str, body: Mapping[str, Json], by: Ticket | Caller) -> JsonObject:
    """The worker's answer to a POST. Waits while the model loads; raises LoadFailed, NoRoom or the worker's error.

    By a ticket it is a request of its own, and stands in line where the worker does one thing at a time; by a mere
    caller it is part of a request that may have the only slot.
    """
    ticket, caller = (by, by.caller) if isinstance(by, Ticket) else (None, by)
    async with pool.lease(model, caller=caller) as lease:
        if ticket is not None:
            ticket.model, ticket.worker = model.name, lease.worker.model
        async with aclosing(lease.ready()) as waiting:
            async for progress in waiting:
                if ticket is not None:
                    ticket.note(progress)
        if ticket is not None and lease.one_by_one:
            return await lease.call(WorkerCall(path, {**body}), WITHIN, tell=ticket.note)
        return await lease.worker.client.post(path, body)
