"""Models for those who look after them: what there is, what their files say, adding, changing and removing them."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from dovetail import demo
from dovetail.catalog.inspection import inspect
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.naming import safe
from dovetail.catalog.removal import Removal
from dovetail.catalog.scan import scan
from dovetail.core.errors import Conflict, InvalidRequest, ModelNotFound
from dovetail.core.model import MODEL_ID, Adapter, Model
from dovetail.core.request import JsonObject
from dovetail.gateway import change, disposal, guard
from dovetail.gateway.admin.config import IF_MATCH, Version, wanted_version
from dovetail.gateway.admin.model_answers import (
    FileAnswer,
    FittingAdapter,
    FittingAdapters,
    ModelDetails,
    ModelEntries,
    ModelEntry,
    ModelRemoved,
    ModelSaved,
    RemovalAnswer,
)
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.dialects.openai_models import model_object
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.model_settings import load_options
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.roots import admitted, roots
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire
from dovetail.settings import Settings
from dovetail.settings.document import Edit

router = APIRouter(tags=["configuration"])

_TRIES = 3  # while others change the configuration
ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_FILES: JsonObject = {
    "name": "files", "in": "query", "required": False, "schema": {"type": "boolean"},
    "description": "Remove the model's files too.",
}  # fmt: skip
_CONFIRM: JsonObject = {
    "name": "confirm", "in": "query", "required": False, "schema": {"type": "string"},
    "description": "With `files` the model's id once more.",
}  # fmt: skip


class NewModel(Wire):
    """A model to be served from where it lies; `test` says what would become of it and writes nothing."""

    path: Annotated[str, Field(max_length=4096)]
    id: Annotated[str, Field(max_length=128)] | None = Field(default=None, description="Empty: after its file.")
    format: Literal["gguf", "mlx"] | None = Field(default=None, description="Refused if it is another.")
    settings: dict[str, object] = Field(default={}, description="As `[models.ID]` has them.")
    test: bool = False
    version: Version | None = None


class ModelChange(Wire):
    """What is to change of `[models.ID]`; null takes a key out."""

    settings: dict[str, object]
    version: Version | None = None


@router.get("/api/v1/models", operation_id="listModelEntries", response_model=None)
@answers(ModelEntries)
async def list_entries(services: ServicesDep, caller: CallerDep) -> Response:
    """Every model with its place, its settings and its state."""
    models = await asyncio.to_thread(services.catalog.models)
    reading = await services.live.reading()
    data = [_entry(services, model) for model in models if caller.may_use(model.id)]
    free = await asyncio.to_thread(_free, services.settings.home)
    return _json(ModelEntries(version=reading.version, free=free, data=data))


@router.post("/api/v1/models", operation_id="addModel", response_model=None, openapi_extra={"parameters": [IF_MATCH]})
@reads(NewModel)
@answers(ModelSaved)
async def add_model(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Adds a model by its path, inside a folder of models or of another program; its header is read first."""
    body = await receive_body(request, services, NewModel)
    if body.test:
        model, edits = await asyncio.to_thread(_planned, services, body)
        await asyncio.to_thread(change.check, services, edits)
        reading = await services.live.reading()
        return _json(ModelSaved(version=reading.version, model=_entry(services, model)))
    model, version = await _added(services, body, wanted_version(request, body.version))
    guard.detail(request.scope, model=model.id)
    return await _saved(services, model.id, version)


@router.patch(
    "/api/v1/models/{id}",  # noqa: FAST003  read from the path
    operation_id="changeModel",
    response_model=None,
    openapi_extra={"parameters": [ID, IF_MATCH]},
)
@reads(ModelChange)
@answers(ModelSaved)
async def change_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Changes a model's settings, at once; a worker that was loaded otherwise goes when its last request ends."""
    body = await receive_body(request, services, ModelChange)
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    edits = list(change.edits_of(body.settings, ("models", model.id)))
    if not edits:
        raise InvalidRequest("settings: say what is to change", param="settings")
    guard.detail(request.scope, model=model.id, keys=", ".join(".".join(edit.key[2:]) for edit in edits)[:1024])
    loaded = services.status(model).state in {"ready", "starting"}
    before = load_options(services.settings, model)
    written = await change.write(services, edits, wanted_version(request, body.version))
    reload = loaded and load_options(services.settings, model) != before
    return await _saved(services, model.id, written.version, reload=reload)


@router.delete(
    "/api/v1/models/{id}",  # noqa: FAST003  read from the path
    operation_id="removeModel",
    response_model=None,
    openapi_extra={"parameters": [ID, _FILES, _CONFIRM, IF_MATCH]},
)
@answers(ModelRemoved)
async def remove_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Removes a model's entry, and with `files` its files, once it is unloaded; `confirm` is its id once more."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    with_files = request.query_params.get("files") == "true"
    guard.detail(request.scope, model=model.id, files=str(with_files).lower())
    has_entry = model.id in services.settings.models
    going = Removal((), 0)
    if with_files:
        if request.query_params.get("confirm") != model.id:
            raise InvalidRequest(f"to remove files, say confirm={model.id}", param="confirm")
        going = await asyncio.to_thread(disposal.goes, services, model)
    elif not has_entry:
        raise Conflict(
            f"{model.id} has no entry: it is found in {model.path.parent.name}/; remove its files (files=true), "
            f"or take the folder out of catalog.folders",
            code="model_in_folder",
        )
    reading = await services.live.reading()
    if has_entry:
        reading = await change.write(services, [Edit(("models", model.id), None)], wanted_version(request, None))
    if with_files:
        await disposal.remove(services, model, going)
    names = [path.name for path in going.files]
    return _json(ModelRemoved(version=reading.version, entry=has_entry, files=names, bytes=going.bytes))


