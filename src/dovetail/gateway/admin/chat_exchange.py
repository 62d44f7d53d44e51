"""Conversations as files: all or some of them to keep or to read, and those of other programs."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json
from dovetail.gateway import query, request_body
from dovetail.gateway.admin.chats import ShelfDep
from dovetail.gateway.answers import Answer
from dovetail.gateway.chats import own_file
from dovetail.gateway.chats.exchange import all_ids, exported, read, take_in
from dovetail.gateway.chats.own_file import ChatExport
from dovetail.gateway.deps import ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, takes_bytes
from dovetail.gateway.query import Query
from dovetail.gateway.streams import Download
from dovetail.storage import chats

router = APIRouter(tags=["chats"])

_UNSAFE = re.compile(r"[^A-Za-z0-9._\-]+")


class ExportQuery(Query):
    """What is exported."""

    ids: Annotated[str, Field(max_length=64 << 10)] = Field(
        default="", description="Of conversations, separated by commas; without any, all, with the presets."
    )
    format: Literal["json", "md"] = Field(
        default="json", description="md: one conversation to read, the branch that is shown."
    )
    files: bool = Field(default=True, description="With the bytes of images, sounds and texts.")


class ImportAnswer(Answer):
    """The ids of the conversations that have come."""

    chats: list[str]


@router.get(
    "/api/v1/chats/export", operation_id="exportChats", response_model=None, openapi_extra=query.parameters(ExportQuery)
)
@answers(ChatExport)
async def export_chats(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Your conversations as one file, that `POST /api/v1/chats/import` takes in."""
    asked = query.read(request, ExportQuery)
    ids = [each for each in asked.ids.split(",") if each]
    found = [(await shelf.chat(each)) for each in ids]
    day = time.strftime("%Y-%m-%d")
    if asked.format == "md":
        if len(ids) != 1:
            raise InvalidRequest("ids: Markdown is written of one conversation", param="ids")
        chat, messages = await shelf.whole(ids[0])
        branch = await shelf.archive.run(lambda c: chats.branch(c, chat.id, chat.leaf or "")) or messages
        name = _UNSAFE.sub("-", found[0].title).strip("-.")[:60] or "conversation"
        return Response(own_file.markdown(chat, branch), headers=_headers("text/markdown; charset=utf-8", f"{name}.md"))
    headers = _headers("application/json", f"dovetail-chats-{day}.json")
    presets = [] if ids else await shelf.presets()
    source = exported(shelf, ids or await all_ids(shelf), presets, files=asked.files)
    return Download(source, services.streams, services.timing.stall, headers)


@router.post("/api/v1/chats/import", operation_id="importChats", response_model=None)
@takes_bytes
@answers(ImportAnswer)
async def import_chats(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Takes conversations in, as `application/octet-stream`: all that are in the file, or none."""
    settings = services.settings
    data = await request_body.read(
        request,
        limit=settings.chats.import_bytes,
        timeout=settings.server.body_timeout,
        media_type="application/octet-stream",
    )
    delivery = await asyncio.to_thread(read, data)
    done: list[Json] = [chat.id for chat in await take_in(shelf, delivery)]
    return json_answer({"chats": done})


def _headers(media_type: str, name: str) -> dict[str, str]:
    return {"content-type": media_type, "content-disposition": f'attachment; filename="{name}"'}
