"""Documents ranked by a query, `POST /v1/rerank`, as Jina and Cohere publish it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.embedding import Ranking, RankRequest
from dovetail.core.fields import RERANK
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import wire
from dovetail.gateway.adapters import AdapterField, adapter
from dovetail.gateway.answers import RankingAnswer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Wire, of
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["rerank"])

MAX_DOCUMENTS = 1000
_String = Annotated[str, Field(min_length=1)]


class Document(Wire):
    """A document as an object."""

    text: _String


_Documents = Annotated[list[_String | Document], Field(min_length=1, max_length=MAX_DOCUMENTS)]


class RerankBody(Wire):
    """The request body: the fields of both publishers."""

    model: Annotated[ModelName, of(RERANK["model"])]
    query: Annotated[_String, of(RERANK["query"])]
    documents: Annotated[_Documents, of(RERANK["documents"])]
    top_n: Annotated[int | None, of(RERANK["top_n"])] = None
    return_documents: Annotated[bool | None, of(RERANK["return_documents"])] = None
    adapter: Annotated[AdapterField, of(RERANK["adapter"])] = None
    priority: Annotated[object, of(RERANK["priority"])] = None
    max_chunks_per_doc: Annotated[object, of(RERANK["max_chunks_per_doc"])] = None
    max_doc_length: Annotated[object, of(RERANK["max_doc_length"])] = None
    max_query_length: Annotated[object, of(RERANK["max_query_length"])] = None
    max_tokens_per_doc: Annotated[object, of(RERANK["max_tokens_per_doc"])] = None
    rank_fields: Annotated[object, of(RERANK["rank_fields"])] = None
    return_embeddings: Annotated[object, of(RERANK["return_embeddings"])] = None
    truncation: Annotated[object, of(RERANK["truncation"])] = None

    def texts(self) -> tuple[str, ...]:
        return tuple(document if isinstance(document, str) else document.text for document in self.documents)


@router.post("/v1/rerank", operation_id="rerank", response_model=None)
@reads(RerankBody)
@answers(RankingAnswer)
async def rerank(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The documents that answer a query best, best first."""
    body = await receive_body(request, services, RerankBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    asked = adapter(body.adapter)
    wanted = RankRequest(new_id("rerank"), body.model, body.query, body.texts(), body.top_n, asked)
    ticket = Ticket("ranking", caller, body.model, outline(body))
    found = await while_connected(request, services, ticket, services.embedder.rank(wanted, caller, ticket))
    answer = _answer(wanted, found, with_documents=bool(body.return_documents))
    return json_answer(answer, headers=headers | waited(ticket))


@router.post("/rerank", operation_id="llamaRerank", response_model=None)
@reads(RerankBody)
@answers(RankingAnswer)
async def llama_rerank(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/rerank`."""
    return await rerank(request, services, caller)


@router.post("/v1/reranking", operation_id="rerankAlias", response_model=None)
@reads(RerankBody)
@answers(RankingAnswer)
async def reranking(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/rerank`."""
    return await rerank(request, services, caller)


@router.post("/reranking", operation_id="llamaReranking", response_model=None)
@reads(RerankBody)
@answers(RankingAnswer)
async def llama_reranking(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/rerank`."""
    return await rerank(request, services, caller)


def _answer(wanted: RankRequest, found: Ranking, *, with_documents: bool) -> JsonObject:
    results: list[Json] = []
    for rank in found.ranks:
        result: JsonObject = {"index": rank.document, "relevance_score": rank.score}
        if with_documents:
            result["document"] = {"text": wanted.documents[rank.document]}
        results.append(result)
    usage: Json = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return {"id": wanted.id, "object": "list", "model": wanted.model, "results": results, "usage": usage}
