"""How an answer begins: from what is asked, and what was said before, to a run; what can be refused comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

import orjson

from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway.chats.files import in_prompt
from dovetail.gateway.chats.parts import MEDIA, dumped, loaded, parts_of
from dovetail.gateway.chats.prompt import body_of, file_ids, params_of, request_of
from dovetail.gateway.chats.run import Run
from dovetail.gateway.chats.shapes import NewRun
from dovetail.gateway.chats.shelf import Shelf, new_id
from dovetail.gateway.outline import outline
from dovetail.gateway.services import Services
from dovetail.serving.requests import Ticket
from dovetail.storage.chats import Chat, Message, weight

_MOST_FILES = 4  # of the largest, in what one answer is asked with


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, by which route, under which id."""

    caller: Caller
    endpoint: str
    request_id: str
    trace: str


async def begin(services: Services, shelf: Shelf, chat_id: str, asked: NewRun, who: Asking) -> tuple[Chat, Run]:
    """The conversation, and the answer that is being written into it from now on.

    Raises what a chat completion would be refused with, and then nothing has changed.
    """
    with services.runs.reserved(chat_id, shelf.owner):
        chat, branch = await shelf.branch(chat_id, asked.parent_id)
        _check_parent(branch[-1], goes_on=bool(asked.goes_on))
        _check_size(branch, max(services.settings.server.max_body, _MOST_FILES * services.settings.chats.file_bytes))
        model = asked.model or chat.model
        if model is None:
            raise InvalidRequest("model: neither this nor the conversation names one", param="model")
        tools = None if asked.tools is None else {"tools": asked.tools}
        params = params_of(cast("Mapping[str, object]", loaded(chat.params)), asked.params, tools)
        files = await in_prompt(shelf, file_ids(branch))
        body = await asyncio.to_thread(
            body_of, model, chat.system_prompt, branch, params, files, goes_on=bool(asked.goes_on)
        )
        request = await asyncio.to_thread(request_of, body)
        await services.generator.check(request, who.caller)
        answer = _answer(branch, model, params, shelf.now, goes_on=bool(asked.goes_on))
        try:
            chat = await shelf.open(answer, is_new=not asked.goes_on)
        except BaseException:
            # It may be stored all the same: of one who leaves now, or by a database that was late.
            with suppress(DovetailError):
                await shelf.give_up(answer)
            raise
        ticket = Ticket("generation", who.caller, model, outline(body))
        ticket.endpoint, ticket.trace, ticket.streamed = who.endpoint, who.trace, True
        run = Run(answer, ticket)
        services.runs.start(run, services.generator.run(request, who.caller, ticket), who.request_id)
    return chat, run


def _check_parent(parent: Message, *, goes_on: bool) -> None:
    if goes_on and parent.role != "assistant":
        raise InvalidRequest("continue: only a message of the assistant can be gone on with", param="continue")
    if goes_on and any(part["type"] == "tool_call" for part in parts_of(parent.parts)):
        raise InvalidRequest("continue: a message that calls tools waits for their results", param="continue")
    if not goes_on and parent.role == "assistant":
        raise InvalidRequest(
            "parent_id: an answer follows what a user or a tool has said; to go on with an answer, say continue",
            param="parent_id",
        )


def _check_size(branch: Sequence[Message], most: int) -> None:
    """Before files are read into memory. Raises InvalidRequest with 413."""
    parts = [part for message in branch for part in parts_of(message.parts) if part["type"] in MEDIA]
    size = sum(weight(message) for message in branch) + sum(cast("int", part["bytes"]) for part in parts)
    if size > most:
        raise InvalidRequest(
            f"what was said before, with its files, has {size} bytes, and an answer is asked with {most} at most "
            f"(server.max_body, or {_MOST_FILES} times chats.file_bytes): begin a new conversation, or leave files out",
            code="request_too_large",
            status=413,
            param="parent_id",
        )


def _answer(
    branch: Sequence[Message], model: str, params: JsonObject | dict[str, object], now: float, *, goes_on: bool
) -> Message:
    last, run = branch[-1], new_id("run")
    said = orjson.dumps(params).decode()
    if goes_on:
        return replace(
            last, model=model, params=said, run=run, status="streaming", text="",
            error=None, finish=None, usage=None, timings=None,
        )  # fmt: skip
    return Message(
        id=new_id("msg"), chat=last.chat, parent=last.id, role="assistant", parts=dumped([]), text="", created=now,
        model=model, params=said, status="streaming", run=run,
    )  # fmt: skip
