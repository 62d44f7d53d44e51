"""Documents ranked by a query, `POST /v1/rerank`, as Jina and Cohere publish it."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.embedding import Ranking, RankRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import wire
from dovetail.gateway.adapters import AdapterField, adapter
from dovetail.gateway.answers import RankingAnswer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.sampling import Count, ModelName
from dovetail.gateway.wire import Inert, Refused, Wire

router = APIRouter(tags=["rerank"])

MAX_DOCUMENTS = 1000
_String = Annotated[str, Field(min_length=1)]


class Document(Wire):
    """A document as an object."""

    text: _String


class RerankBody(Wire):
    """The request body: the fields of both publishers."""

    model: ModelName
    query: _String
    documents: Annotated[list[_String | Document], Field(min_length=1, max_length=MAX_DOCUMENTS)]
    top_n: Annotated[Count | None, Field(description="How many of the best to answer; null: all.")] = None
    return_documents: Annotated[bool | None, Field(description="Cohere's default holds: false.")] = None

    adapter: AdapterField = None

    priority: Annotated[object, Inert()] = None

    max_chunks_per_doc: Annotated[object, Refused()] = None
    max_doc_length: Annotated[object, Refused()] = None
    max_query_length: Annotated[object, Refused()] = None
    max_tokens_per_doc: Annotated[object, Refused()] = None
    rank_fields: Annotated[object, Refused(["text"])] = None
    return_embeddings: Annotated[object, Refused(False)] = None
    truncation: Annotated[object, Refused(False)] = None

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
    work = services.embedder.rank(wanted, caller)
    found = await while_connected(request.receive, services.replies, work)
    answer = _answer(wanted, found, with_documents=bool(body.return_documents))
    return Response(orjson.dumps(answer), headers=headers, media_type="application/json")


@router.post("/rerank", operation_id="llamaRerank", response_model=None)
@reads(RerankBody)
@answers(RankingAnswer)
async def llama_rerank(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
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
