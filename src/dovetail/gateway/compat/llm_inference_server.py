"""The LLM inference server's routes: a prompt for a GGUF file by its repository and name, with what the answer took."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail import __version__
from dovetail.bench.meter import Looking, Meter
from dovetail.catalog.delivery import repository
from dovetail.catalog.hub import parse_spec
from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, Forbidden, InvalidRequest, ModelNotFound
from dovetail.core.model import CacheType, Model
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, Sampling, TextPart
from dovetail.gateway import change, health
from dovetail.gateway.admin.bench_ask import AskAnswer, AskChunk, Asked, Watched
from dovetail.gateway.answers import Answer, Health
from dovetail.gateway.deliveries import ENDED, begun
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, may, receive_body, while_connected
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.rights import Right
from dovetail.gateway.roots import admitted, roots
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Inert, Refused, Wire
from dovetail.serving.requests import Ticket
from dovetail.settings.document import Edit, Value

router = APIRouter(tags=["older servers"])

_LOOK_EVERY = 0.2  # seconds between two looks at a download


# ggml_type, of ggml.h.
_CACHE_TYPES: dict[int, CacheType] = {
    0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 30: "bf16",
}  # fmt: skip
_RANDOM = frozenset({-1, (1 << 32) - 1})


def _cache_type(name: str, number: int | None) -> CacheType | None:
    if number is None or number in _CACHE_TYPES:
        return None if number is None else _CACHE_TYPES[number]
    raise InvalidRequest(
        f"model_params.{name}: one of {', '.join(map(str, _CACHE_TYPES))}", param=f"model_params.{name}"
    )


class ModelParams(Wire):
    """llama-cpp-python's parameters of a load, as settings of the model; those without a meaning here are refused."""

    n_ctx: Annotated[int | None, Field(ge=0, description="`context`; 0 is the model's own.")] = None
    n_gpu_layers: Annotated[int | None, Field(ge=-1, description="`gpu_layers`; -1 as many as fit.")] = None
    n_batch: Annotated[int | None, Field(description="`batch`.")] = None
    n_ubatch: Annotated[int | None, Field(description="`ubatch`.")] = None
    n_threads: Annotated[int | None, Field(description="`threads`.")] = None
    flash_attn: Annotated[bool | None, Field(description="`flash_attention`.")] = None
    chat_format: Annotated[str | None, Field(max_length=64, description="`chat_format`.")] = None
    type_k: Annotated[int | None, Field(description="`cache_type_k`, by ggml's number.")] = None
    type_v: Annotated[int | None, Field(description="`cache_type_v`, by ggml's number.")] = None
    seed: Annotated[int | None, Field(description="Of this answer; -1 and 2^32 - 1 are a random one.")] = None
    verbose: Annotated[object, Inert("What is logged.")] = None
    use_mmap: Annotated[object, Refused(True)] = None
    use_mlock: Annotated[object, Refused(False)] = None
    offload_kqv: Annotated[object, Refused(True)] = None
    logits_all: Annotated[object, Refused(False)] = None
    embedding: Annotated[object, Refused(False)] = None
    vocab_only: Annotated[object, Refused(False)] = None

    def settings(self) -> dict[str, Value]:
        """What is said of the model, by key under `models.ID`. Raises InvalidRequest for what has no meaning here."""
        for name in self.model_extra or ():
            raise InvalidRequest(f"model_params.{name[:64]} is not supported", param=f"model_params.{name[:64]}")
        said = {
            "context": self.n_ctx or None,
            "gpu_layers": self.n_gpu_layers,
            "batch": self.n_batch,
            "ubatch": self.n_ubatch,
            "threads": self.n_threads,
            "flash_attention": self.flash_attn,
            "cache_type_k": _cache_type("type_k", self.type_k),
            "cache_type_v": _cache_type("type_v", self.type_v),
            "chat_format": self.chat_format,
        }
        return {name: value for name, value in said.items() if value is not None}


class FileChat(Wire):
    """A prompt for `filename` of the hub's `repo_id`, or with `local` for the file of that path. Nothing is kept."""

    repo_id: Annotated[str | None, Field(max_length=256, description="Where to fetch it if it is not here.")] = None
    filename: Annotated[str, Field(min_length=1, max_length=4096, description="The file's name, or its path.")]
    model_params: ModelParams = Field(default=ModelParams())
    prompt: Annotated[str, Field(min_length=1, max_length=1 << 20)]
    stream: bool = False
    local: bool = False

    def request(self, model: Model) -> GenerateRequest:
        """The core's form."""
        return GenerateRequest(
            id=new_id("ask"),
            model=model.name,
            prompt=ChatPrompt((Message("user", (TextPart(self.prompt),)),)),
            sampling=Sampling(seed=None if self.model_params.seed in _RANDOM else self.model_params.seed),
            max_tokens=None,
            keep="nothing",
        )


