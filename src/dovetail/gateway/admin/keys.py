"""API keys: one's own, and an admin's view of all."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.access.keys import NewKey
from dovetail.core.caller import ROLES, Limits, Scope
from dovetail.core.errors import Forbidden, InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done, KeyList, NewKeyAnswer
from dovetail.gateway.admin.sessions import ALL, ID
from dovetail.gateway.deps import AccessDep, CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.wire import Wire
from dovetail.storage.keys import Key, Usage

router = APIRouter(tags=["access"])

DAY = 86_400.0
_Text = Annotated[str, Field(min_length=1, max_length=128)]
_Names = Annotated[list[_Text], Field(max_length=100)]
_Count = Annotated[int, Field(ge=1, le=1 << 40)]


class LimitsBody(Wire):
    """How much a key may use."""

    requests_minute: _Count | None = None
    requests_day: _Count | None = None
    tokens_minute: _Count | None = None
    tokens_day: _Count | None = None
    concurrency: _Count | None = None

    def limits(self) -> Limits:
        return Limits(self.requests_minute, self.requests_day, self.tokens_minute, self.tokens_day, self.concurrency)


class KeyRequest(Wire):
    """A key to be made: no more than its maker may do, and less where it says so."""

    name: _Text
    role: Literal["viewer", "member", "admin"] | None = Field(
        default=None, description="Empty: the maker's, at most member."
    )
    models: _Names = Field(default=[], description="Model ids it is good for; empty: all.")
    endpoints: _Names = Field(default=[], description="Paths it is good for, with all below them; empty: all.")
    read_only: bool = Field(default=False, description="Good for GET alone.")
    days: Annotated[float, Field(gt=0, le=36_500)] | None = Field(
        default=None, description="Empty: it does not expire."
    )
    priority: Annotated[int, Field(ge=-100, le=100)] = Field(default=0, description="Admins alone raise it above 0.")
    limits: LimitsBody = LimitsBody()


@router.get("/api/v1/keys", operation_id="listKeys", response_model=None, openapi_extra={"parameters": [ALL]})
@answers(KeyList)
async def list_keys(request: Request, access: AccessDep, caller: CallerDep) -> Response:
    """One's keys with what they used, without their secrets; an admin may ask for `all`."""
    everybody = caller.may("admin") and request.query_params.get("all") == "true"
    used = await access.usage()
    found: list[Json] = [
        _object(key, [u for u in used if u.key == key.id])
        for key in await access.keys.list(None if everybody else caller.id)
    ]
    return json_answer({"data": found})


@router.post("/api/v1/keys", operation_id="createKey", response_model=None)
@reads(KeyRequest)
@answers(NewKeyAnswer)
async def create_key(request: Request, services: ServicesDep, access: AccessDep, caller: CallerDep) -> Response:
    """A new key. The answer shows it, and nothing ever again."""
    body = await receive_body(request, services, KeyRequest)
    if caller.key is not None:
        raise Forbidden("a key makes no keys; log in", code="key_scope")
    role = body.role or ("member" if caller.may("member") else "viewer")
    if ROLES.index(role) > ROLES.index(caller.role):
        raise Forbidden(f"a key has at most the role of its maker, and yours is {caller.role}")
    if body.priority > 0 and not caller.may("admin"):
        raise Forbidden("admins alone make keys that go before others")
    wanted = NewKey(
        body.name,
        caller.id,
        role,
        Scope(tuple(body.models), tuple(body.endpoints), body.read_only),
        body.limits.limits(),
        body.priority,
        None if body.days is None else body.days * DAY,
    )
    key, secret = await access.keys.create(wanted)
    access.changed()
    guard.detail(request.scope, made=key.id)
    await guard.record(request.scope, access, "key made")
    headers = {"cache-control": "no-store"}
    return json_answer({**_object(key, []), "key": secret}, headers=headers)


@router.delete(
    "/api/v1/keys/{id}",  # noqa: FAST003  read from the path
    operation_id="revokeKey",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(Done)
async def revoke_key(request: Request, access: AccessDep, caller: CallerDep) -> Response:
    """Revokes a key at once: one's own, or anybody's for an admin."""
    wanted: str = request.path_params["id"]
    if not await access.keys.revoke(wanted, None if caller.may("admin") else caller.id):
        raise InvalidRequest("there is no such key", code="key_not_found", status=404)
    access.changed()
    guard.detail(request.scope, revoked=wanted)
    await guard.record(request.scope, access, "key revoked")
    return json_answer({"ok": True})


def _object(key: Key, used: list[Usage]) -> JsonObject:
    limits, scope = key.limits, key.scope
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "account": key.account,
        "role": key.role,
        "models": list(scope.models),
        "endpoints": list(scope.endpoints),
        "read_only": scope.read_only,
        "priority": key.priority,
        "limits": {
            "requests_minute": limits.requests_minute,
            "requests_day": limits.requests_day,
            "tokens_minute": limits.tokens_minute,
            "tokens_day": limits.tokens_day,
            "concurrency": limits.concurrency,
        },
        "created": key.created,
        "expires": key.expires,
        "used": key.used,
        "usage": [
            {
                "model": u.model,
                "day": u.day,
                "requests": u.requests,
                "prompt_tokens": u.prompt,
                "completion_tokens": u.completion,
            }
            for u in used
        ],
    }
