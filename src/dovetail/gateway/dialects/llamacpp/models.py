"""What llama-server's router says and does of models: `/props`, `/slots`, loads, unloads and what happens to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Literal, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.catalog.hub import parse_spec
from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import disposal, guard, wire
from dovetail.gateway.answers import Answer, PropsAnswer, Success
from dovetail.gateway.deliveries import begun
from dovetail.gateway.deps import CallerDep, ServicesDep, may, receive_body, while_connected
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers, reads, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.props import props, router_state
from dovetail.gateway.rights import Right
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.streams import EventStream, count, frame
from dovetail.gateway.wire import Wire
from dovetail.serving.requests import Ticket
from dovetail.telemetry.hub import Hub, Listening, Message, Topic

router = APIRouter(tags=["llama.cpp"])


class ModelRequest(Wire):
    """The body of `/models/load` and `/models/unload`."""

    model: ModelName


class ModelEvent(Answer):
    """What has happened to a model, `*` to the list of them; `data` as llama-server's router has it."""

    model: str
    event: Literal["model_status", "models_reload", "download_progress", "download_finished", "download_failed"]
    data: dict[str, object] | None = None


@router.get("/props", operation_id="props", response_model=None, openapi_extra={"parameters": [MODEL_QUERY]})
@answers(PropsAnswer)
async def show_props(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """What a model is like to ask: the context of one request, slots, template, modalities. Loads nothing."""
    model = await chosen(request, services, request.query_params.get("model"))
    return json_answer(props(services, model))


@router.post("/models/load", operation_id="loadModel", response_model=None)
@reads(ModelRequest)
@answers(Success)
async def load_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Loads a model and answers when it is ready."""
    body = await receive_body(request, services, ModelRequest)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await asyncio.to_thread(services.catalog.find, body.model, None, caller)
    guard.detail(request.scope, model=model.name)
    ticket = Ticket("load", caller, model.name, outline(body))
    ticket.worker = model.name
    await while_connected(request, services, ticket, services.pool.load(model, ticket.note, caller))
    return json_answer({"success": True}, headers=headers)


@router.post("/models/unload", operation_id="unloadModel", response_model=None)
@reads(ModelRequest)
@answers(Success)
async def unload_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Unloads a model once its running requests are done."""
    body = await receive_body(request, services, ModelRequest)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await asyncio.to_thread(services.catalog.find, body.model, None, caller)
    guard.detail(request.scope, model=model.name)
    if not await services.pool.unload(model.id, model.adapter.name if model.adapter else None):
        raise InvalidRequest(f"{model.name} is not loaded", code="model_not_loaded", param="model")
    return json_answer({"success": True}, headers=headers)


@router.post("/models", operation_id="fetchModel", response_model=None, tags=["downloads"])
@reads(ModelRequest)
@answers(Success)
async def fetch_model(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Begins the download of `owner/name:QUANT` from the Hugging Face hub; `/models/sse` tells how far it is."""
    body = await receive_body(request, services, ModelRequest)
    headers = wire.warnings(body, strict=services.settings.strict)
    guard.detail(request.scope, repo=body.model)
    await begun(services, parse_spec(body.model))
    return json_answer({"success": True}, headers=headers)


@router.delete(
    "/models",
    operation_id="deleteModel",
    response_model=None,
    tags=["configuration"],
    openapi_extra={"parameters": [MODEL_QUERY]},
)
@answers(Success)
async def delete_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Removes a model, `?model=`: its entry and its files."""
    name = request.query_params.get("model")
    if not name:
        raise InvalidRequest("model: say which, as ?model=ID", param="model")
    model = await asyncio.to_thread(services.catalog.find, name, None, caller)
    guard.detail(request.scope, model=model.id, files="true")
    await disposal.dispose(services, model)
    return json_answer({"success": True})


@router.get("/models/sse", operation_id="modelEvents", response_class=Response, response_model=None, tags=["events"])
@streams(ModelEvent)
async def model_events(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """What happens to models, as llama-server's router tells it: first the state of each, then what changes.

    Downloads are told to admins.
    """
    count(request.scope, services.guard)
    admin = await may(request, services, Right.ADMIN)
    topics: frozenset[Topic] = frozenset({"models", "downloads"}) if admin else frozenset({"models"})
    return EventStream(_events(services.hub, Listening(topics)), services.streams, services.timing.stall)


async def _events(hub: Hub, wanted: Listening) -> AsyncGenerator[bytes, None]:
    async with aclosing(hub.listen(wanted)) as batches:
        async for batch in batches:
            if told := b"".join(frame(event) for message in batch for event in _told(message)):
                yield told


def _told(message: Message) -> Iterator[JsonObject]:
    data = message.data if isinstance(message.data, dict) else {}
    match message.topic, message.type:
        case "models", "snapshot":
            yield from (_status(model) for model in cast("list[JsonObject]", data["models"]))
        case "models", "changed":
            yield _status(data)
        case "models", "gone":
            yield _status({**data, "state": "unloaded"})
        case "models", "listed":
            yield {"model": "*", "event": "models_reload"}
        case "downloads", "changed" | "progress":
            yield from _download(data)
        case _:
            pass


def _status(model: JsonObject) -> JsonObject:
    state = router_state(str(model["state"]))
    failed: JsonObject = {"failed": True} if model["state"] == "failed" else {}
    return {"model": model["id"], "event": "model_status", "data": {"status": state, **failed}}


def _download(download: JsonObject) -> Iterator[JsonObject]:
    choice = download["choice"]
    name = f"{download['repo']}:{choice}" if choice else str(download["repo"])
    match download["state"]:
        case "done":
            yield {"model": name, "event": "download_finished"}
        case "failed" | "cancelled":
            reason: Json = download["error"] or {"code": "cancelled", "message": "cancelled"}
            yield {"model": name, "event": "download_failed", "data": {"error": reason}}
        case _:
            whole: JsonObject = {"done": download["done"], "total": download["total"]}
            yield {"model": name, "event": "download_progress", "data": {name: whole}}
