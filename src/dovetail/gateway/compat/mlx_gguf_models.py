"""mlx_gguf_server's own routes for models: their list, what is known of one, load, unload, and a count of tokens."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Adapter, Model
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import change, guard, wire
from dovetail.gateway.adapters import AdapterName
from dovetail.gateway.addressee import HEADER, PARAMETER, found
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.sampling import Bias, Biased, ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Inert, Named, Refused, Wire, also
from dovetail.serving.requests import Ticket
from dovetail.serving.worker_call import ask
from dovetail.settings import ModelSettings
from dovetail.settings.document import Edit, Value

router = APIRouter(tags=["older servers"])

_HIGHEST = 99_999  # number of a model
_NAME: JsonObject = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_TYPES = {"gguf": "llama-cpp", "mlx": "mlx", "whisper": "whisper"}
_CACHED = "Prompts are always cached, where the answer does not change by it."


class ModelNames(Answer):
    """Folders are MLX models, files that end in `.gguf` GGUF models."""

    model_names: list[str]


class ModelInfo(Answer):
    """One model by its header; 0 where that does not say. `model_type` is `mlx` or `llama-cpp`."""

    model_name: str
    model_type: str
    size: int
    context_length: int
    hidden_size: int
    num_layers: int
    vocab_size: int
    is_loaded: bool


class NumberedLoad(Named):
    """Loads a model by the number in `X-Model-Id`, 0 without one. What else is said becomes the model's settings."""

    llm_model_name: Annotated[ModelName, Field(validation_alias=also("llm_model_name", "model"))]
    adapter_name: Annotated[AdapterName | None, Field(description="A LoRA; the empty name is none.")] = None
    chat_format: Annotated[str | None, Field(max_length=64, description="`[models.ID] chat_format`.")] = None
    temperature: Annotated[float | None, Field(description="`[models.ID.sampling]`.")] = None
    top_p: Annotated[float | None, Field(description="`[models.ID.sampling]`.")] = None
    repetition_penalty: Annotated[float | None, Field(description="`repeat_penalty` there.")] = None
    repetition_context_size: Annotated[int | None, Field(description="`repeat_last_n` there.")] = None
    priority: Annotated[int | None, Field(description="`[models.ID] priority`.")] = None
    auto_unload: Annotated[bool | None, Field(description="False: `[models.ID] pin`.")] = None
    use_kv_cache: Annotated[object, Inert(_CACHED)] = None
    kv_cache_threshold: Annotated[object, Inert(_CACHED)] = None
    trust_remote_code: Annotated[object, Refused(False, meaning="Set in dovetail.toml alone.")] = None
    max_tokens: Annotated[int | None, Field(ge=1, lt=1 << 31, description="`[models.ID] max_tokens`.")] = None
    logit_bias: Annotated[
        dict[Biased, Bias] | None, Field(max_length=1024, description="`[models.ID] logit_bias`, by token id or text.")
    ] = None

    def settings(self) -> dict[tuple[str, ...], Value]:
        """What is said of the model, by key under `models.ID`."""
        said: dict[tuple[str, ...], Value | None] = {
            ("chat_format",): self.chat_format or None,
            ("priority",): self.priority,
            ("max_tokens",): self.max_tokens,
            ("logit_bias",): self.logit_bias,
            ("pin",): None if self.auto_unload is None else not self.auto_unload,
            ("sampling", "temperature"): self.temperature,
            ("sampling", "top_p"): self.top_p,
            ("sampling", "repeat_penalty"): self.repetition_penalty,
            ("sampling", "repeat_last_n"): self.repetition_context_size,
        }
        return {key: value for key, value in said.items() if value is not None}


class Loaded(Answer):
    """`success`."""

    load: str


class Unloaded(Answer):
    """`success`."""

    unload: str


class TextCountBody(Wire):
    """A text."""

    prompt: str
    model: Annotated[ModelName | None, Field(description="Instead of `X-Model-Id`.")] = None


class TextLength(Answer):
    """Tokens of the text alone, without one that opens it."""

    length: int


@router.get("/v1/internal/model/list", operation_id="listModelNames", response_model=None)
@answers(ModelNames)
async def list_names(services: ServicesDep, caller: CallerDep) -> Response:
    """The names of the models."""
    models = await asyncio.to_thread(services.catalog.models)
    names: list[Json] = [*sorted(_name(model) for model in models if caller.may_use(model.id))]
    return json_answer({"model_names": names})


