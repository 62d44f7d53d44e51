"""How the llm-server's pages keep models: its router's list, the server's options, and the client's whole list.

`dovetail.toml` is what holds; `models-config.json` and `config.json` in the home folder are kept equal, for those who
read them.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, cast

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import change, guard, views, wire
from dovetail.gateway.answers import Answer, ModelObject, Success
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.dialects.openai_models import model_object
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.props import router_state
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire
from dovetail.settings import legacy
from dovetail.settings.document import Edit, replace_file

router = APIRouter(tags=["configuration"])


class RouterStatus(Answer):
    """`loaded`, `loading` or `unloaded`; `failed` where the last load did."""

    value: str
    failed: bool


class RouterModel(ModelObject):
    """A model of the router's list; `path` is told to admins."""

    path: str | None
    in_cache: bool
    status: RouterStatus


class RouterList(Answer):
    """Every model."""

    object: str
    data: list[RouterModel]


class LoadConfig(Wire):
    """Options of one model; null leaves the choice to the server. `modelFormat` has to be the model's."""

    contextSize: int | None = None  # noqa: N815  the earlier server's name for it
    gpuLayers: int | None = None  # noqa: N815
    modelFormat: str | None = None  # noqa: N815


class SetConfig(Wire):
    """`{"model": "ID", "config": {"contextSize": 4096, "gpuLayers": 20}}`."""

    model: ModelName
    config: LoadConfig


class StoredConfig(Answer):
    """What is stored of a model; null where the server chooses."""

    contextSize: int | None  # noqa: N815
    gpuLayers: int | None  # noqa: N815
    modelFormat: str  # noqa: N815


class StoredConfigs(Answer):
    """By model id."""

    models: dict[str, StoredConfig]


class ClientConfig(Wire):
    """The client's whole list, as its `config.json` has it; other keys are kept there."""

    models: Annotated[list[dict[str, object]], Field(max_length=1000)]
    activeModelId: str | None = None  # noqa: N815


@router.get("/models", operation_id="listRouterModels", response_model=None)
@answers(RouterList)
async def list_models(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The models in the form of llama-server's router, each with its state; with `?reload=1` looked for anew."""
    if request.query_params.get("reload") == "1":
        await asyncio.to_thread(services.catalog.refresh)
    only = views.shown(request, services)
    models = [m for m in await asyncio.to_thread(services.catalog.models) if only in {None, m.format}]
    admin = caller.may("admin")
    data: list[Json] = [_router_model(services, model, admin=admin) for model in models if caller.may_use(model.id)]
    return json_answer({"object": "list", "data": data})


@router.get("/models/config", operation_id="showModelConfigs", response_model=None)
@answers(StoredConfigs)
async def show_configs(services: ServicesDep, caller: CallerDep) -> Response:
    """The load options that are stored of each model; with a key, of those that it is good for."""
    models = await asyncio.to_thread(services.catalog.models)
    return json_answer({"models": {model.id: _stored(services, model) for model in models if caller.may_use(model.id)}})


@router.post("/models/config", operation_id="setModelConfig", response_model=None)
@reads(SetConfig)
@answers(Success)
async def set_config(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Stores a model's load options; they hold from its next load on, which the next request brings about."""
    body = await receive_body(request, services, SetConfig)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await asyncio.to_thread(services.catalog.find, body.model, None, caller)
    guard.detail(request.scope, model=model.id)
    own = cast("dict[str, object]", body.config.model_dump(exclude_unset=True))
    if (said := body.config.modelFormat) is not None and said.lower() != model.format:
        raise InvalidRequest(f"{model.id} is {model.format}, not {said[:32]}", param="config.modelFormat")
    edits = legacy.server_edits(model.id, {**own, "modelFormat": model.format})
    if not edits:
        raise InvalidRequest("config: contextSize or gpuLayers: say what is to change", param="config")
    await change.write(services, edits)
    await asyncio.to_thread(_keep_server_file, services, model)
    return json_answer({"success": True}, headers=headers)


@router.post("/api/save-config", operation_id="saveClientConfig", response_model=None)
@reads(ClientConfig)
@answers(Success)
async def save_config(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Stores the client's list of models; a model that was in it and is no longer loses what was set there."""
    body = await receive_body(request, services, ClientConfig)
    text = json.dumps(body.model_dump(exclude_unset=True), indent=2, ensure_ascii=False) + "\n"
    edits = await asyncio.to_thread(_client_edits, services, text)
    guard.detail(request.scope, models=str(len(body.models)))
    if edits:
        await change.write(services, edits)
    await asyncio.to_thread(_keep_client_file, services, text)
    return json_answer({"success": True})


def _client_edits(services: Services, text: str) -> list[Edit]:
    """Paths are taken from the home folder, where the file lies; what is said already is not said again."""
    before = "{}"
    if files := services.live.legacy_files():
        try:
            before = files[0].read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            before = "{}"
    try:
        edits = legacy.edits(before, text)
    except (ValueError, RecursionError):  # the file that was there; it is written anew
        edits = legacy.edits("{}", text)
    home = services.settings.home
    return [
        Edit(edit.key, str(home / edit.value)) if edit.key[-1] == "path" and isinstance(edit.value, str) else edit
        for edit in edits
    ]


def _keep_client_file(services: Services, text: str) -> None:
    if files := services.live.legacy_files():
        replace_file(files[0], text.encode())


def _keep_server_file(services: Services, model: Model) -> None:
    """With the model's entry in it; what else it says stays."""
    files = services.live.legacy_files()
    if not files:
        return
    try:
        text = files[1].read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    replace_file(
        files[1], legacy.with_entry(text, model.id, cast("dict[str, object]", _stored(services, model))).encode()
    )


def _stored(services: Services, model: Model) -> JsonObject:
    said = services.settings.load_for(model.id)
    return {"contextSize": said.context, "gpuLayers": said.gpu_layers, "modelFormat": model.format}


def _router_model(services: Services, model: Model, *, admin: bool) -> JsonObject:
    status = services.status(model)
    state = "failed" if model.invalid else status.state
    return {
        **model_object(services, model).model_dump(),
        "path": str(model.path) if admin and model.remote is None else None,
        "in_cache": model.remote is None,
        "status": {"value": router_state(state), "failed": state == "failed"},
    }
