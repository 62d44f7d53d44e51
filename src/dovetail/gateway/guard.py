"""The one rule of who has to say who they are, and the one place where it is asked: before every route.

On loopback, inference needs no credential until the first API key is made or `access.require_key` is set, and what
admins do needs none until the first account is made. Beyond loopback everything does that is not public.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, ExitStack, nullcontext
from copy import copy
from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dovetail.access.access import Access, Known
from dovetail.access.backoff import network
from dovetail.core.caller import GUEST, LOCAL, Caller, Limits
from dovetail.core.errors import Forbidden, NotAllowed, Unauthenticated
from dovetail.gateway.errors import KNOWN
from dovetail.gateway.rights import BY_LOGIN, OF_ALL_MODELS, Right, right
from dovetail.gateway.sse import STAY
from dovetail.gateway.witness import Witness
from dovetail.telemetry.capture import Capture

_DONE = "dovetail.done"
_WANTED = "dovetail.right"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BY_ANYBODY = frozenset({"/health", "/ready"})
# A proxy that no setting names says so of itself: behind it are others than this machine's users.
_PROXIES = ("x-forwarded-for", "forwarded", "x-real-ip")
Kind = Literal["key", "cookie"]


@dataclass(frozen=True, slots=True)
class Guard:
    """Asks `access`. `exposed`: others than this machine's users reach the address, and are not to come in unasked.

    `insecure`: they are, and whoever comes through a proxy as well.
    """

    access: Access
    exposed: bool = False
    require_key: bool = False
    insecure: bool = False
    address_requests: int | None = None
    account_requests: int | None = None
    answers: int | None = None
    capture: Capture | None = None

    @property
    def closed(self) -> bool:
        """Whether everybody has to say who they are, whoever there is."""
        return self.exposed or self.require_key or self.access.has_own_key

    def count(self, scope: Scope, caller: Caller) -> None:
        """One more request for an answer. Raises RateLimited where key, account or address ask too often."""
        parties = [caller]
        if self.address_requests is not None:
            parties.append(_party(f"address {network(address(scope))}", self.address_requests))
        if self.account_requests is not None and is_known(scope):
            parties.append(_party(f"account {caller.id}", self.account_requests))
        for party in parties:
            self.access.allowance.use(party)

    def inside(self, scope: Scope, caller: Caller) -> AbstractContextManager[None]:
        """Around the answer. Entering raises RateLimited where the caller has too many, an address without a name."""
        if self.answers is None:
            return nullcontext()
        party = caller.id if is_known(scope) else f"address {network(address(scope))}"
        return self.access.allowance.inside(party, self.answers)

    async def admit(self, scope: Scope, wanted: Right) -> Known:
        """Who comes with the request. Raises Unauthenticated, or Forbidden for one who may not."""
        if (
            wanted is Right.PUBLIC and scope["path"] in BY_ANYBODY
        ):  # whether the process lives must not hang on the database
            return Known(LOCAL)
        known = await self._known(scope)
        if known is None:
            if wanted.role is None:
                return Known(LOCAL)
            if not wanted.personal and self._here(scope) and await self._open(wanted):
                return Known(GUEST if (await self.access.standing()).accounts else LOCAL)
            raise _unknown(scope)
        if wanted.role is not None:
            _check(known.caller, wanted, scope)
        return known

    async def check_still(self, scope: Scope) -> None:
        """Once more, for one who has taken time to say what it wants. Raises as `admit`, Forbidden for another role."""
        wanted: Right = scope[_WANTED]
        if await self.admit(scope, wanted) != known(scope):
            raise Forbidden("what you may do has changed meanwhile; send the request again", code="access_changed")

    async def lets(self, scope: Scope, wanted: Right) -> bool:
        """Whether whoever comes with the request may do what is `wanted`."""
        try:
            await self.admit(scope, wanted)
        except NotAllowed:
            return False
        return True

    async def _known(self, scope: Scope) -> Known | None:
        found = credential(scope)
        if found is None:
            return None
        return await self.access.identify(found[1], cookie=found[0] == "cookie")

    def _here(self, scope: Scope) -> bool:
        return self.insecure or not is_forwarded(scope)

    async def _open(self, wanted: Right) -> bool:
        """Whether somebody without a name may do what is `wanted`."""
        if self.closed:
            return False
        if wanted in {Right.ADMIN, Right.JOURNAL, Right.CHATS, Right.RUNS}:
            return not (await self.access.standing()).accounts
        return not (await self.access.standing()).keys


class Guarded:
    """A route behind the guard."""

    def __init__(self, app: ASGIApp, guard: Guard, path: str) -> None:
        self._app = app
        self._guard = guard
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = right(scope["method"], self._path)
        known = await self._guard.admit(scope, wanted)
        if known.caller.is_made_key:
            _check_key(f"{scope['method']} {self._path}", known.caller)
        scope[KNOWN], scope[_WANTED] = known, wanted
        if wanted in {Right.USE, Right.RUNS}:
            self._guard.count(scope, known.caller)
            cast("ExitStack", scope[STAY]).enter_context(self._guard.inside(scope, known.caller))
            capture = self._guard.capture
            if capture is not None and capture.now is not None:
                await Witness(capture, known.caller).hear(self._app, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        elif wanted in {Right.ADMIN, Right.PEOPLE} and scope["method"] not in _SAFE:
            await self._recorded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _recorded(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            await record(scope, self._guard.access, f"{scope['method']} {self._path}", status=status or None)


def guarded(route: BaseRoute, guard: Guard | None) -> BaseRoute:
    """The route, asking first; without a guard as it is."""
    if guard is None:
        return route
    if not isinstance(route, Route):
        raise TypeError(f"{route} has no line in the table of rights: give it routes of its own")
    behind = copy(route)  # routers are shared between applications
    behind.app = Guarded(route.app, guard, route.path)
    return behind


def known(scope: Scope) -> Known:
    """Who the guard let in."""
    return cast("Known", scope.get(KNOWN) or Known(LOCAL))


def wanted(scope: Scope) -> Right | None:
    """What the route asks of its caller; None where nobody asks."""
    return cast("Right | None", scope.get(_WANTED))


def is_known(scope: Scope) -> bool:
    """Whether a key or a session came with the request."""
    return known(scope).caller.id != LOCAL.id


def detail(scope: Scope, **details: str) -> None:
    """What the audit log is to say of this request beside its route."""
    cast("dict[str, str]", scope.setdefault(_DONE, {})).update(details)


async def record(scope: Scope, access: Access, what: str, *, who: str | None = None, status: int | None = None) -> None:
    """Writes a line of the audit log."""
    caller = known(scope).caller
    details = cast("dict[str, str]", scope.get(_DONE, {}))
    await asyncio.to_thread(
        lambda: access.audit.write(
            what, who=who or caller.id, address=address(scope), key=caller.key, status=status, **details
        )
    )


def address(scope: Scope) -> str:
    """Where a request comes from."""
    client = cast("tuple[str, int] | None", scope.get("client"))
    return client[0] if client else "local"


def cookie_name(scope: Scope) -> str:
    """Browsers hold the prefix to what it promises: set over TLS, for this host alone."""
    return "__Host-dovetail" if scope.get("scheme") == "https" else "dovetail"


def credential(scope: Scope) -> tuple[Kind, str] | None:
    """The first credential of a request, in any form it may have; there is no form for URLs."""
    headers = Headers(scope=scope)
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return "key", value.strip()
    if key := headers.get("x-api-key"):
        return "key", key
    wanted = cookie_name(scope)
    for cookie in headers.get("cookie", "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == wanted and value:
            return "cookie", value
    return None


def _check_key(route: str, caller: Caller) -> None:
    """Raises Forbidden for what is asked with a login, and for what is about more models than the key is good for."""
    if route in BY_LOGIN:
        raise Forbidden("a key makes and changes no keys, accounts or passwords; log in", code="key_scope")
    if route in OF_ALL_MODELS:
        check_whole(caller)


def check_whole(caller: Caller) -> None:
    """Raises Forbidden for a key that is good for some models alone, where what is asked is about all."""
    if caller.scope.models:
        models = ", ".join(caller.scope.models)
        raise Forbidden(f"this is about all models, and the key is good for {models} alone", code="key_scope")


def _party(name: str, requests: int) -> Caller:
    return Caller(name, limits=Limits(requests_minute=requests))


def _check(caller: Caller, wanted: Right, scope: Scope) -> None:
    if wanted.role is not None and not caller.may(wanted.role):
        raise Forbidden(f"this takes the role {wanted.role}, and yours is {caller.role}")
    if caller.scope.read_only and scope["method"] not in _SAFE:
        raise Forbidden("this key may only read", code="key_scope")
    endpoints = caller.scope.endpoints
    if endpoints and not any(scope["path"] == e or scope["path"].startswith(f"{e.rstrip('/')}/") for e in endpoints):
        raise Forbidden(f"this key is good for {', '.join(endpoints)} alone", code="key_scope")


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy says that it passed the request on."""
    headers = Headers(scope=scope)
    return any(name in headers for name in _PROXIES)


def _unknown(scope: Scope) -> Unauthenticated:
    given = credential(scope)
    if given is None:
        return Unauthenticated("this needs a key (Authorization: Bearer KEY, or x-api-key) or a login")
    if given[0] == "cookie":
        return Unauthenticated("this session has ended; log in again", code="session_ended")
    return Unauthenticated("this key is not valid: it is wrong, expired or revoked")