@router.get(
    "/v1/internal/model/info/{name:path}",  # noqa: FAST003
    operation_id="showModelInfo",
    response_model=None,
    openapi_extra={"parameters": [_NAME]},
)
@answers(ModelInfo)
async def show_info(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a model's header says, and whether it is loaded."""
    name: str = request.path_params["name"]
    model = await asyncio.to_thread(services.catalog.find, name, None, caller)
    return json_answer(
        {
            "model_name": _name(model),
            "model_type": _TYPES.get(model.format, model.format),
            "size": model.size,
            "context_length": services.context(model),
            "hidden_size": model.shape.width,
            "num_layers": model.shape.layers,
            "vocab_size": model.shape.vocabulary,
            "is_loaded": services.status(model).state == "ready",
        },
    )


@router.post(
    "/v1/internal/model/load",
    operation_id="loadNumberedModel",
    response_model=None,
    tags=["configuration"],
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(NumberedLoad)
@answers(Loaded)
async def load(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Loads a model, which the number in `X-Model-Id` stands for from then on; answers when it is ready."""
    body = await receive_body(request, services, NumberedLoad)
    headers = wire.warnings(body, strict=services.settings.strict)
    number = _number(request)
    adapter = Adapter(body.adapter_name) if body.adapter_name else None
    model = await asyncio.to_thread(services.catalog.find, body.llm_model_name, adapter, caller)
    guard.detail(request.scope, model=model.name)
    if edits := _edits(services, model, body):
        await change.write(services, edits)
        model = await asyncio.to_thread(services.catalog.find, body.llm_model_name, adapter, caller)
    ticket = Ticket("load", caller, model.name, outline(body))
    ticket.worker = model.name
    await while_connected(request, services, ticket, services.pool.load(model, ticket.note, caller))
    services.instances.give(number, model.name)
    return json_answer({"load": "success"}, headers=headers)


@router.post(
    "/v1/internal/model/unload",
    operation_id="unloadNumberedModel",
    response_model=None,
    tags=["configuration"],
    openapi_extra={"parameters": [PARAMETER]},
)
@answers(Unloaded)
async def unload(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Unloads a model once its running requests are done; its number stands for none then."""
    model = await found(request, services, caller)
    guard.detail(request.scope, model=model.name)
    services.instances.take(model.name)
    if not await services.pool.unload(model.id, model.adapter.name if model.adapter else None):
        raise InvalidRequest(f"{model.name} is not loaded", code="model_not_loaded", param=HEADER)
    return json_answer({"unload": "success"})


@router.post(
    "/v1/internal/token-count",
    operation_id="countTextTokens",
    response_model=None,
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(TextCountBody)
@answers(TextLength)
async def count(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How many tokens a text is."""
    body = await receive_body(request, services, TextCountBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await found(request, services, caller, body.model)
    ticket = Ticket("token count", caller, model.name, outline(body))
    work = ask(services.pool, model, "/tokenize", {"content": body.prompt}, ticket)
    tokens = (await while_connected(request, services, ticket, work)).get("tokens")
    return json_answer({"length": len(tokens) if isinstance(tokens, list) else 0}, headers=headers | waited(ticket))


def _number(request: Request) -> int:
    """The number to load by. Raises InvalidRequest for what is none."""
    said = request.headers.get(HEADER, "0")
    if not said.isdecimal() or len(said) > len(str(_HIGHEST)):
        raise InvalidRequest(f"{HEADER} has to be a number from 0 to {_HIGHEST}", param=HEADER)
    return int(said)


def _edits(services: Services, model: Model, body: NumberedLoad) -> list[Edit]:
    """What is not said of the model already."""
    own = services.settings.models.get(model.id, ModelSettings())
    edits: list[Edit] = []
    for key, value in body.settings().items():
        inside: object = own
        for name in key:
            inside = getattr(inside, name)
        if inside != value:
            edits.append(Edit(("models", model.id, *key), value))
    return edits


def _name(model: Model) -> str:
    """A GGUF file's own name where it leads to the model, else the id."""
    file = model.path.name
    return file if model.format == "gguf" and file in model.aliases else model.id
