"""A conversation as its worker's template writes it, and how many tokens that is; nothing is generated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from dovetail.catalog.catalog import Catalog
from dovetail.core.errors import InvalidRequest, LoadFailed, UnsupportedField
from dovetail.core.model import Model
from dovetail.core.request import ChatPrompt, GenerateRequest, JsonObject, TextPart
from dovetail.fleet.lease import Lease
from dovetail.fleet.pool import Pool
from dovetail.serving.limits import check_length, check_request
from dovetail.serving.requests import Ticket
from dovetail.serving.thinking import named, settled


async def rendered(catalog: Catalog, pool: Pool, request: GenerateRequest, ticket: Ticket) -> str:
    """The prompt of `request` as the model reads it. The model is loaded for it.

    Raises InvalidRequest for a conversation with images or sounds, which only an engine that reads them can show.
    """
    async with _ready(catalog, pool, request, ticket) as (_, _, prompt):
        return prompt


async def count(catalog: Catalog, pool: Pool, request: GenerateRequest, ticket: Ticket) -> int:
    """Tokens of that prompt, special ones included. Raises as `rendered` does."""
    async with _ready(catalog, pool, request, ticket) as (lease, model, prompt):
        # As each engine reads a prompt: llama-server puts the opening token before it, MLX leaves it to the template.
        opened = model.format == "gguf"
        text: JsonObject = {"content": prompt, "add_special": opened, "parse_special": True}
        found = (await lease.worker.client.post("/tokenize", text)).get("tokens")
    return len(found) if isinstance(found, list) else 0


@asynccontextmanager
async def _ready(
    catalog: Catalog, pool: Pool, request: GenerateRequest, ticket: Ticket
) -> AsyncGenerator[tuple[Lease, Model, str]]:
    model, by_name = await asyncio.to_thread(named, catalog.find, request, ticket.caller)
    if model.invalid is not None:
        raise LoadFailed(f"{model.id} cannot be loaded: {model.invalid}", code="invalid_model_file", status=422)
    check_request(request, model)
    if model.remote is not None:
        raise InvalidRequest(f"{model.id} is on another server, which alone can read it", param="model")
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
        yield lease, model, await lease.rendered(asked)


def _check_text(chat: ChatPrompt) -> None:
    if any(not isinstance(part, TextPart) for message in chat.messages for part in message.parts):
        raise UnsupportedField("messages", "cannot be read where it has images or sounds: only an answer says it")
