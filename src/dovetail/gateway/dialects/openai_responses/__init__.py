"""OpenAI's Responses: `POST /v1/responses`, what is kept of them, and token counts.

Reference: platform.openai.com/docs/api-reference/responses, as typed in the `openai` package 3.52.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.events import Event
from dovetail.gateway.cursor import cursor
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.dialects.openai_responses.answers import (
    InputItems,
    RemovedResponse,
    ResponseAnswer,
    ResponseEvent,
)
from dovetail.gateway.dialects.openai_responses.body import ResponseBody, ResponseCountBody
from dovetail.gateway.dialects.openai_responses.items import ItemBody
from dovetail.gateway.dialects.openai_responses.output import Output, new_id
from dovetail.gateway.dialects.openai_responses.reply import ResponseStream, ResponseWhole
from dovetail.gateway.dialects.openai_responses.shelf import Shelf
from dovetail.gateway.input_tokens import InputTokens, counted
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads, streams

router = APIRouter(tags=["openai"])


@router.post("/v1/responses", operation_id="createResponse", response_model=None)
@reads(ResponseBody)
@answers(ResponseAnswer)
@streams(ResponseEvent)
async def create_response(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers an input in the form of OpenAI's Responses, streamed or whole; what is kept can be gone on from."""
    body = await receive_body(request, services, ResponseBody)
    shelf = Shelf(services, caller)
    before = await shelf.conversation(body.previous_response_id) if body.previous_response_id else []
    kept = await shelf.referenced(body.items)
    generate = await translated(request, lambda: body.request(new_id("resp"), before, kept))
    output = Output(generate, body, kept=shelf.keeps and body.store is not False)
    rendering = ResponseStream(output) if body.stream else ResponseWhole(output)
    given = body.resolved(kept)
    keep = partial(_kept, shelf=shelf, output=output, given=given, previous=body.previous_response_id)
    return generation(services, caller, body, [generate], rendering, keep if output.kept else None)


@router.post("/v1/responses/input_tokens", operation_id="countResponseTokens", response_model=None)
@reads(ResponseCountBody)
@answers(InputTokens)
async def count_response_tokens(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How many tokens the prompt of a response has; the model is loaded for it."""
    body = await receive_body(request, services, ResponseCountBody)
    shelf = Shelf(services, caller)
    before = await shelf.conversation(body.previous_response_id) if body.previous_response_id else []
    kept = await shelf.referenced(body.items)
    return await counted(request, services, caller, body, lambda: body.request("count", before, kept))


@router.post("/responses/input_tokens", operation_id="countResponseTokensBare", response_model=None)
@reads(ResponseCountBody)
@answers(InputTokens)
async def count_response_tokens_bare(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/responses/input_tokens`."""
    return await count_response_tokens(request, services, caller)


@router.get("/v1/responses/{response_id}", operation_id="getResponse", response_model=None)
@answers(ResponseAnswer)
async def get_response(request: Request, response_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """A response that is kept."""
    if request.query_params.get("stream") == "true":
        raise InvalidRequest("stream: a response that is kept is answered whole", param="stream")
    return json_answer(await Shelf(services, caller).response(response_id))


@router.delete("/v1/responses/{response_id}", operation_id="deleteResponse", response_model=None)
@answers(RemovedResponse)
async def delete_response(response_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """Removes a response that is kept; what goes on from it cannot be gone on from any more."""
    await Shelf(services, caller).remove(response_id)
    return json_answer({"id": response_id, "object": "response", "deleted": True})


@router.post("/v1/responses/{response_id}/cancel", operation_id="cancelResponse", response_model=None)
@answers(ResponseAnswer)
async def cancel_response(response_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """Always a 400 or a 404: only responses in the background can be cancelled, and there are none."""
    await Shelf(services, caller).response(response_id)
    raise InvalidRequest("this response has ended; one that has not is cancelled by closing its connection")


@router.get("/v1/responses/{response_id}/input_items", operation_id="listResponseInput", response_model=None)
@answers(InputItems)
async def list_response_input(request: Request, response_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """The input items of a response that is kept, the last first unless `order` is `asc`; by `limit` and `after`."""
    items = await Shelf(services, caller).given(response_id)
    return json_answer(cursor(request, "desc").page(items))


async def _kept(
    events: AsyncGenerator[Event, None],
    *,
    shelf: Shelf,
    output: Output,
    given: Sequence[ItemBody],
    previous: str | None,
) -> AsyncGenerator[Event, None]:
    """`events`, and before their end, whose answer tells of it, what they came to is stored."""
    async with aclosing(events):
        async for event in events:
            yield event
    await shelf.keep(output, given, previous)
