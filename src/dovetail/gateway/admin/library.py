"""Before a model is served: what a load of it would take, and what other programs of this machine have."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from dovetail.catalog import found
from dovetail.catalog.delivery import order
from dovetail.catalog.guesses import with_guesses
from dovetail.catalog.headers import Headers
from dovetail.catalog.hub import parse_spec
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.preview import preview
from dovetail.catalog.scan import scan
from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import CacheType, LoadOptions, Model
from dovetail.gateway import change, guard
from dovetail.gateway.admin.config import Version
from dovetail.gateway.admin.model_answers import (
    ChangeAnswer,
    EstimateAnswer,
    FoundAdded,
    FoundModel,
    FoundPlace,
    FoundPlaces,
    NeedAnswer,
)
from dovetail.gateway.deliveries import downloads_of
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.model_settings import guesses, load_options
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.roots import admitted
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire
from dovetail.settings.document import Edit

router = APIRouter(tags=["models"])

_NEW = "new model"  # no id, so that no settings are meant for it


class EstimateRequest(Wire):
    """A load that is thought of: of a model by its id, a file that could be added, or one of the hub by its header.

    Options go over the settings, `settings` as well: null takes a key out, as when they are changed.
    """

    model: Annotated[str, Field(max_length=256)] | None = None
    path: Annotated[str, Field(max_length=4096)] | None = None
    repo: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="`owner/name:CHOICE`, as for a download."
    )
    context: Annotated[int, Field(ge=64, le=1 << 24)] | None = None
    parallel: Annotated[int, Field(ge=1, le=256)] | None = None
    gpu_layers: Annotated[int, Field(ge=-1, le=10_000)] | None = None
    batch: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    ubatch: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    flash_attention: bool | None = None
    cache_type_k: CacheType | None = None
    cache_type_v: CacheType | None = None
    cache_ram: Annotated[int, Field(ge=0, le=1 << 50)] | None = None
    settings: dict[str, object] = Field(default={}, description="As `[models.ID]` has them.")


class AddFound(Wire):
    """Serve what a program has: its folder as it is, or of Ollama's models those `ids`, or all."""

    tool: Literal["lm-studio", "huggingface", "ollama"]
    ids: Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=1000)] = Field(default=[])
    version: Version | None = None


@router.post(
    "/api/v1/models/estimate",
    operation_id="estimateModel",
    response_model=None,
    tags=["downloads"],  # of the hub's models
)
@reads(EstimateRequest)
@answers(EstimateAnswer)
async def estimate_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a load would take, whether it fits beside what is loaded, and what to change if not. Loads nothing."""
    body = await receive_body(request, services, EstimateRequest)
    if sum(each is not None for each in (body.model, body.path, body.repo)) != 1:
        raise InvalidRequest("model, path or repo: name one of them")
    if (repo := body.repo) is not None:
        model = await downloads_of(services).errands.ask(lambda: preview(order(parse_spec(repo))))
    else:
        model = await asyncio.to_thread(_model, services, caller, body)
    said = {name: value for name in _OPTIONS if (value := getattr(body, name)) is not None}
    model, options = await asyncio.to_thread(_resolved, services, model, body.settings, said)
    engine = services.engines[model.format]
    told = await services.pool.estimate(model, options, engine.cache_key(options), caller)
    need = asdict(told.need)
    need.pop("kv_grows")
    return _json(
        EstimateAnswer(
            model=model.id,
            context=options.context or 0,
            parallel=options.parallel or 1,
            gpu_layers=told.options.gpu_layers if model.format == "gguf" else None,
            need=NeedAnswer(**need),
            memory=told.memory,
            measured=told.measured,
            limit=told.room.memory,
            device_limit=told.room.device,
            free=told.free,
            verdict=told.verdict,
            evict=list(told.evict),
            advice=", or ".join(each.text for each in told.advice),
            changes=[
                ChangeAnswer(
                    text=each.text, settings=dict(each.options), unload=list(each.unload), at_most=each.at_most
                )
                for each in told.advice
            ],
        )
    )


@router.get("/api/v1/models/found", operation_id="listFoundModels", response_model=None)
@answers(FoundPlaces)
async def list_found(services: ServicesDep, _caller: CallerDep) -> Response:
    """The models that LM Studio, Ollama and the Hugging Face cache have on this machine."""
    return _json(FoundPlaces(data=await asyncio.to_thread(_places, services)))


@router.post(
    "/api/v1/models/found",
    operation_id="addFoundModels",
    response_model=None,
    tags=["configuration"],  # which it changes
)
@reads(AddFound)
@answers(FoundAdded)
async def add_found(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Serves them where they lie: nothing is copied."""
    body = await receive_body(request, services, AddFound)
    guard.detail(request.scope, tool=body.tool)
    reading = await services.live.reading()
    added, edits = await asyncio.to_thread(_adding, services, body, reading.text)
    if not edits:
        raise InvalidRequest(f"{body.tool} has nothing here that is not served already", param="tool")
    written = await change.write(services, edits, body.version or reading.version or None)
    return _json(FoundAdded(version=written.version, added=added))