class ServerInfo(Answer):
    """What answers here, and where."""

    name: str
    version: str
    endpoints: list[str]


@router.get("/api/status", operation_id="apiStatus", response_model=None)
@answers(Health)
async def status(services: ServicesDep, _caller: CallerDep) -> Response:
    """The same as `/health`."""
    return json_answer(health.state(services))


@router.get("/api/info", operation_id="apiInfo", response_model=None)
@answers(ServerInfo)
async def info(_caller: CallerDep) -> Response:
    """Name, version and that server's routes."""
    routes = ["/api/chat/completions", "/api/status", "/api/info"]
    return json_answer({"name": "Dovetail", "version": __version__, "endpoints": [*routes]})


@router.post("/api/chat/completions", operation_id="chatWithFile", response_model=None, tags=["configuration"])
@reads(FileChat)
@answers(AskAnswer)
@streams(AskChunk)
async def chat(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers a prompt, with the figures of the answer. Other `model_params` than the settings' become settings."""
    body = await receive_body(request, services, FileChat)
    said = body.model_params.settings()
    model = await _model(request, services, caller, body)
    edits = [
        Edit(("models", model.id, name), value)
        for name, value in said.items()
        if getattr(services.settings.models.get(model.id) or services.settings.load, name, None) != value
    ]
    if edits:
        await _admin(request, services, "to load it by other model_params")
        await change.write(services, edits)
    watched = Watched(Meter(lambda: services.status(model).pid, Looking(services.sampler)))
    rendering = Asked(watched, streamed=body.stream)
    return generation(services, caller, body, [body.request(model)], rendering, watched.events)


async def _model(request: Request, services: Services, caller: Caller, body: FileChat) -> Model:
    """The file's model, fetched where it is not here. Raises ModelNotFound, Forbidden, and what a download does."""
    if body.local:
        path = await asyncio.to_thread(admitted, body.filename, roots(services.settings), "filename")
        found = await _here(services, caller, path)
        if found is None:
            raise ModelNotFound(body.filename[:256], [])
        return found
    name = Path(Path(body.filename).name)  # a repository may have it in a folder
    found = await _here(services, caller, name, body.repo_id)
    if found is not None:
        return found
    if body.repo_id is None or services.downloads is None:
        return await asyncio.to_thread(services.catalog.find, body.filename, None, caller)
    await _admin(request, services, "to fetch it")
    ticket = Ticket("load", caller, body.filename, outline(body))
    await while_connected(request, services, ticket, _fetch(services, f"{body.repo_id}:{body.filename}"))
    return await _here(services, caller, name, body.repo_id) or await asyncio.to_thread(
        services.catalog.find, body.filename, None, caller
    )


async def _here(services: Services, caller: Caller, path: Path, repo: str | None = None) -> Model | None:
    """The model whose first file that is, by its path or by its name alone; none that came from another `repo`."""

    def look() -> Model | None:
        every = [model for model in services.catalog.models() if model.remote is None and caller.may_use(model.id)]
        found = [model for model in every if path in {model.path, Path(model.path.name), model.path.resolve()}]
        origins = {model.id: repository(model.path.parent) for model in found} if repo else {}
        found = [model for model in found if origins.get(model.id) in {None, repo}]
        return min(found, key=lambda model: origins.get(model.id) is None, default=None)

    return await asyncio.to_thread(look)


async def _fetch(services: Services, spec: str) -> None:
    download = await begun(services, parse_spec(spec))
    while download.state not in {*ENDED, "paused"}:  # noqa: ASYNC110  until the request's own deadline; downloads tell the hub alone
        await asyncio.sleep(_LOOK_EVERY)
    if download.state != "done":
        raise download.error or DovetailError(f"the download of {download.order.repo} is {download.state}")


async def _admin(request: Request, services: Services, why: str) -> None:
    if not await may(request, services, Right.ADMIN):
        raise Forbidden(f"{why} takes an admin", code="forbidden")
