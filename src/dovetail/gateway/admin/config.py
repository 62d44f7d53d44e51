"""The configuration for admins: what holds, where it comes from, and changes to it."""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway import change, guard
from dovetail.gateway.answers import Answer
from dovetail.gateway.configuration import FIXED
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["configuration"])

IF_MATCH: JsonObject = {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}
Version = Annotated[str, Field(max_length=128)]


class ConfigAnswer(Answer):
    """Every setting as it is in force, by section; keys that were never set are null or their defaults.

    version     of the file, for a change that is to follow; empty while there is none
    overridden  keys that the environment or a flag says: the file's word for them has no effect
    fixed       keys that a running server does not change
    file_only   sections and keys that are not changed over HTTP
    problem     why the file as it is now is not in force
    """

    path: str | None
    version: str
    values: dict[str, object]
    overridden: list[str]
    fixed: list[str]
    file_only: list[str]
    problem: str | None


class ConfigChange(Wire):
    """A merge patch (RFC 7396) of the file: `{"fleet": {"idle_ttl": 60, "memory": null}}`; null takes a key out."""

    change: dict[str, object]
    version: Version | None = Field(default=None, description="The version that was read, also as `If-Match`.")


@router.get("/api/v1/config", operation_id="showConfig", response_model=None)
@answers(ConfigAnswer)
async def show_config(services: ServicesDep, _caller: CallerDep) -> Response:
    """Every setting, and the version of the file."""
    return await _shown(services)


@router.patch(
    "/api/v1/config", operation_id="changeConfig", response_model=None, openapi_extra={"parameters": [IF_MATCH]}
)
@reads(ConfigChange)
@answers(ConfigAnswer)
async def change_config(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Writes `dovetail.toml`, whose comments stay, and applies it; 409 if somebody else has changed it first."""
    body = await receive_body(request, services, ConfigChange)
    edits = list(change.edits_of(body.change))
    if not edits:
        raise InvalidRequest("change: say what is to change", param="change")
    guard.detail(request.scope, keys=", ".join(".".join(edit.key) for edit in edits)[:1024])
    await change.write(services, edits, wanted_version(request, body.version))
    return await _shown(services)


def wanted_version(request: Request, said: str | None) -> str | None:
    """The version that a change is to be made to, None for whatever is there."""
    match = request.headers.get("if-match")
    return said if match is None or match == "*" else match.strip('" ')


async def _shown(services: Services) -> Response:
    reading, above = await asyncio.gather(services.live.reading(), services.live.above())
    values = cast("JsonObject", services.settings.model_dump(mode="json"))
    if services.settings.access.api_key is not None:
        cast("JsonObject", values["access"])["api_key"] = "**********"
    body: JsonObject = {
        "path": None if services.live.path is None else str(services.live.path),
        "version": reading.version,
        "values": values,
        "overridden": [*sorted(above)],
        "fixed": [".".join(key) for key in FIXED],
        "file_only": [
            *change.FILE_ONLY,
            *(".".join(key) for key in change.FILE_ONLY_KEYS),
            *(f"models.*.{key}" for key in change.FILE_ONLY_OF_MODELS),
        ],
        "problem": services.live.problem,
    }
    headers = {"etag": f'"{reading.version}"'} if reading.version else {}
    return json_answer(body, headers=headers)
