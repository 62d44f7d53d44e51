"""Other people's accounts, for admins."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import Forbidden, InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done, UserList
from dovetail.gateway.deps import AccessDep, CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["access"])

_Text = Annotated[str, Field(max_length=1024)]
_Role = Literal["viewer", "member", "admin"]
_NAME: JsonObject = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}


class UserRequest(Wire):
    """An account to be made."""

    name: _Text
    password: _Text
    role: _Role = "member"


class UserChange(Wire):
    """What is to change of an account; a new password ends its sessions."""

    password: _Text | None = None
    role: _Role | None = None


@router.get("/api/v1/users", operation_id="listUsers", response_model=None)
@answers(UserList)
async def list_users(access: AccessDep) -> Response:
    """All accounts, the super-admin first."""
    found: list[Json] = [
        {
            "name": account.name,
            "role": account.role,
            "created": account.created or None,
            "super_admin": account.name == access.people.chief,
        }
        for account in await access.people.accounts()
    ]
    return json_answer({"data": found})


@router.post("/api/v1/users", operation_id="createUser", response_model=None)
@reads(UserRequest)
@answers(Done)
async def create_user(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """Makes an account."""
    body = await receive_body(request, services, UserRequest)
    guard.detail(request.scope, user=body.name, role=body.role)
    await access.people.add(body.name, body.password, body.role)
    await services.archive.forget(body.name)
    return _changed(access)


@router.patch(
    "/api/v1/users/{name}",  # noqa: FAST003  read from the path
    operation_id="changeUser",
    response_model=None,
    openapi_extra={"parameters": [_NAME]},
)
@reads(UserChange)
@answers(Done)
async def change_user(request: Request, services: ServicesDep, access: AccessDep, caller: CallerDep) -> Response:
    """Another role, or another password: that ends the account's sessions."""
    body = await receive_body(request, services, UserChange)
    name: str = request.path_params["name"]
    if body.role is None and body.password is None:
        raise InvalidRequest("role or password: say what is to change")
    guard.detail(request.scope, user=name, **({"role": body.role} if body.role else {}))
    if body.password is not None and name == access.people.chief != caller.id:
        raise Forbidden("the super-admin's password is the super-admin's to change", code="super_admin")
    if body.role is not None:
        await access.people.change(name, body.role)
    if body.password is not None:
        await access.people.set_password(name, body.password)
    return _changed(access)


@router.delete(
    "/api/v1/users/{name}",  # noqa: FAST003  read from the path
    operation_id="removeUser",
    response_model=None,
    openapi_extra={"parameters": [_NAME]},
)
@answers(Done)
async def remove_user(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """Removes an account, its sessions, its keys and its conversations."""
    name: str = request.path_params["name"]
    guard.detail(request.scope, user=name)
    await access.people.remove(name)
    await services.archive.forget(name)
    return _changed(access)


def _changed(access: AccessDep) -> Response:
    access.changed()
    return json_answer({"ok": True})
