"""llama-server's own `/embedding` and `/embeddings`: vectors in its shape, at the length that is asked for."""

from __future__ import annotations

import asyncio
from array import array
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field, RootModel
from starlette.responses import Response

from dovetail.core.embedding import Embeddings, EmbedRequest, Text
from dovetail.core.errors import InvalidRequest
from dovetail.core.fields import NATIVE_EMBEDDING
from dovetail.core.request import Json
from dovetail.gateway import wire
from dovetail.gateway.adapters import AdapterField, adapter
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.sampling import ModelName, TokenId
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Named, of
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["llama.cpp"])

_AS_IT_IS, _EUCLIDEAN = -1, 2
_LARGEST = 32760.0  # what the largest number becomes with 0, as llama.cpp has it
_Ids = Annotated[list[TokenId], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_Several = Annotated[list[str | _Ids], Field(min_length=1, max_length=2048)]


class NativeEmbeddingBody(Named):
    """The body of `/embedding`."""

    model: Annotated[ModelName | None, of(NATIVE_EMBEDDING["model"])] = None
    content: Annotated[str | _Ids | _Several, of(NATIVE_EMBEDDING["content"])]
    embd_normalize: Annotated[int | None, of(NATIVE_EMBEDDING["embd_normalize"])] = None
    adapter: Annotated[AdapterField, of(NATIVE_EMBEDDING["adapter"])] = None
    encoding_format: Annotated[object, of(NATIVE_EMBEDDING["encoding_format"])] = None

    def texts(self) -> tuple[Text, ...]:
        """Raises InvalidRequest for an empty one."""
        said: list[str | list[int]] = []
        if isinstance(self.content, str):
            said.append(self.content)
        elif ids := [each for each in self.content if isinstance(each, int)]:
            said.append(ids)
        else:
            said += [each for each in self.content if not isinstance(each, int)]
        for index, each in enumerate(said):
            if not each:
                name = f"content[{index}]" if isinstance(self.content, list) else "content"
                raise InvalidRequest(f"{name} is empty: there is nothing to embed", param=name)
        return tuple(each if isinstance(each, str) else tuple(each) for each in said)


class NativeEmbedding(Answer):
    """The vector of one text, in a list of its own."""

    index: int
    embedding: list[list[float]]


class NativeEmbeddings(RootModel[list[NativeEmbedding]]):
    """One for each text."""


@router.post("/embedding", operation_id="llamaEmbedding", response_model=None)
@reads(NativeEmbeddingBody)
@answers(NativeEmbeddings)
async def embedding(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Vectors in llama-server's own form."""
    body = await receive_body(request, services, NativeEmbeddingBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await chosen(request, services, body.model)
    norm = _EUCLIDEAN if body.embd_normalize is None else body.embd_normalize
    asked = EmbedRequest(
        new_id("embd"),
        body.model or model.id,
        body.texts(),
        normalize=norm == _EUCLIDEAN,
        adapter=adapter(body.adapter),
    )
    ticket = Ticket("embedding", caller, asked.model, outline(body))
    found = await while_connected(request, services, ticket, services.embedder.embed(asked, caller, ticket))
    whole = await asyncio.to_thread(_whole, found, norm)
    return Response(whole, headers=headers | waited(ticket), media_type="application/json")


@router.post("/embeddings", operation_id="llamaEmbeddings", response_model=None)
@reads(NativeEmbeddingBody)
@answers(NativeEmbeddings)
async def embeddings(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/embedding`."""
    return await embedding(request, services, caller)


def _whole(found: Embeddings, norm: int) -> bytes:
    rows: list[Json] = [
        {"index": index, "embedding": [[*scaled(vector, norm)]]} for index, vector in enumerate(found.vectors)
    ]
    return orjson.dumps(rows)


def scaled(vector: bytes, norm: int) -> list[float]:
    """A vector of float32 by `embd_normalize`: -1 and 2 leave it, 0 takes its largest number, the rest a p-norm."""
    numbers = array("f")
    numbers.frombytes(vector)
    if norm in {_AS_IT_IS, _EUCLIDEAN}:
        return list(numbers)
    largest = max(map(abs, numbers), default=0.0)
    if not largest:
        return list(numbers)
    if norm == 0:
        return [number / largest * _LARGEST for number in numbers]
    # By the largest first: the powers of what is below 1 stay numbers.
    whole = sum((abs(number) / largest) ** norm for number in numbers) ** (1 / norm) * largest
    return [number / whole for number in numbers]
