"""The model that a request of llama-server's routes means."""

from __future__ import annotations

import asyncio

from fastapi import Request

from dovetail.core.errors import ModelNotFound
from dovetail.core.model import Model
from dovetail.gateway import views
from dovetail.gateway.guard import known
from dovetail.gateway.services import Services


async def chosen(request: Request, services: Services, name: str | None, *, writing: bool = False) -> Model:
    """The model of that name; without one the only loaded model, or, where none or several are, the first by id.

    None that only hears is meant without its name, and where text is to be written (`writing`) none that cannot; with
    a key that is good for some, one of those.
    Raises ModelNotFound.
    """
    caller = known(request.scope).caller
    if name is not None:
        return await asyncio.to_thread(services.catalog.find, name, None, caller)
    only = views.shown(request, services)
    models = [m for m in await asyncio.to_thread(services.catalog.models) if only in {None, m.format} and not m.hears]
    models = [m for m in models if caller.may_use(m.id)]
    models = [m for m in models if m.writes] or models if writing else models
    loaded = [m for m in models if services.pool.status(m.id).state == "ready"]
    if len(loaded) == 1:
        return loaded[0]
    sound = [m for m in models if m.invalid is None] or models
    if not sound:
        raise ModelNotFound("", [])
    return sound[0]
