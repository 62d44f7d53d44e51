"""Liveness, readiness."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail import __version__
from dovetail.core.caller import LOCAL
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import props
from dovetail.gateway.answers import Health, Ready
from dovetail.gateway.deps import ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers
from dovetail.gateway.rights import Right
from dovetail.gateway.services import Services

router = APIRouter(tags=["health"])


@router.get("/health", operation_id="health", response_model=None, openapi_extra={"parameters": [MODEL_QUERY]})
@answers(Health)
async def health(request: Request, services: ServicesDep) -> Response:
    """200 while the gateway can serve, of one `model` too. Asks no worker and no database."""
    name = request.query_params.get("model")
    asks = services.guard
    if name is None:
        said = state(services)
        # What there is here is nobody's business beyond this machine, and no database is to be asked who it is.
        return json_answer(said | {"models": []} if asks is not None and asks.closed else said)
    caller = LOCAL if asks is None else (await asks.admit(request.scope, Right.VIEW)).caller
    return json_answer(props.health(services, await asyncio.to_thread(services.catalog.find, name, None, caller)))


@router.get("/ready", operation_id="ready", response_model=None)
@answers(Ready)
async def ready(services: ServicesDep) -> Response:
    """200 when requests should come here: preloads are done and the server is not shutting down."""
    if services.door.shut:
        return json_answer({"status": "draining"}, 503)
    if not services.preloaded.is_set():
        return json_answer({"status": "loading"}, 503)
    return json_answer({"status": "ready"})


def state(services: Services) -> JsonObject:
    """The body of /health: what is loaded, and how many slots of it are free."""
    loaded = [s for s in services.pool.states() if s.state == "ready"]
    total = sum(s.slots for s in loaded)
    models: list[Json] = [{"id": s.model, "state": s.state} for s in services.pool.models()]
    return {
        "status": "ok",
        "model_loaded": bool(loaded),
        "slots_available": total - sum(min(s.active, s.slots) for s in loaded),
        "slots_total": total,
        "version": __version__,
        "models": models,
    }
