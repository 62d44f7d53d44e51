"""A request's body: read within bounds, or drained so that an early answer is not lost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.types import Receive, Scope

from dovetail.core.errors import InvalidRequest

_DRAIN_SECONDS = 2.0
_DRAIN_BYTES = 64 << 20
_UNREAD = "dovetail.unread_body"
_SIZE = "dovetail.body_size"


class ClientLeft(Exception):
    """The client closed its connection; there is nobody to answer."""


JSON = "application/json"


async def read(
    request: Request,
    *,
    limit: int,
    timeout: float,  # noqa: ASYNC109  the client's deadline
    media_type: str = JSON,
) -> bytes:
    """The whole body. Raises InvalidRequest (413, 415, 408) as soon as it is known, ClientLeft when it never comes."""
    async with aclosing(bounded(request, limit=limit, timeout=timeout, media_type=media_type)) as found:
        return b"".join([piece async for piece in found])


async def bounded(
    request: Request,
    *,
    limit: int,
    timeout: float,  # noqa: ASYNC109
    rate: float = math.inf,
    media_type: str = JSON,
) -> AsyncGenerator[bytes, None]:
    """The same as it comes, for `timeout` seconds and one more for each `rate` bytes."""
    scope = request.scope
    scope[_UNREAD] = True
    _check_head(request, limit, media_type)
    loop, size, more = asyncio.get_running_loop(), 0, True
    ends = loop.time() + timeout
    while more:
        try:
            async with asyncio.timeout_at(ends + size / rate):
                message = await request.receive()
        except TimeoutError:
            raise InvalidRequest(
                f"the request's body did not arrive within {timeout + size / rate:g} seconds",
                code="request_timeout",
                status=408,
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        if chunk:
            yield chunk
    scope[_UNREAD] = False
    scope[_SIZE] = size


async def pieces(request: Request, within: float) -> AsyncGenerator[bytes, None]:
    """The body as it comes, however long; `within` seconds something has to come. Raises InvalidRequest, ClientLeft."""
    request.scope[_UNREAD] = True
    more = True
    while more:
        try:
            async with asyncio.timeout(within):
                message = await request.receive()
        except TimeoutError:
            raise InvalidRequest(
                f"nothing of the request's body came for {within:g} seconds", code="request_timeout", status=408
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientLeft
        more = message.get("more_body", False)
        request.scope[_UNREAD] = more
        yield message.get("body", b"")


def size_of(scope: Scope) -> int:
    """Bytes of the body that was read."""
    return int(scope.get(_SIZE, 0))


def unread(scope: Scope) -> bool:
    """Whether part of the body may still be on its way."""
    return bool(scope.get(_UNREAD, False))


async def drain(receive: Receive) -> None:
    """Throws away what the client still sends, for a short time and up to a bound."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while size < _DRAIN_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _check_head(request: Request, limit: int, wanted: str) -> None:
    headers = request.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise InvalidRequest(
            "compressed request bodies are not accepted; send the body as it is",
            code="unsupported_media_type",
            status=415,
        )
    # Only a browser sends these; a form it was tricked into posting is never JSON.
    browser = "origin" in headers or "cookie" in headers or "sec-fetch-site" in headers or "sec-fetch-mode" in headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Of forms another site's are refused before (`gateway/browsers.py`).
    if browser and media_type != wanted:
        raise InvalidRequest(
            f"a request from a browser needs the content type {wanted}",
            code="unsupported_media_type",
            status=415,
        )
    if int(headers.get("content-length", "0")) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> InvalidRequest:
    return InvalidRequest(f"the request's body is larger than {limit} bytes", code="request_too_large", status=413)
