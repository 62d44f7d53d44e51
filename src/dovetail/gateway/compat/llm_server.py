"""What the llm-server's pages ask before they save a model: what is in a GGUF file, whether an MLX folder is sound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.catalog.gguf_facts import GgufFacts, gguf_facts
from dovetail.catalog.gguf_values import GgufArray
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx_check import MlxFacts, check_folder, checks_json
from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest, ModelNotFound
from dovetail.core.model import Model
from dovetail.core.request import JsonObject
from dovetail.gateway import wire
from dovetail.gateway.admin.model_answers import CheckAnswer
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.roots import admitted, roots
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["older servers"])


class ModelOrPath(Wire):
    """A model by its id, or a file or folder by its path, inside a folder of models."""

    model: Annotated[str, Field(max_length=4096)] | None = None
    path: Annotated[str, Field(max_length=4096)] | None = None


class Attention(Answer):
    """The types of the matrices that make queries, keys and values; null where there are none of their own."""

    q: str | None
    k: str | None
    v: str | None


class GgufInfo(Answer):
    """What a GGUF file says of itself; long lists in `metadata` are their length."""

    ok: bool
    model: str | None
    path: str
    ggufVersion: int  # noqa: N815  the earlier server's name for it
    architecture: str
    fileType: int | None  # noqa: N815
    fileTypeName: str  # noqa: N815
    tensorCount: int  # noqa: N815
    tensorTypes: dict[str, int]  # noqa: N815
    qkv: Attention
    size: int
    parameters: int
    contextLength: int  # noqa: N815
    metadata: dict[str, object]


class MlxVerdict(Answer):
    """Whether there is a sound MLX model; `error` is the first check that failed."""

    exists: bool
    model: str | None = None
    path: str | None = None
    modelType: str | None = None  # noqa: N815
    checks: list[CheckAnswer] | None = None
    error: str | None = None


@router.post("/gguf-info", operation_id="ggufInfo", response_model=None)
@reads(ModelOrPath)
@answers(GgufInfo)
async def gguf_info(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Quantisation, tensor types and metadata of a GGUF file, from its header."""
    body = await receive_body(request, services, ModelOrPath)
    headers = wire.warnings(body, strict=services.settings.strict)
    model, path = await asyncio.to_thread(_meant, services, caller, body)
    if model is not None and model.format != "gguf":
        raise InvalidRequest(f"{model.id} is no GGUF model but {model.format}: POST /mlx-verify", param="model")
    facts = await asyncio.to_thread(gguf_facts, path)
    return json_answer(_info(facts, model), headers=headers)


@router.post("/mlx-verify", operation_id="mlxVerify", response_model=None)
@reads(ModelOrPath)
@answers(MlxVerdict)
async def mlx_verify(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Whether a folder is a sound MLX model, with all that was looked at."""
    body = await receive_body(request, services, ModelOrPath)
    headers = wire.warnings(body, strict=services.settings.strict)
    try:
        model, path = await asyncio.to_thread(_meant, services, caller, body)
    except ModelNotFound as unknown:
        return json_answer({"exists": False, "model": body.model, "error": unknown.message}, headers=headers)
    if model is not None and model.format != "mlx":
        reason = f"{model.id} is no MLX model but {model.format}"
        return json_answer({"exists": False, "model": model.id, "error": reason}, headers=headers)
    facts = await asyncio.to_thread(check_folder, path, None if model is None else _root(services, path))
    return json_answer(_verdict(facts, model), headers=headers)


def _meant(services: Services, caller: Caller, body: ModelOrPath) -> tuple[Model | None, Path]:
    """The model's files, or the path. Raises ModelNotFound, Forbidden, InvalidRequest."""
    if (body.model is None) is (body.path is None):
        raise InvalidRequest("model or path: name one of them")
    if body.path is not None:
        return None, admitted(body.path, roots(services.settings))
    model = services.catalog.find(body.model or "", None, caller)
    if model.remote is not None:
        raise InvalidModelFile(f"another server has {model.id}: there are no files of it here")
    return model, model.path


def _root(services: Services, path: Path) -> Path | None:
    """The models folder that `path` is in: links may lead as far as that."""
    return next((root for root in roots(services.settings) if root != path and path.is_relative_to(root)), None)


def _info(facts: GgufFacts, model: Model | None) -> JsonObject:
    first = facts.first
    kind = first.metadata.get("general.file_type")
    counts: JsonObject = {share.type: share.tensors for share in facts.types}
    return {
        "ok": facts.problem is None,
        "model": model.id if model else None,
        "path": str(facts.paths[0]),
        "ggufVersion": first.version,
        "architecture": first.architecture,
        "fileType": kind if isinstance(kind, int) else None,
        "fileTypeName": first.quantisation,
        "tensorCount": len(facts.tensors),
        "tensorTypes": counts,
        "qkv": {letter: next(iter(types), None) for letter, types in facts.attention.items()},
        "size": sum(header.size for header in facts.headers),
        "parameters": facts.parameters,
        "contextLength": first.shape.context,
        "metadata": {
            key: value.count if isinstance(value, GgufArray) else value for key, value in first.metadata.items()
        },
    }


def _verdict(facts: MlxFacts, model: Model | None) -> JsonObject:
    failed = next((check for check in facts.checks if check.status == "fail"), None)
    return {
        "exists": facts.sound,
        "model": model.id if model else None,
        "path": str(facts.path),
        "modelType": facts.shape.architecture or None,
        "checks": checks_json(facts),
        "error": f"{failed.name}: {failed.found}; {failed.mend}" if failed else None,
    }
