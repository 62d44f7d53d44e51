"""OpenAI's list of models, `GET /v1/models`, with what a local client wants to know beside it."""

from __future__ import annotations

import asyncio

import orjson
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from dovetail.core.model import Model, ModelFormat, ModelState
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.services import Services

router = APIRouter(tags=["openai"])


class ModelObject(BaseModel):
    """A model. `context` is what one request may use in tokens, `size` its weights in bytes."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "local"
    format: ModelFormat
    state: ModelState
    reason: str | None
    context: int
    size: int
    quantisation: str
    capabilities: list[str]
    aliases: list[str]


class ModelList(BaseModel):
    """All models."""

    object: str = "list"
    data: list[ModelObject]


@router.get("/v1/models", operation_id="listModels", responses={200: {"model": ModelList}}, response_model=None)
async def list_models(services: ServicesDep, _caller: CallerDep) -> Response:
    """Every model that can be asked for."""
    models = await asyncio.to_thread(services.catalog.models)
    return _json(ModelList(data=[_object(services, model) for model in models]))


@router.get(
    "/v1/models/{name:path}", operation_id="retrieveModel", responses={200: {"model": ModelObject}}, response_model=None
)
async def retrieve_model(name: str, services: ServicesDep, _caller: CallerDep) -> Response:
    """One model, by its id or an alias."""
    return _json(_object(services, await asyncio.to_thread(services.catalog.find, name)))


def _object(services: Services, model: Model) -> ModelObject:
    status = services.pool.status(model.id)
    return ModelObject(
        id=model.id,
        created=model.created,
        format=model.format,
        state="failed" if model.invalid else status.state,
        reason=model.invalid or status.reason,
        context=services.context(model),
        size=model.size,
        quantisation=model.quantisation,
        capabilities=sorted(model.capabilities),
        aliases=list(model.aliases),
    )


def _json(value: BaseModel) -> Response:
    return Response(orjson.dumps(value.model_dump()), media_type="application/json")
