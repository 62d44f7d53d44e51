"""OpenAI's embeddings, `POST /v1/embeddings`, with two fields of Dovetail's own: `pooling` and `normalize`."""

from __future__ import annotations

import asyncio
import base64
from array import array
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.embedding import Embeddings, EmbedRequest, Text
from dovetail.core.errors import InvalidRequest
from dovetail.core.fields import EMBEDDINGS
from dovetail.core.request import Json
from dovetail.gateway import wire
from dovetail.gateway.adapters import AdapterField, adapter
from dovetail.gateway.answers import EmbeddingList
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.sampling import ModelName, TokenId
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Wire, of
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["openai"])

MAX_INPUTS = 2048  # the published API's
_Tokens = Annotated[list[TokenId], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_Several = Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
_SeveralTokens = Annotated[list[_Tokens], Field(min_length=1, max_length=MAX_INPUTS)]


class EmbeddingBody(Wire):
    """The request body."""

    model: Annotated[ModelName, of(EMBEDDINGS["model"])]
    input: Annotated[str | _Tokens | _Several | _SeveralTokens, of(EMBEDDINGS["input"])]
    encoding_format: Annotated[Literal["float", "base64"] | None, of(EMBEDDINGS["encoding_format"])] = None
    dimensions: Annotated[int | None, of(EMBEDDINGS["dimensions"])] = None
    pooling: Annotated[Literal["mean", "cls", "last"] | None, of(EMBEDDINGS["pooling"])] = None
    normalize: Annotated[bool | None, of(EMBEDDINGS["normalize"])] = None
    adapter: Annotated[AdapterField, of(EMBEDDINGS["adapter"])] = None
    user: Annotated[object, of(EMBEDDINGS["user"])] = None

    def request(self, request_id: str) -> EmbedRequest:
        """The core's form. Raises InvalidRequest for an empty text."""
        return EmbedRequest(
            id=request_id,
            model=self.model,
            inputs=self._inputs(),
            pooling=self.pooling,
            normalize=self.normalize is not False,
            dimensions=self.dimensions,
            adapter=adapter(self.adapter),
        )

    def _inputs(self) -> tuple[Text, ...]:
        if isinstance(self.input, str):
            inputs: list[Text] = [self.input]
        elif ids := [item for item in self.input if isinstance(item, int)]:
            inputs = [tuple(ids)]
        else:
            inputs = [
                item if isinstance(item, str) else tuple(item) for item in self.input if not isinstance(item, int)
            ]
        for index, text in enumerate(inputs):
            if not text:
                name = "input" if isinstance(self.input, str) else f"input[{index}]"
                raise InvalidRequest(f"{name} is empty: there is nothing to embed", param=name)
        return tuple(inputs)


@router.post("/v1/embeddings", operation_id="createEmbedding", response_model=None)
@reads(EmbeddingBody)
@answers(EmbeddingList)
async def create_embedding(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Vectors of one text or several."""
    body = await receive_body(request, services, EmbeddingBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    ticket = Ticket("embedding", caller, body.model, outline(body))
    work = services.embedder.embed(body.request(new_id("embd")), caller, ticket)
    found = await while_connected(request, services, ticket, work)
    whole = await asyncio.to_thread(_body, found, body.model, as_base64=body.encoding_format == "base64")
    return Response(whole, headers=headers | waited(ticket), media_type="application/json")


def _body(found: Embeddings, model: str, *, as_base64: bool) -> bytes:
    """Thousands of vectors are megabytes of digits: not on the event loop."""
    encoded = (base64.b64encode(vector).decode() if as_base64 else _floats(vector) for vector in found.vectors)
    data: list[Json] = [
        {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(encoded)
    ]
    usage: Json = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return orjson.dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _floats(vector: bytes) -> list[Json]:
    numbers = array("f")
    numbers.frombytes(vector)
    return list(numbers)
