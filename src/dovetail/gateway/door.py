"""The edge of the application: request ids, the door that shuts at the end, and the last resort for exceptions."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dovetail import log
from dovetail.core.errors import Busy, DovetailError, InvalidRequest, NotAllowed
from dovetail.core.observe import Answered, Observer
from dovetail.gateway import errors
from dovetail.gateway.browsers import Browsers
from dovetail.gateway.errors import REQUEST_ID
from dovetail.gateway.request_body import ClientLeft
from dovetail.gateway.sse import LATER, STAY, Unwritten, endpoint
from dovetail.serving.course import CLIENT_CLOSED, CLOSED_STATUS

_SAFE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}", re.ASCII)
# What tells a supervisor that the process lives is answered to the end.
_ALWAYS_OPEN = frozenset({"/health", "/ready"})


class Door:
    """Counts the requests inside, and once shut turns new ones away."""

    def __init__(self) -> None:
        self.shut = False
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def inside(self) -> int:
        return self._inside

    def enter(self) -> None:
        self._inside += 1
        self._empty.clear()

    def leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()

    async def empty(self, within: float) -> bool:
        """Waits until nobody is inside, at most `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True


class Edge:
    """The outermost ASGI layer: foreign names and pages stay outside, every answer says what browsers are to know.

    `observer` is told of every answer once it has ended.

    Every answer gets `x-request-id`, the client's own where it is a plain word.
    """

    def __init__(
        self, app: ASGIApp, door: Door, browsers: Browsers | None = None, observer: Observer | None = None
    ) -> None:
        self._app = app
        self._door = door
        self._browsers = browsers or Browsers()
        self._observer = observer or Observer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        request_id = _request_id(headers)
        scope[REQUEST_ID] = request_id
        named = [(b"x-request-id", request_id.encode())]
        if scope["path"].startswith(errors.ANTHROPIC):
            named.append((b"request-id", request_id.encode()))
        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *named]
                self._browsers.dress(message, origin)
                status = message["status"]
            await send(message)

        self._door.enter()
        try:
            with log.request_context(request_id):
                await self._pass(scope, headers, receive, send_with_id)
        except (ClientLeft, ClientDisconnect):
            pass
        except Exception as failure:  # noqa: BLE001  the last resort: logged, answered, never uvicorn's
            with log.request_context(request_id):
                error = errors.as_dovetail(failure)
            scope[errors.ERROR] = error.code
            if status:
                abort = cast("Callable[[], None] | None", scope.get("dovetail.abort"))
                if abort is not None:
                    abort()
            else:
                await errors.reply(error, path=scope["path"], request_id=request_id)(scope, receive, send_with_id)
        finally:
            self._door.leave()
            self._tell(scope, status, time.monotonic() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        error = cast("str | None", scope.get(errors.ERROR)) or (None if status else CLIENT_CLOSED)
        self._observer.answered(Answered(scope["method"], endpoint(scope), status or CLOSED_STATUS, seconds, error))

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        try:
            self._browsers.check(scope, headers)
        except (NotAllowed, InvalidRequest) as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        if self._door.shut and scope["path"] not in _ALWAYS_OPEN:
            busy = Busy("the server is shutting down; send the request again in a moment", code="shutting_down")
            await _refuse(busy, scope, receive, send, {"connection": "close"})
        elif (preflight := self._browsers.preflight(scope, headers)) is not None:
            await preflight(scope, receive, send)
        else:
            later: list[Unwritten] = []
            with ExitStack() as stay:
                scope[LATER], scope[STAY] = later, stay
                await self._app(scope, receive, send)
                for answer in later:
                    await answer.run(scope, receive, send)


async def _refuse(
    error: DovetailError, scope: Scope, receive: Receive, send: Send, extra: dict[str, str] | None = None
) -> None:
    scope[errors.ERROR] = error.code
    await errors.reply(error, extra, path=scope["path"], request_id=scope[REQUEST_ID])(scope, receive, send)


def _request_id(headers: Headers) -> str:
    wanted = headers.get("x-request-id", "")
    return wanted if _SAFE_ID.fullmatch(wanted) else f"req-{secrets.token_hex(8)}"
