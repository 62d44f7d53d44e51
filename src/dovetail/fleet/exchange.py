"""One HTTP/1.1 exchange with a worker: a connection, a request, a status, a body in pieces.

A client library's session costs more than everything else that the gateway does for a request, so that this is asyncio
and the parser which the server side has too (docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from httptools import HttpParserError, HttpResponseParser

from dovetail.engines.base import Endpoint

MAX_HEAD = 64 << 10
HIGH_WATER = 128 << 10  # bytes nobody has read yet, from which on the worker has to wait


class Unreachable(ConnectionError):
    """The worker took no connection: it has seen nothing of the request."""


class Exchange(asyncio.Protocol):
    """Made by `begin`. `read` may be waited for by one task at a time; `close` ends that wait and the connection."""

    def __init__(self) -> None:
        self.status = 0
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._head = asyncio.get_running_loop().create_future()
        self._head_size = 0
        self._until_close = True  # the body's end is the connection's, as the head gives it no other
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = self._complete = False
        self._broken: ConnectionError | None = None
        self._reader: asyncio.Future[None] | None = None

    @classmethod
    async def begin(cls, endpoint: Endpoint, method: str, path: str, body: bytes = b"") -> Exchange:
        """Connects and sends. Raises Unreachable; the caller has a deadline, and closes what it gets."""
        loop = asyncio.get_running_loop()
        try:
            if endpoint.socket is not None:
                _, exchange = await loop.create_unix_connection(cls, str(endpoint.socket))
            else:
                tls = await asyncio.to_thread(ssl.create_default_context) if endpoint.tls else None
                _, exchange = await loop.create_connection(cls, endpoint.host, endpoint.port, ssl=tls)
        except (OSError, UnicodeError) as error:  # a name that is too long to be asked for
            raise Unreachable(str(error)) from error
        host = "worker"
        if endpoint.base is not None:
            host, path = _authority(endpoint), endpoint.base + path.removeprefix("/v1")
        secret = f"Authorization: Bearer {endpoint.secret}\r\n" if endpoint.secret is not None else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{secret}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        exchange.send(head.encode("ascii") + body)
        return exchange

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    async def headed(self) -> None:
        """Waits for the head, after which `status` is known. Raises ConnectionError."""
        await self._head

    async def read(self) -> bytes:
        """What has come of the body since, b"" at its end. Raises ConnectionError when it is cut before that."""
        while not self._pieces:
            if self._complete:
                return b""
            if self._broken is not None:
                raise ConnectionError("the connection was cut") from self._broken
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        pieces, self._pieces, self._size = self._pieces, [], 0
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Ends the exchange at once, whatever is still under way. May be called more than once."""
        self._transport.abort()
        self._end(ConnectionAbortedError("closed"))

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            return
        if not self.status:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._refuse(f"not HTTP: {error}")
            return
        if not self.status and self._head_size > MAX_HEAD:
            self._refuse("a head without an end")
        if self._size > HIGH_WATER and not self._paused and not self._complete:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._parser = None  # they hold each other
        if exc is None and self.status and self._until_close and self._broken is None:
            self.on_message_complete()
        else:
            self._end(ConnectionError("the connection was cut"))

    # the parser's side

    def on_header(self, name: bytes, _value: bytes) -> None:
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._until_close = False

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code() if self._parser is not None else 0
        if not self._head.done():
            self._head.set_result(None)

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._size += len(body)
        self._wake()

    def on_message_complete(self) -> None:
        self._complete = True
        self._wake()

    def _refuse(self, why: str) -> None:
        self._transport.abort()
        self._end(ConnectionError(why))

    def _end(self, error: ConnectionError) -> None:
        if self._complete or self._broken is not None:
            return
        self._broken = error
        if not self._head.done():
            self._head.set_exception(error)
            self._head.exception()  # retrieved, whether or not anybody waits for it
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


def _authority(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return host if endpoint.port == (443 if endpoint.tls else 80) else f"{host}:{endpoint.port}"
