"""Models for those who look after them: what their files say."""

from __future__ import annotations

import asyncio

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.catalog.inspection import inspect
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.request import JsonObject
from dovetail.gateway.admin.model_answers import ModelDetails
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.openapi import answers
from dovetail.gateway.roots import roots
from dovetail.serving.limits import check_scope

router = APIRouter(tags=["models"])

ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


@router.get(
    "/api/v1/models/{id}/details",  # noqa: FAST003  read from the path
    operation_id="modelDetails",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(ModelDetails)
async def model_details(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a model's files say: numbers, tensors by type, metadata of GGUF, checks of MLX. Loads nothing."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"])
    check_scope(caller, model)
    if model.remote is not None:
        raise InvalidModelFile(f"another server has {model.id}: there are no files of it here")
    root = next((root for root in roots(services.settings) if model.path.is_relative_to(root)), None)
    found = await asyncio.to_thread(inspect, model.path, root)
    shown: JsonObject = {"id": model.id, "path": str(model.path) if caller.may("admin") else None}
    return Response(orjson.dumps({**shown, **found}), media_type="application/json")
