"""OpenAI's list of models, `GET /v1/models`, with what a local client wants to know beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.core.request import JsonObject
from dovetail.gateway.answers import ModelList, ModelObject
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.figures import placement
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.services import Services

router = APIRouter(tags=["openai"])


_LOADED: JsonObject = {
    "name": "loaded",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["true", "false"]},
}


@router.get("/v1/models", operation_id="listModels", response_model=None, openapi_extra={"parameters": [_LOADED]})
@answers(ModelList)
async def list_models(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Every model, or with `?loaded=true` those that are loaded; with a key, those that it is good for."""
    loaded = request.query_params.get("loaded", "false")
    if loaded not in {"true", "false"}:
        raise InvalidRequest("loaded: should be true or false", param="loaded")
    models = await asyncio.to_thread(services.catalog.models)
    if loaded == "true":
        models = [model for model in models if services.status(model).state == "ready"]
    return _json(ModelList(data=[model_object(services, model) for model in models if caller.may_use(model.id)]))


# A parameter in the signature would make FastAPI import all of pydantic.v1 at start.
_NAME: JsonObject = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}


@router.get(
    "/v1/models/{name:path}",  # noqa: FAST003
    operation_id="retrieveModel",
    response_model=None,
    openapi_extra={"parameters": [_NAME]},
)
@answers(ModelObject)
async def retrieve_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """One model, by its id or an alias."""
    name: str = request.path_params["name"]
    model = await asyncio.to_thread(services.catalog.find, name, None, caller)
    by_itself = name in {model.id, *model.aliases}  # whatever adapter its settings name
    return _json(model_object(services, replace(model, adapter=None) if by_itself else model))


def model_object(services: Services, model: Model) -> ModelObject:
    """One model as this list has it."""
    status = services.status(model)
    return ModelObject(
        id=model.name,
        created=model.created,
        format=model.format,
        state="failed" if model.invalid else status.state,
        reason=model.invalid or status.reason,
        context=services.context(model),
        size=model.size,
        quantisation=model.quantisation,
        capabilities=sorted(model.capabilities),
        aliases=list(model.aliases),
        sampling=dict(model.sampling),
        placement=placement(status),
    )


def _json(value: BaseModel) -> Response:
    return json_answer(value.model_dump())
