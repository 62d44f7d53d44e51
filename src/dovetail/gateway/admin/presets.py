"""Presets: a system prompt and parameters under a name; and what new conversations begin with."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json
from dovetail.gateway.admin.answers import Done
from dovetail.gateway.admin.chats import ID, ShelfDep
from dovetail.gateway.chats.rendering import defaults_answer, preset_answer
from dovetail.gateway.chats.shapes import ChatDefaults, NewChatDefaults, NewPreset, PresetList, PresetObject
from dovetail.gateway.deps import ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads

router = APIRouter(tags=["chats"])

_NAME = re.compile(r"[A-Za-z0-9._\-]{1,64}", re.ASCII)


@router.get("/api/v1/presets", operation_id="listPresets", response_model=None)
@answers(PresetList)
async def list_presets(shelf: ShelfDep) -> Response:
    """Your presets."""
    data: list[Json] = [preset_answer(preset) for preset in await shelf.presets()]
    return json_answer({"data": data})


@router.put(
    "/api/v1/presets/{id}",  # noqa: FAST003  read from the path
    operation_id="putPreset",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@reads(NewPreset)
@answers(PresetObject)
async def put_preset(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Makes a preset, or another of one there is."""
    body = await receive_body(request, services, NewPreset)
    preset_id: str = request.path_params["id"]
    if not _NAME.fullmatch(preset_id):
        raise InvalidRequest("id: 1 to 64 letters, digits, dots, dashes and underscores", param="id")
    return json_answer(preset_answer(await shelf.put_preset(preset_id, body)))


@router.delete(
    "/api/v1/presets/{id}",  # noqa: FAST003  read from the path
    operation_id="deletePreset",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def delete_preset(request: Request, shelf: ShelfDep) -> Response:
    """Removes a preset."""
    await shelf.remove_preset(request.path_params["id"])
    return json_answer({"ok": True})


@router.get("/api/v1/chat-defaults", operation_id="chatDefaults", response_model=None)
@answers(ChatDefaults)
async def chat_defaults(shelf: ShelfDep) -> Response:
    """What your new conversations begin with."""
    return json_answer(defaults_answer(*await shelf.defaults()))


@router.put("/api/v1/chat-defaults", operation_id="putChatDefaults", response_model=None)
@reads(NewChatDefaults)
@answers(ChatDefaults)
async def put_chat_defaults(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Sets both; conversations that there are stay as they are."""
    body = await receive_body(request, services, NewChatDefaults)
    return json_answer(defaults_answer(*await shelf.put_defaults(body)))
