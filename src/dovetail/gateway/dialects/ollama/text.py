"""`POST /api/chat` and `POST /api/generate`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.gateway import wire
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated, while_connected
from dovetail.gateway.dialects.ollama.answers import OllamaChatLine, OllamaGenerateLine
from dovetail.gateway.dialects.ollama.bodies import OllamaChat, OllamaGenerate
from dovetail.gateway.dialects.ollama.keeping import keep, meant
from dovetail.gateway.dialects.ollama.reply import OllamaReply, loaded
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, lines, reads
from dovetail.gateway.outline import outline
from dovetail.gateway.services import Services
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["ollama"])


@router.post("/api/chat", operation_id="ollamaChat", response_model=None)
@reads(OllamaChat)
@answers(OllamaChatLine)
@lines(OllamaChatLine)
async def chat(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers a conversation, in lines unless `stream` is false."""
    return await _answer(request, services, caller, await receive_body(request, services, OllamaChat))


@router.post("/api/generate", operation_id="ollamaGenerate", response_model=None)
@reads(OllamaGenerate)
@answers(OllamaGenerateLine)
@lines(OllamaGenerateLine)
async def generate(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers a prompt, in lines unless `stream` is false."""
    return await _answer(request, services, caller, await receive_body(request, services, OllamaGenerate))


async def _answer(request: Request, services: Services, caller: Caller, body: OllamaChat | OllamaGenerate) -> Response:
    is_chat = isinstance(body, OllamaChat)
    if body.empty:
        return await _moved(request, services, caller, body)
    model = await meant(services, caller, body)
    asked = await translated(request, lambda: body.request(new_id("ollama"), model.name))
    keep(services, model, body)
    rendering = OllamaReply(body.model, chat=is_chat, streamed=body.streamed)
    return generation(services, caller, body, [asked], rendering, rendering.timed)


async def _moved(request: Request, services: Services, caller: Caller, body: OllamaChat | OllamaGenerate) -> Response:
    """Loads the model, or with a `keep_alive` of 0 unloads it."""
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await meant(services, caller, body)
    reason = "load"
    if body.kept() == 0:
        reason = "unload"
        await services.pool.unload(model.id, model.adapter.name if model.adapter else None)
    else:
        keep(services, model, body)
        ticket = Ticket("load", caller, model.name, outline(body))
        ticket.worker = model.name
        await while_connected(request, services, ticket, services.pool.load(model, ticket.note, caller))
    answer = loaded(body.model, reason, chat=isinstance(body, OllamaChat))
    return Response(answer, headers=headers, media_type="application/json")
