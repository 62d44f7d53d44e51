"""llama-server's `/tokenize` and `/detokenize`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.fields import DETOKENIZE, TOKENIZE
from dovetail.core.request import JsonObject
from dovetail.gateway import wire
from dovetail.gateway.answers import Text, Tokens
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body, while_connected
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.sampling import ModelName, TokenId
from dovetail.gateway.services import Services
from dovetail.gateway.sse import waited
from dovetail.gateway.wire import Wire, of
from dovetail.serving.limits import check_token_ids
from dovetail.serving.requests import Ticket
from dovetail.serving.worker_call import ask

router = APIRouter(tags=["llama.cpp"])

_TokenIds = Annotated[list[TokenId], Field(max_length=1 << 21, fail_fast=True)]


class TokenizeRequest(Wire):
    """The body of `/tokenize`."""

    model: Annotated[ModelName | None, of(TOKENIZE["model"])] = None
    content: Annotated[str, of(TOKENIZE["content"])]
    add_special: Annotated[bool | None, of(TOKENIZE["add_special"])] = None
    parse_special: Annotated[bool | None, of(TOKENIZE["parse_special"])] = None
    with_pieces: Annotated[bool | None, of(TOKENIZE["with_pieces"])] = None


class DetokenizeRequest(Wire):
    """The body of `/detokenize`."""

    model: Annotated[ModelName | None, of(DETOKENIZE["model"])] = None
    tokens: Annotated[_TokenIds, of(DETOKENIZE["tokens"])]


@router.post("/tokenize", operation_id="tokenize", response_model=None)
@reads(TokenizeRequest)
@answers(Tokens)
async def tokenize(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Token ids of a text."""
    body = await receive_body(request, services, TokenizeRequest)
    return await _ask(request, services, caller, body, ("content", "add_special", "parse_special", "with_pieces"))


@router.post("/detokenize", operation_id="detokenize", response_model=None)
@reads(DetokenizeRequest)
@answers(Text)
async def detokenize(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The text of token ids."""
    body = await receive_body(request, services, DetokenizeRequest)
    return await _ask(request, services, caller, body, ("tokens",))


async def _ask(
    request: Request,
    services: Services,
    caller: Caller,
    body: TokenizeRequest | DetokenizeRequest,
    fields: tuple[str, ...],
) -> Response:
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await chosen(request, services, body.model)
    if isinstance(body, DetokenizeRequest):
        check_token_ids(body.tokens, model, "tokens")
    sent: JsonObject = {name: value for name in fields if (value := getattr(body, name)) is not None}
    ticket = Ticket("token count", caller, model.name, outline(body))
    work = ask(services.pool, model, request.url.path, sent, ticket)
    told = await while_connected(request, services, ticket, work)
    shown = {name: told.get(name) for name in ("tokens", "content") if name in told}
    return json_answer(shown, headers=headers | waited(ticket))
