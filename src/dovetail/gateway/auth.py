"""Setup, login and logout. They need the database and no model: they work while every engine is down."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AliasChoices, Field
from starlette.responses import Response

from dovetail.access.access import Access
from dovetail.access.people import Visitor
from dovetail.core.caller import LOCAL
from dovetail.core.errors import DovetailError, Forbidden, RateLimited
from dovetail.core.request import Json
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import AuthStatus, Done, LoggedIn
from dovetail.gateway.deps import AccessDep, CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["auth"])

_TEXT = 1024
_Text = Annotated[str, Field(max_length=_TEXT)]
# The second is the earlier server's name for it.
_Name = Annotated[str, Field(max_length=_TEXT, validation_alias=AliasChoices("name", "superAdminId"))]


class SetupRequest(Wire):
    """The body of `/auth/setup`; `code` stands in the server's log where others than this machine's users reach it."""

    name: _Name = "admin"
    password: _Text
    code: _Text | None = None


class LoginRequest(Wire):
    """The body of `/auth/login`."""

    name: _Name = "admin"
    password: _Text
    remember: bool = Field(default=True, description="Or else the browser forgets the login when it is closed.")


class PasswordRequest(Wire):
    """The body of `/auth/password`."""

    password: _Text
    new_password: _Text


@router.get("/auth/status", operation_id="authStatus", response_model=None)
@answers(AuthStatus)
async def status(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """Whether there is an account yet, and who is asking."""
    scope = request.scope
    caller = guard.known(scope).caller
    named = guard.is_known(scope)
    founded = access.people.chief is not None
    return _json(
        {
            "initialized": founded,
            "setup_required": not founded,
            "setup_needs_code": not founded and _needs_code(services),
            "authenticated": named,
            # Strangers are not told whose name to try.
            "superAdminId": access.people.chief if named else None,
            "name": caller.id if named else None,
            "role": caller.role if named else None,
            "capture": services.capture is not None and services.capture.now is not None,
        }
    )


@router.post("/auth/setup", operation_id="authSetup", response_model=None)
@reads(SetupRequest)
@answers(LoggedIn)
async def setup(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """Makes the super-admin, once, and logs in."""
    body = await receive_body(request, services, SetupRequest)
    if guard.is_forwarded(request.scope) and not services.settings.server.trusted_proxies:
        raise Forbidden("setup through a proxy: name it in server.trusted_proxies, or see dovetail admin create")
    if _needs_code(services) and not hmac.compare_digest((body.code or "").encode(), access.setup_code.encode()):
        raise Forbidden("setup from elsewhere needs the code that the server's log shows", code="setup_code")
    await access.people.found(body.name, body.password)
    access.changed()
    await services.runs.hand_over(LOCAL.id, body.name)
    await guard.record(request.scope, access, "setup", who=body.name)
    return await _log_in(request, access, body.name, body.password)


@router.post("/auth/login", operation_id="authLogin", response_model=None)
@reads(LoginRequest)
@answers(LoggedIn)
async def login(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """A session, as a cookie that no page can read."""
    body = await receive_body(request, services, LoginRequest)
    try:
        answer = await _log_in(request, access, body.name, body.password, remember=body.remember)
    except DovetailError as failure:
        if not isinstance(failure, RateLimited):  # a flood of these would wash the record away
            # A name that nobody has may be a password in the wrong field.
            who = body.name if await access.people.has(body.name) else "nobody"
            await guard.record(request.scope, access, "login refused", who=who, status=failure.status)
        raise
    await guard.record(request.scope, access, "login", who=body.name)
    return answer


@router.post("/auth/logout", operation_id="authLogout", response_model=None)
@answers(Done)
async def logout(request: Request, access: AccessDep) -> Response:
    """Ends the session; without one there is nothing to end."""
    known = guard.known(request.scope)
    if known.session is not None:
        await access.people.log_out(known.session)
        access.changed()
        await guard.record(request.scope, access, "logout")
    answer = _json({"ok": True})
    _set_cookie(answer, request, "", 0)
    return answer


@router.post("/auth/password", operation_id="changePassword", response_model=None)
@reads(PasswordRequest)
@answers(Done)
async def change_password(request: Request, services: ServicesDep, access: AccessDep, caller: CallerDep) -> Response:
    """Another password for one's own account; its other sessions end."""
    body = await receive_body(request, services, PasswordRequest)
    session = guard.known(request.scope).session
    if session is None:
        raise Forbidden("a password is changed with a login, not with a key")
    await access.people.check(caller.id, body.password, _visitor(request))
    await access.people.set_password(caller.id, body.new_password, keep=session)
    access.changed()
    await guard.record(request.scope, access, "password changed")
    return _json({"ok": True})


async def _log_in(request: Request, access: Access, name: str, password: str, *, remember: bool = True) -> Response:
    before = guard.known(request.scope).session
    session, token = await access.people.log_in(name, password, _visitor(request))
    if before is not None:  # a login never takes over what a session was before it
        await access.people.log_out(before)
    access.changed()
    known = await access.identify(token, cookie=True)
    role = known.caller.role if known is not None else None
    answer = _json({"ok": True, "name": session.account, "role": role})
    _set_cookie(answer, request, token, access.people.lifetime.longest if remember else None)
    return answer


def _visitor(request: Request) -> Visitor:
    return Visitor(guard.address(request.scope), request.headers.get("user-agent", ""))


def _needs_code(services: Services) -> bool:
    return services.settings.server.exposed


def _set_cookie(answer: Response, request: Request, token: str, age: float | None) -> None:
    """For `age` seconds, or until the browser is closed."""
    answer.set_cookie(
        guard.cookie_name(request.scope),
        token,
        max_age=None if age is None else int(age),
        path="/",
        secure=request.scope.get("scheme") == "https",
        httponly=True,
        samesite="strict",
    )


def _json(body: dict[str, Json]) -> Response:
    # Who is logged in is nobody's to keep.
    return json_answer(body, headers={"cache-control": "no-store"})
