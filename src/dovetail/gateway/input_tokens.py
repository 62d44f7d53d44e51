"""How many tokens a prompt has, as OpenAI answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import Request
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.request import GenerateRequest
from dovetail.gateway import wire
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import translated, while_connected
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.outline import outline
from dovetail.gateway.services import Services
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Wire
from dovetail.serving.count import count
from dovetail.serving.requests import Ticket


class InputTokens(Answer):
    """The count."""

    object: Literal["response.input_tokens"]
    input_tokens: int


async def prompt_tokens(
    request: Request, services: Services, caller: Caller, body: Wire, read: Callable[[], GenerateRequest]
) -> tuple[int, dict[str, str]]:
    """The tokens of the prompt that `read` makes of `body`, and the headers of the answer."""
    headers = wire.warnings(body, strict=services.settings.strict)
    asked = await translated(request, read)
    ticket = Ticket("token count", caller, asked.model, outline(body))
    tokens = await while_connected(request, services, ticket, count(services.catalog, services.pool, asked, ticket))
    return tokens, headers | waited(ticket)


async def counted(
    request: Request, services: Services, caller: Caller, body: Wire, read: Callable[[], GenerateRequest]
) -> Response:
    """The answer."""
    tokens, headers = await prompt_tokens(request, services, caller, body, read)
    told = {"object": "response.input_tokens", "input_tokens": tokens}
    return json_answer(told, headers=headers)
