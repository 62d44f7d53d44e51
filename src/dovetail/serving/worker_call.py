"""One question to a model's worker, such as tokenising, with the model loaded for it when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.pool import Pool


async def ask(pool: Pool, model: Model, path: str, body: Mapping[str, Json]) -> JsonObject:
    """The worker's answer to a POST. Waits while the model loads; raises LoadFailed, NoRoom or the worker's error."""
    async with pool.lease(model) as lease:
        async with aclosing(lease.ready()) as waiting:
            async for _ in waiting:
                pass
        return await lease.worker.client.post(path, body)
