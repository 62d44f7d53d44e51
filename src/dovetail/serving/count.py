"""How many tokens a conversation is for a model, as its worker's template writes it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from dovetail.catalog.catalog import Catalog
from dovetail.core.errors import InvalidRequest, LoadFailed, UnsupportedField
from dovetail.core.request import ChatPrompt, GenerateRequest, JsonObject, TextPart
from dovetail.fleet.pool import Pool
from dovetail.serving.limits import check_length, check_request, check_scope
from dovetail.serving.requests import Ticket
from dovetail.serving.thinking import named, settled


async def count(catalog: Catalog, pool: Pool, request: GenerateRequest, ticket: Ticket) -> int:
    """Tokens of the prompt of `request`, special ones included; generates nothing. The model is loaded for it.

    Raises InvalidRequest for a conversation with images or sounds, which only an engine that reads them can count.
    """
    model, by_name = await asyncio.to_thread(named, catalog.find, request)
    if model.invalid is not None:
        raise LoadFailed(f"{model.id} cannot be loaded: {model.invalid}", code="invalid_model_file", status=422)
    check_scope(ticket.caller, model)
    check_request(request, model)
    if model.remote is not None:
        raise InvalidRequest(f"{model.id} is on another server, and its tokens are not counted here", param="model")
    if isinstance(request.prompt, ChatPrompt):
        _check_text(request.prompt)
    asked = settled(request, model, by_name)
    async with pool.lease(model, caller=ticket.caller) as lease:
        ticket.model, ticket.worker = model.name, lease.worker.model
        async with aclosing(lease.ready()) as waiting:
            async for progress in waiting:
                ticket.note(progress)
        props = lease.worker.props
        check_length(asked, props.context if props else 0)
        prompt = await lease.rendered(asked)
        # As each engine reads a prompt: llama-server puts the opening token before it, MLX leaves it to the template.
        text: JsonObject = {"content": prompt, "add_special": model.format == "gguf", "parse_special": True}
        found = (await lease.worker.client.post("/tokenize", text)).get("tokens")
    return len(found) if isinstance(found, list) else 0


def _check_text(chat: ChatPrompt) -> None:
    if any(not isinstance(part, TextPart) for message in chat.messages for part in message.parts):
        raise UnsupportedField("messages", "cannot be counted where it has images or sounds: only an answer says it")