_OPTIONS = tuple(name for name in EstimateRequest.model_fields if name not in {"model", "path", "repo", "settings"})


def _model(services: Services, caller: Caller, body: EstimateRequest) -> Model:
    """Raises ModelNotFound, Forbidden, InvalidModelFile."""
    if body.path is None:
        model = services.catalog.find(body.model or "", None, caller)
    else:
        (model,) = scan([], named={_NEW: admitted(body.path, change.reachable(services))})
    if model.invalid is not None:
        raise InvalidModelFile(model.invalid.removeprefix(f"models.{_NEW}.path: "))
    if model.remote is not None:
        raise InvalidRequest(f"another server has {model.id}: it takes no memory here", param="model")
    return model


def _resolved(
    services: Services, model: Model, patch: dict[str, object], said: dict[str, int | bool | str]
) -> tuple[Model, LoadOptions]:
    """The model and its options with `patch` over its settings, and over both what was `said`."""
    settings = services.settings
    if patch:
        change.check(services, list(change.edits_of(patch, ("models", model.id))))
        settings = change.supposed(settings, model.id, patch)
        others = {each.id: each for each in services.catalog.models()}
        guessed = replace(model, draft=None, ngram=None)
        model = with_guesses(guessed, guesses(settings, model.id), others, Headers())
        if model.invalid is not None:
            raise InvalidModelFile(model.invalid)
    wanted = replace(load_options(settings, model), pooling=model.pooling, **said)
    return model, services.engines[model.format].resolve(model, wanted, services.machine)


def _places(services: Services) -> list[FoundPlace]:
    served = {model.path.resolve(): model.id for model in services.catalog.models() if model.remote is None}
    folders = [folder.resolve() for folder in services.settings.catalog.folders]
    places: list[FoundPlace] = []
    for tool, folder in services.other_programs():
        there = found.find(tool, folder)
        names = {blob.weights: blob.name for blob in there.blobs}
        models = [
            FoundModel(
                id=model.id,
                name=names.get(model.path, model.id),
                path=str(model.path),
                format=model.format,
                bytes=model.size,
                quantisation=model.quantisation,
                problem=model.invalid,
                added=served.get(model.path.resolve()),
            )
            for model in there.models
        ]
        places.append(FoundPlace(tool=tool, path=str(folder), added=folder.resolve() in folders, models=models))
    return places


def _adding(services: Services, body: AddFound, text: str) -> tuple[list[str], list[Edit]]:
    """What is added, and how it is written into the file that says `text`."""
    there = [found.find(tool, folder) for tool, folder in services.other_programs() if tool == body.tool]
    served = {model.path.resolve() for model in services.catalog.models() if model.remote is None}
    names = {name for model in services.catalog.models() for name in (model.id, *model.aliases)}
    return found.adding(there, text, served, names, body.ids)


def _json(value: BaseModel) -> Response:
    return json_answer(value.model_dump())
