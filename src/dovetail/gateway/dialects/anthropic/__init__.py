"""Anthropic's Messages, `POST /v1/messages` and `POST /v1/messages/count_tokens`.

Reference: docs.anthropic.com/en/api/messages, as typed in the `anthropic` package 2.14.
"""

from __future__ import annotations

import re
import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.dialects.anthropic.answers import AnthropicAnswer, MessageEvent, TokenCount
from dovetail.gateway.dialects.anthropic.body import CountBody, MessagesBody
from dovetail.gateway.dialects.anthropic.reply import MessageStream, MessageWhole
from dovetail.gateway.input_tokens import prompt_tokens
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.sse import request_id
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["anthropic"])

_SINCE = "2023-06-01"
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@router.post("/v1/messages", operation_id="createMessage", response_model=None)
@reads(MessagesBody)
@answers(AnthropicAnswer)
@streams(MessageEvent)
async def create_message(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers a conversation in Anthropic's form, streamed or whole."""
    _check_version(request)
    body = await receive_body(request, services, MessagesBody)
    generate = await translated(request, lambda: body.request(f"msg_{secrets.token_hex(12)}"))
    ticket = Ticket("generation", caller, body.model, outline(body))
    own, hides = request_id(request.scope), body.hides_thoughts
    if body.stream:
        rendering = MessageStream(generate, ticket, own, hides_thoughts=hides)
    else:
        rendering = MessageWhole(generate, own, hides_thoughts=hides)
    return generation(services, caller, body, [generate], rendering, ticket=ticket)


@router.post("/v1/messages/count_tokens", operation_id="countMessageTokens", response_model=None)
@reads(CountBody)
@answers(TokenCount)
async def count_message_tokens(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How many tokens the prompt of a message has; the model is loaded for it."""
    _check_version(request)
    body = await receive_body(request, services, CountBody)
    tokens, headers = await prompt_tokens(request, services, caller, body, lambda: body.request("count"))
    return json_answer({"input_tokens": tokens}, headers=headers)


def _check_version(request: Request) -> None:
    """What this answers in has held since 2023-06-01. Raises InvalidRequest for what came before, and for no date."""
    version = request.headers.get("anthropic-version", _SINCE)
    if not _DATE.fullmatch(version) or version < _SINCE:
        raise InvalidRequest(
            f"anthropic-version: {version[:32]!r} is not known; {_SINCE} is, and so are later ones",
            param="anthropic-version",
        )
