"""Models loaded and unloaded by hand, from a page that may be closed meanwhile."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done
from dovetail.gateway.admin.models import ID
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.services import Services
from dovetail.gateway.sse import arrived
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["models"])


@router.post(
    "/api/v1/models/{id}/load",  # noqa: FAST003  read from the path
    operation_id="loadModelEntry",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def load_entry(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Loads a model and answers when it is ready; goes on when the client leaves, `/unload` ends it."""
    model = await _model(request, services, caller)
    ticket = Ticket("load", caller, model.name)
    ticket.worker = model.name
    await services.loads.load(model, ticket, arrived(ticket, request.scope))
    return _done()


@router.post(
    "/api/v1/models/{id}/unload",  # noqa: FAST003  read from the path
    operation_id="unloadModelEntry",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def unload_entry(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Ends the load of a model, or unloads it once its running requests are done."""
    model = await _model(request, services, caller)
    ended = await services.loads.cancel(model.name)
    if not await services.pool.unload(model.id) and not ended:
        raise InvalidRequest(f"{model.name} is not loaded", code="model_not_loaded", param="model")
    return _done()


async def _model(request: Request, services: Services, caller: Caller) -> Model:
    """Raises ModelNotFound."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    guard.detail(request.scope, model=model.name)
    return model


def _done() -> Response:
    return json_answer({"ok": True})