@router.get(
    "/api/v1/models/{id}/removal",  # noqa: FAST003  read from the path
    operation_id="modelRemoval",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(RemovalAnswer)
async def model_removal(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What would go with a model: nothing does yet."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    problem: str | None = None
    going = Removal((), 0)
    try:
        going = await asyncio.to_thread(disposal.goes, services, model)
    except InvalidRequest as error:
        problem = error.message
    files = await asyncio.to_thread(lambda: [FileAnswer(name=str(path), bytes=_size(path)) for path in going.files])
    has_entry = model.id in services.settings.models
    return _json(RemovalAnswer(entry=has_entry, files=files, bytes=going.bytes, problem=problem))


@router.get(
    "/api/v1/models/{id}/adapters",  # noqa: FAST003  read from the path
    operation_id="modelAdapters",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(FittingAdapters)
async def model_adapters(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The adapters of a model's format, and which of them cannot be applied to it. Reads headers, loads nothing."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    own = services.settings.models.get(model.id)
    found = await asyncio.to_thread(_fitting, services, replace(model, adapter=None))
    return _json(FittingAdapters(default=None if own is None else own.adapter, data=found))


@router.get(
    "/api/v1/models/{id}/details",  # noqa: FAST003  read from the path
    operation_id="modelDetails",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(ModelDetails)
async def model_details(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a model's files say: numbers, tensors by type, metadata of GGUF, checks of MLX. Loads nothing."""
    model = await asyncio.to_thread(services.catalog.find, request.path_params["id"], None, caller)
    if model.remote is not None:
        raise InvalidModelFile(f"another server has {model.id}: there are no files of it here")
    root = next((root for root in roots(services.settings) if model.path.is_relative_to(root)), None)
    found = await asyncio.to_thread(inspect, model.path, root)
    shown: JsonObject = {"id": model.id, "path": str(model.path) if caller.may("admin") else None}
    return json_answer({**shown, **found})


async def _added(services: Services, body: NewModel, wanted: str | None) -> tuple[Model, str]:
    """Writes it into the file as it was before the look: an id that another takes meanwhile is not taken from them."""
    tries = _TRIES
    while True:
        version = (await services.live.reading()).version if wanted is None else wanted
        model, edits = await asyncio.to_thread(_planned, services, body)
        try:
            return model, (await change.write(services, edits, version)).version
        except Conflict:
            tries -= 1
            if wanted is not None or not tries:
                raise


def _planned(services: Services, body: NewModel) -> tuple[Model, list[Edit]]:
    model = _looked_at(services, body)
    edits = [Edit(("models", model.id, "path"), str(model.path))]
    return model, [*edits, *change.edits_of(body.settings, ("models", model.id))]


def _looked_at(services: Services, body: NewModel) -> Model:
    """The model at the path, under the id it would get. Raises InvalidRequest, InvalidModelFile, Forbidden."""
    path = admitted(body.path, change.reachable(services))
    name = body.id or safe(path.stem if path.is_file() else path.name)
    if not MODEL_ID.match(name):
        raise InvalidRequest("id: letters, digits, '.', '_' and '-', at most 128", param="id")
    try:
        there = services.catalog.find(name)
    except ModelNotFound:
        pass
    else:
        raise Conflict(f"there is a model {name} already, at {there.path}", code="name_taken", param="id")
    (model,) = scan([], named={name: path})
    if model.invalid is not None:
        raise InvalidModelFile(model.invalid.removeprefix(f"models.{name}.path: "))
    if body.format is not None and model.format != body.format:
        raise InvalidRequest(f"format: {path.name} is {model.format}, not {body.format}", param="format")
    return model


def _fitting(services: Services, model: Model) -> list[FittingAdapter]:
    adapters = services.catalog.adapters
    found: list[FittingAdapter] = []
    for each in adapters.list():
        if (path := each.form(model.format)) is None:
            continue
        problem: str | None = None
        try:
            adapters.find(Adapter(each.name), model)
        except InvalidRequest as error:
            problem = error.message
        found.append(FittingAdapter(name=each.name, path=str(path), problem=problem))
    return found


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


async def _saved(services: Services, name: str, version: str, *, reload: bool = False) -> Response:
    model = await asyncio.to_thread(services.catalog.find, name)
    return _json(ModelSaved(version=version, model=_entry(services, model), reload=reload))


def _entry(services: Services, model: Model) -> ModelEntry:
    settings = services.settings
    own = settings.models.get(model.id)
    said = {} if own is None else own.model_dump(mode="json", exclude_unset=True)
    return ModelEntry(
        **model_object(services, model).model_dump(),
        path=None if model.remote is not None else str(model.path),
        source=_source(settings, model),
        settings=said,
        architecture=model.shape.architecture,
        parameters=model.shape.parameters,
        trained_context=model.shape.context,
        files=[path.name for path in model.files],
    )


def _source(settings: Settings, model: Model) -> Literal["folder", "package", "settings", "server"]:
    own = settings.models.get(model.id)
    if model.remote is not None:
        return "server"
    if own is not None and own.path is not None:
        return "settings"
    return "package" if model.path.is_relative_to(demo.models_dir()) else "folder"


def _free(home: Path) -> int | None:
    nearest = next((path for path in (home / "models", *home.parents) if path.exists()), home)
    try:
        return shutil.disk_usage(nearest).free
    except OSError:
        return None


def _json(value: BaseModel) -> Response:
    return json_answer(value.model_dump())
