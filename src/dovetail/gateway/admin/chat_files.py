"""Files of conversations: sent as they are, and got back."""

from __future__ import annotations

from typing import Annotated, cast
from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.request import Json
from dovetail.gateway import query, request_body
from dovetail.gateway.admin.chats import ID, ShelfDep
from dovetail.gateway.chats.files import add, content
from dovetail.gateway.chats.parts import file_part
from dovetail.gateway.chats.shapes import ChatFilePart
from dovetail.gateway.deps import ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, takes_bytes
from dovetail.gateway.query import Query

router = APIRouter(tags=["chats"])


class FileQuery(Query):
    """What a file is called."""

    name: Annotated[str, Field(min_length=1, max_length=255)] = Field(default="file", description="What it is called.")


@router.post(
    "/api/v1/chats/{id}/files",  # noqa: FAST003  read from the path
    operation_id="addChatFile",
    response_model=None,
    openapi_extra={"parameters": [ID, *cast("list[Json]", query.parameters(FileQuery)["parameters"])]},
)
@takes_bytes
@answers(ChatFilePart)
async def add_file(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Takes a file in, as `application/octet-stream`, by what is in it: an image, a sound, a text, or a PDF's text."""
    asked = query.read(request, FileQuery)
    settings = services.settings
    data = await request_body.read(
        request,
        limit=settings.chats.file_bytes,
        timeout=settings.server.body_timeout,
        media_type="application/octet-stream",
    )
    made = await add(shelf, request.path_params["id"], asked.name, data)
    return json_answer(file_part(made))


@router.get(
    "/api/v1/files/{id}",  # noqa: FAST003  read from the path
    operation_id="getChatFile",
    response_class=Response,
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
async def get_file(request: Request, shelf: ShelfDep) -> Response:
    """The bytes of a file."""
    found, data = await content(shelf, request.path_params["id"])
    headers = {
        "content-type": found.media_type,
        "content-disposition": f"inline; filename*=UTF-8''{quote(found.name, safe='')}",
        "cache-control": "private, max-age=31536000, immutable",
    }
    return Response(data, headers=headers)
