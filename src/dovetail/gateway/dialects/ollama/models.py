"""What Ollama's clients ask about models: `/api/tags`, `/api/show`, `/api/ps`, `/api/version`."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from dovetail import __version__
from dovetail.core.model import Capability, Model
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.dialects.ollama.answers import (
    OllamaDetails,
    OllamaModel,
    OllamaRunning,
    OllamaRunningModel,
    OllamaTag,
    OllamaTags,
    OllamaVersion,
)
from dovetail.gateway.dialects.ollama.keeping import find
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Inert, Named, also

router = APIRouter(tags=["ollama"])

API_VERSION = "0.13.0"  # what this dialect follows; clients ask for some version or a later one
_FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)
_THOUSANDS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
_CAPABILITIES = {
    Capability.CHAT: "completion",
    Capability.COMPLETION: "completion",
    Capability.EMBEDDING: "embedding",
    Capability.TOOLS: "tools",
    Capability.THINKING: "thinking",
    Capability.VISION: "vision",
    Capability.AUDIO: "audio",
}


class OllamaShow(Named):
    """The body of `/api/show`."""

    model: Annotated[ModelName, Field(validation_alias=also("model", "name"))]
    verbose: Annotated[object, Inert("Tokens and merges are never listed.")] = None


@router.head("/api/tags", include_in_schema=False)  # Ollama's clients ask so whether it is there
@router.get("/api/tags", operation_id="ollamaTags", response_model=None)
@answers(OllamaTags)
async def list_tags(services: ServicesDep, caller: CallerDep) -> Response:
    """Every model that can be asked for."""
    models = await asyncio.to_thread(services.catalog.models)
    return _json(OllamaTags(models=[_tag(model) for model in models if not model.invalid and caller.may_use(model.id)]))


@router.get("/api/ps", operation_id="ollamaRunning", response_model=None)
@answers(OllamaRunning)
async def list_running(services: ServicesDep, caller: CallerDep) -> Response:
    """The loaded models, and until when they stay if nobody asks for them."""
    models = await asyncio.to_thread(services.catalog.models)
    found = [
        _running(services, model)
        for model in models
        if caller.may_use(model.id) and services.status(model).state == "ready"
    ]
    return _json(OllamaRunning(models=found))


@router.post("/api/show", operation_id="ollamaShow", response_model=None)
@reads(OllamaShow)
@answers(OllamaModel)
async def show(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a model is."""
    body = await receive_body(request, services, OllamaShow)
    model = await find(services, caller, body.model)
    shape = model.shape
    said = {
        "general.architecture": shape.architecture,
        "general.parameter_count": shape.parameters,
        "general.file_type": model.quantisation,
        f"{shape.architecture}.context_length": shape.context,
        f"{shape.architecture}.embedding_length": shape.width,
        f"{shape.architecture}.block_count": shape.layers,
        f"{shape.architecture}.attention.head_count": shape.heads,
        f"{shape.architecture}.attention.head_count_kv": shape.kv_heads,
    }
    return _json(
        OllamaModel(
            modelfile=f"FROM {model.id}\n",
            parameters="\n".join(f"{name} {value}" for name, value in model.sampling),
            template=model.template or "",
            details=_details(model),
            model_info={name: value for name, value in said.items() if value},
            capabilities=_capabilities(model),
            modified_at=_moment(model.created),
        )
    )


@router.head("/api/version", include_in_schema=False)
@router.get("/api/version", operation_id="ollamaVersion", response_model=None)
@answers(OllamaVersion)
async def version() -> Response:
    """The version of the API, and the server's own."""
    return _json(OllamaVersion(version=API_VERSION, dovetail=__version__))


def _tag(model: Model) -> OllamaTag:
    return OllamaTag(
        name=model.name,
        model=model.name,
        modified_at=_moment(model.created),
        size=model.size,
        digest=_digest(model),
        details=_details(model),
    )


def _running(services: Services, model: Model) -> OllamaRunningModel:
    status = services.status(model)
    left = status.expires_in
    until = _FOR_GOOD if left is None else datetime.now(UTC) + timedelta(seconds=left)
    return OllamaRunningModel(
        name=model.name,
        model=model.name,
        size=(status.memory or status.reserved) + status.device_memory,
        digest=_digest(model),
        details=_details(model),
        expires_at=until.isoformat().replace("+00:00", "Z"),
        size_vram=status.device_memory,
        context_length=services.context(model),
    )


def _details(model: Model) -> OllamaDetails:
    family = model.shape.architecture
    return OllamaDetails(
        parent_model="",
        format=model.format,
        family=family,
        families=[family] if family else [],
        parameter_size=_count(model.shape.parameters),
        quantization_level=model.quantisation,
    )


def _capabilities(model: Model) -> list[str]:
    found = [_CAPABILITIES[each] for each in Capability if each in model.capabilities and each in _CAPABILITIES]
    return list(dict.fromkeys([*found, *(["insert"] if model.fim else [])]))


def _count(parameters: int) -> str:
    for size, name in _THOUSANDS:
        if parameters >= size:
            return f"{parameters / size:.1f}{name}"
    return str(parameters) if parameters else ""


def _digest(model: Model) -> str:
    return hashlib.sha256(f"{model.id}\n{model.path.name}\n{model.size}\n{model.created}".encode()).hexdigest()


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _json(value: BaseModel) -> Response:
    return json_answer(value.model_dump(exclude_none=True))
