"""OpenAI's chat completions, `POST /v1/chat/completions`.

Reference: platform.openai.com/docs/api-reference/chat, as typed in the `openai` package 3.52.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.gateway.addressee import PARAMETER, addressed
from dovetail.gateway.answers import ChatCompletion
from dovetail.gateway.chunks import ChatChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.dialects.openai_chat.reply import ChatStream, ChatWhole
from dovetail.gateway.input_tokens import InputTokens, counted
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads, streams

router = APIRouter(tags=["openai"])


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
    rendering = ChatStream(generate, include_usage=body.include_usage()) if body.stream else ChatWhole(generate)
    return generation(services, caller, body, [generate], rendering)


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
