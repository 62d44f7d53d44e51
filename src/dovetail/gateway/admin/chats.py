"""Conversations: the list, one with its tree of messages, and what may be changed of them."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import Busy, Forbidden, InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import query
from dovetail.gateway.admin.answers import Done
from dovetail.gateway.chats.rendering import chat_answer, message_answer
from dovetail.gateway.chats.runs import Runs
from dovetail.gateway.chats.shapes import (
    ChatChange,
    ChatChanged,
    ChatList,
    ChatObject,
    ChatsDeleted,
    ChatSummary,
    MessageChange,
    NewChat,
    NewMessage,
)
from dovetail.gateway.chats.shelf import Shelf
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.query import Query
from dovetail.storage.chats import Chat, Place

router = APIRouter(tags=["chats"])

ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_MESSAGE: JsonObject = {"name": "message_id", "in": "path", "required": True, "schema": {"type": "string"}}


class ChatQuery(Query):
    """Which conversations are listed."""

    q: Annotated[str, Field(max_length=200)] = Field(
        default="", description="A text that stands in the title or in a message; then there are no pages."
    )
    folder: Annotated[str, Field(max_length=100)] = Field(default="", description="Only those of this folder.")
    after: Annotated[str, Field(max_length=128)] = Field(default="", description="`next` of the page before this one.")
    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")


async def shelf(services: ServicesDep, caller: CallerDep) -> Shelf:
    """The caller's conversations. Raises Forbidden for a key that is good for some models alone."""
    if caller.scope.models:
        models = ", ".join(caller.scope.models)
        raise Forbidden(f"conversations are with all models, and this key is good for {models} alone", code="key_scope")
    return Shelf(services.archive, caller.id, services.settings.chats.quota)


ShelfDep = Annotated[Shelf, Depends(shelf)]


@router.get("/api/v1/chats", operation_id="listChats", response_model=None, openapi_extra=query.parameters(ChatQuery))
@answers(ChatList)
async def list_chats(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Your conversations, without their messages."""
    asked = query.read(request, ChatQuery)
    text = asked.q.replace("\0", "").strip()
    if text:
        hits, folders = await shelf.found(text, asked.limit)
        data: list[Json] = [_listed(services.runs, chat, hit.snippet, hit.message) for chat, hit in hits]
        return json_answer({"data": data, "folders": [*folders], "next": None})
    found, folders = await shelf.page(asked.limit, asked.folder or None, _place(asked.after))
    last = found[-1] if len(found) == asked.limit else None
    data = [_listed(services.runs, chat) for chat in found]
    return json_answer({"data": data, "folders": [*folders], "next": None if last is None else _cursor(last)})


@router.post("/api/v1/chats", operation_id="createChat", response_model=None)
@reads(NewChat)
@answers(ChatSummary)
async def create_chat(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Begins a conversation; without a title it gets one by the first words said in it."""
    return json_answer(chat_answer(await shelf.begin(await receive_body(request, services, NewChat)), None))


@router.delete("/api/v1/chats", operation_id="deleteAllChats", response_model=None)
@answers(ChatsDeleted)
async def delete_all_chats(services: ServicesDep, shelf: ShelfDep) -> Response:
    """Deletes all of your conversations, or none; for ten minutes each can be restored. Answers are stopped first."""
    await services.runs.stop(*services.runs.of(shelf.owner))
    gone = await shelf.delete_all()
    # What began meanwhile; from here on nothing can, and this is done whether it ends in time or not.
    with suppress(Busy):
        await services.runs.stop(*services.runs.of(shelf.owner))
    deleted: list[Json] = [*gone]
    return json_answer({"chats": deleted})


@router.get(
    "/api/v1/chats/{id}",  # noqa: FAST003  read from the path
    operation_id="getChat",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(ChatObject)
async def get_chat(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """A conversation with all its messages: a tree by their `parent_id`."""
    chat, messages = await shelf.whole(request.path_params["id"])
    run = services.runs.running(chat.id)
    live = None if run is None else run.message
    shown: list[Json] = [
        message_answer(live if live is not None and live.id == message.id else message) for message in messages
    ]
    return json_answer({**_shown(services.runs, chat), "messages": shown})


@router.patch(
    "/api/v1/chats/{id}",  # noqa: FAST003  read from the path
    operation_id="changeChat",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@reads(ChatChange)
@answers(ChatSummary)
async def change_chat(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Changes what is said and leaves the rest."""
    body = await receive_body(request, services, ChatChange)
    return json_answer(_shown(services.runs, await shelf.change(request.path_params["id"], body)))


@router.delete(
    "/api/v1/chats/{id}",  # noqa: FAST003  read from the path
    operation_id="deleteChat",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def delete_chat(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Deletes a conversation; for ten minutes it can be restored. An answer that is being written is stopped."""
    chat_id: str = request.path_params["id"]
    await shelf.delete(chat_id)  # first: none can begin in it any more
    if (run := services.runs.running(chat_id)) is not None:
        await services.runs.stop(run)
    return json_answer({"ok": True})


@router.post(
    "/api/v1/chats/{id}/restore",  # noqa: FAST003  read from the path
    operation_id="restoreChat",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(ChatSummary)
async def restore_chat(request: Request, shelf: ShelfDep) -> Response:
    """Takes back a deletion."""
    return json_answer(chat_answer(await shelf.restore(request.path_params["id"]), None))


@router.post(
    "/api/v1/chats/{id}/messages",  # noqa: FAST003  read from the path
    operation_id="addChatMessage",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@reads(NewMessage)
@answers(ChatChanged)
async def create_message(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Adds a message behind another, beside those that follow it already; it becomes the end of the branch shown."""
    body = await receive_body(request, services, NewMessage)
    chat, message = await shelf.add(request.path_params["id"], body)
    return json_answer({"chat": _shown(services.runs, chat), "message": message_answer(message)})


@router.patch(
    "/api/v1/chats/{id}/messages/{message_id}",  # noqa: FAST003  read from the path
    operation_id="changeChatMessage",
    response_model=None,
    openapi_extra={"parameters": [ID, _MESSAGE]},
)
@reads(MessageChange)
@answers(ChatChanged)
async def change_message(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Edits a message in place; what follows it stays."""
    body = await receive_body(request, services, MessageChange)
    chat, message = await shelf.edit(request.path_params["id"], request.path_params["message_id"], body)
    return json_answer({"chat": _shown(services.runs, chat), "message": message_answer(message)})


def _listed(runs: Runs, chat: Chat, hit: str | None = None, hit_id: str | None = None) -> JsonObject:
    return {**_shown(runs, chat), "hit": hit, "hit_id": hit_id}


def _shown(runs: Runs, chat: Chat) -> JsonObject:
    run = runs.running(chat.id)
    return chat_answer(chat, None if run is None else run.id)


def _cursor(chat: Chat) -> str:
    return f"{int(chat.pinned)}~{chat.updated!r}~{chat.id}"


def _place(after: str) -> Place | None:
    if not after:
        return None
    pinned, _, rest = after.partition("~")
    updated, _, chat_id = rest.partition("~")
    try:
        at = float(updated)
    except ValueError:
        at = math.nan
    if pinned not in {"0", "1"} or not math.isfinite(at) or not chat_id:
        raise InvalidRequest("after: should be `next` of the page before this one", param="after")
    return Place(pinned == "1", at, chat_id)
