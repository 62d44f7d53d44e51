"""Sessions: one's own, and an admin's view of all."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done, SessionList
from dovetail.gateway.deps import AccessDep, CallerDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers

router = APIRouter(tags=["access"])

ALL: JsonObject = {
    "name": "all", "in": "query", "required": False, "schema": {"type": "boolean"}, "description": "Everybody's.",
}  # fmt: skip
ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


@router.get("/api/v1/sessions", operation_id="listSessions", response_model=None, openapi_extra={"parameters": [ALL]})
@answers(SessionList)
async def list_sessions(request: Request, access: AccessDep, caller: CallerDep) -> Response:
    """Where one is logged in; an admin may ask for `all`."""
    here = guard.known(request.scope).session
    whose = None if caller.may("admin") and request.query_params.get("all") == "true" else caller.id
    found: list[Json] = [
        {
            "id": session.id,
            "name": session.account,
            "created": session.created,
            "used": session.used,
            "address": session.address,
            "agent": session.agent,
            "current": session.id == here,
        }
        for session in await access.people.sessions(whose)
    ]
    return json_answer({"data": found})


@router.delete(
    "/api/v1/sessions/{id}",  # noqa: FAST003  read from the path
    operation_id="endSession",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def end_session(request: Request, access: AccessDep, caller: CallerDep) -> Response:
    """Ends a session at once: one's own, or anybody's for an admin."""
    wanted: str = request.path_params["id"]
    if not await access.people.log_out(wanted, None if caller.may("admin") else caller.id):
        raise InvalidRequest("there is no such session", code="session_not_found", status=404)
    access.changed()
    await guard.record(request.scope, access, "session ended")
    return json_answer({"ok": True})
