"""`POST /api/embed`, and `POST /api/embeddings` as it was before."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.embedding import Embeddings, EmbedRequest
from dovetail.core.errors import InvalidRequest
from dovetail.core.ollama_fields import EMBED, EMBEDDINGS
from dovetail.gateway import wire
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.dialects.ollama.answers import OllamaVector, OllamaVectors
from dovetail.gateway.dialects.ollama.keeping import keep, meant
from dovetail.gateway.dialects.ollama.options import Asked
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.services import Services
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import of
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["ollama"])

_Texts = Annotated[list[str], Field(min_length=1, max_length=2048)]


class OllamaEmbed(Asked):
    """The body of `/api/embed`."""

    input: Annotated[str | _Texts, of(EMBED["input"])]
    dimensions: Annotated[int | None, of(EMBED["dimensions"])] = None
    truncate: Annotated[object, of(EMBED["truncate"])] = None


class OllamaEmbeddings(Asked):
    """The body of `/api/embeddings`."""

    prompt: Annotated[str, of(EMBEDDINGS["prompt"])]


@router.post("/api/embed", operation_id="ollamaEmbed", response_model=None)
@reads(OllamaEmbed)
@answers(OllamaVectors)
async def embed(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Vectors of one text or several, of length 1."""
    body = await receive_body(request, services, OllamaEmbed)
    began = time.monotonic()
    texts = _said([body.input] if isinstance(body.input, str) else body.input, "input")
    ticket = Ticket("embedding", caller, body.model, outline(body))
    asked = EmbedRequest(new_id("embd"), body.model, texts, dimensions=body.dimensions)
    found = await _embedded(request, services, caller, body, asked, ticket=ticket)
    whole = await asyncio.to_thread(_whole, body.model, found, began)
    headers = wire.warnings(body, strict=services.settings.strict) | waited(ticket)
    return Response(whole, headers=headers, media_type="application/json")


@router.post("/api/embeddings", operation_id="ollamaEmbeddings", response_model=None)
@reads(OllamaEmbeddings)
@answers(OllamaVector)
async def embeddings(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The vector of one text, as long as the model makes it."""
    body = await receive_body(request, services, OllamaEmbeddings)
    ticket = Ticket("embedding", caller, body.model, outline(body))
    asked = EmbedRequest(new_id("embd"), body.model, _said([body.prompt], "prompt"), normalize=False)
    found = await _embedded(request, services, caller, body, asked, ticket=ticket)
    headers = wire.warnings(body, strict=services.settings.strict) | waited(ticket)
    whole = orjson.dumps({"embedding": _numbers(found.vectors[0])})
    return Response(whole, headers=headers, media_type="application/json")


async def _embedded(
    request: Request, services: Services, caller: Caller, body: Asked, asked: EmbedRequest, *, ticket: Ticket
) -> Embeddings:
    model = await meant(services, caller, body)
    keep(services, model, body, embeds=True)
    work = services.embedder.embed(replace(asked, model=model.name), caller, ticket)
    return await while_connected(request, services, ticket, work)


def _said(texts: Sequence[str], field: str) -> tuple[str, ...]:
    if not all(texts):
        raise InvalidRequest(f"{field} is empty: there is nothing to embed", param=field)
    return tuple(texts)


def _whole(model: str, found: Embeddings, began: float) -> bytes:
    return orjson.dumps(
        {
            "model": model,
            "embeddings": [_numbers(vector) for vector in found.vectors],
            "total_duration": int((time.monotonic() - began) * 1e9),
            "load_duration": int(found.loading * 1e9),
            "prompt_eval_count": found.tokens,
        }
    )


def _numbers(vector: bytes) -> list[float]:
    numbers = array("f")
    numbers.frombytes(vector)
    return list(numbers)
