"""llama-server's `/lora-adapters`: the adapters that a model may be asked with, and the one it gets unasked."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, RootModel
from starlette.responses import Response

from dovetail.catalog.adapters import Listed
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.gateway import change, guard, wire
from dovetail.gateway.answers import Answer, Success
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_list
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers, reads
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire
from dovetail.settings.document import Edit

router = APIRouter(tags=["llama.cpp"])


class LoraAnswer(Answer):
    """An adapter by its number; `path` is its name, `scale` 1 for the one of requests that name none, else 0."""

    id: int
    path: str
    scale: float


class LoraList(RootModel[list[LoraAnswer]]):
    """The adapters in the model's form, by name."""


class LoraScale(Wire):
    """An adapter by its number, and its scale: 1 or 0."""

    id: Annotated[int, Field(ge=0)]
    scale: float


class LoraScales(Wire):
    """A list of them: what is not in it has the scale 0."""

    adapters: Annotated[list[LoraScale], Field(max_length=4096)]


class LoraScaleList(RootModel[list[LoraScale]]):
    """The body of `POST /lora-adapters`."""


@router.get(
    "/lora-adapters", operation_id="llamaAdapters", response_model=None, openapi_extra={"parameters": [MODEL_QUERY]}
)
@answers(LoraList)
async def list_adapters(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """The adapters that fit the form of a model, with the one of requests that name none. Loads nothing."""
    model = await chosen(request, services, request.query_params.get("model"))
    listed = await _listed(services, model)
    own = services.settings.models.get(model.id)
    used = None if own is None else own.adapter
    return json_answer(
        [{"id": number, "path": each.name, "scale": float(each.name == used)} for number, each in enumerate(listed)]
    )


@router.post(
    "/lora-adapters",
    operation_id="setLlamaAdapters",
    response_model=None,
    tags=["configuration"],
    openapi_extra={"parameters": [MODEL_QUERY]},
)
@reads(LoraScaleList)
@answers(Success)
async def set_adapters(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """The adapter of requests that name none: `[models.ID] adapter`. One at most, with the scale 1."""
    body = await receive_list(request, services, LoraScales)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await chosen(request, services, request.query_params.get("model"))
    listed = await _listed(services, model)
    wanted = [each for each in body.adapters if each.scale]
    for each in body.adapters:
        if each.id >= len(listed):
            raise InvalidRequest(
                f"adapters: {model.id} has {len(listed)} adapters, none with the id {each.id}", param="adapters"
            )
    if len(wanted) > 1 or any(each.scale != 1 for each in wanted):
        raise InvalidRequest(
            "adapters: one with the scale 1 at most; a request says another scale in `adapter`", param="adapters"
        )
    guard.detail(request.scope, model=model.id)
    own = services.settings.models.get(model.id)
    name = listed[wanted[0].id].name if wanted else None
    if name != (None if own is None else own.adapter):
        await change.write(services, [Edit(("models", model.id, "adapter"), name)])
    return json_answer({"success": True}, headers=headers)


async def _listed(services: Services, model: Model) -> list[Listed]:
    every = await asyncio.to_thread(services.catalog.adapters.list)
    return [each for each in every if each.form(model.format) is not None]
