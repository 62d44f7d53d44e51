"""OpenAI's chat completions: `POST /v1/chat/completions`, and those that are stored.

Reference: platform.openai.com/docs/api-reference/chat, as typed in the `openai` package 3.52.
"""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.gateway import wire
from dovetail.gateway.addressee import PARAMETER, addressed
from dovetail.gateway.answers import Answer, ChatCompletion
from dovetail.gateway.chunks import ChatChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated, while_connected
from dovetail.gateway.dialects.openai_chat import stored
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.dialects.openai_chat.completions import Completions
from dovetail.gateway.dialects.openai_chat.reply import ChatStream, ChatWhole
from dovetail.gateway.input_tokens import InputTokens, counted
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.sse import request_id, waited
from dovetail.serving.count import rendered
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["openai"])


class AppliedTemplate(Answer):
    """What a model reads of a conversation."""

    prompt: str


@router.post(
    "/v1/chat/completions",
    operation_id="createChatCompletion",
    response_model=None,
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(ChatBody)
@answers(ChatCompletion)
@streams(ChatChunk)
async def create_chat_completion(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers a conversation, streamed or whole."""
    body = await addressed(await receive_body(request, services, ChatBody), request, services, caller)
    generate = await translated(request, lambda: body.request(new_id("chatcmpl")))
    cache, now = body.use_kv_cache is True, int(time.time())
    rendering = whole = ChatWhole(generate, now, with_cache=cache)
    if body.stream:
        rendering = ChatStream(generate, now, include_usage=body.include_usage() or cache, with_cache=cache)
    keep = None
    if body.store:
        shelf, streamed = Completions(services, caller), bool(body.stream)
        keep = shelf.keeping(body, request_id(request.scope), whole, streamed=streamed)
    return generation(services, caller, body, [generate], rendering, keep)


@router.post(
    "/v1/chat/completions/input_tokens",
    operation_id="countChatTokens",
    response_model=None,
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(ChatBody)
@answers(InputTokens)
async def count_chat_tokens(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How many tokens the prompt of a chat completion has; the model is loaded for it."""
    body = await addressed(await receive_body(request, services, ChatBody), request, services, caller)
    return await counted(request, services, caller, body, lambda: body.request("count"))


@router.post(
    "/apply-template",
    operation_id="applyTemplate",
    response_model=None,
    tags=["llama.cpp"],
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(ChatBody)
@answers(AppliedTemplate)
async def apply_template(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The prompt that the model's template makes of a chat completion's messages and tools; llama-server's route."""
    body = await addressed(await receive_body(request, services, ChatBody), request, services, caller)
    headers = wire.warnings(body, strict=services.settings.strict)
    asked = await translated(request, lambda: body.request("template"))
    ticket = Ticket("token count", caller, asked.model, outline(body))
    work = rendered(services.catalog, services.pool, asked, ticket)
    prompt = await while_connected(request, services, ticket, work)
    told = {"prompt": prompt}
    return json_answer(told, headers=headers | waited(ticket))


@router.post("/chat/completions", operation_id="llamaChatCompletion", response_model=None, tags=["llama.cpp"])
@reads(ChatBody)
@answers(ChatCompletion)
@streams(ChatChunk)
async def llama_chat_completion(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/chat/completions`."""
    return await create_chat_completion(request, services, caller)


@router.post("/chat/completions/input_tokens", operation_id="llamaCountTokens", response_model=None, tags=["llama.cpp"])
@reads(ChatBody)
@answers(InputTokens)
async def llama_count_tokens(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/v1/chat/completions/input_tokens`."""
    return await count_chat_tokens(request, services, caller)


ROUTERS = (router, stored.router)
