"""The guards of a connection that uvicorn does not have: bounds on a request's head, in size and in time.

`httptools` refuses malformed heads, two lengths, and Content-Length beside Transfer-Encoding by itself, but takes a
head of any size for any time (uvicorn #157). What stands behind a chunked body (trailers) it tells like headers, and
where an upgrade is asked for it takes the body for the next request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from dovetail.core.errors import Busy, DovetailError, InvalidRequest, RateLimited
from dovetail.core.observe import Answered, Observer
from dovetail.gateway import errors
from dovetail.gateway.addresses import Addresses

MAX_HEAD = 64 << 10
MAX_HEADERS = 256
_THIS_MACHINE = ("127.0.0.1", 0)
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_REASONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    503: b"Busy",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for a head, seconds an unread answer may keep a finished connection, connections at once.

    from_address  of those, how many one address has; proxies, by address or network, have any number
    """

    head_timeout: float
    stall_timeout: float
    max_connections: int
    from_address: int | None = None
    proxies: Collection[str] = ()


class _HeadTooLarge(Exception):
    pass


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Made by uvicorn; what is shared comes from a subclass, see `guarded`."""

    limits: ClassVar[Limits]
    addresses: ClassVar[Addresses]
    observer: ClassVar[Observer]

    _head_timer: asyncio.TimerHandle | None = None
    _head_size = 0
    _in_head = False
    _in_message = False
    _moved = False
    _deaf = False
    _problem: DovetailError | None = None
    _party: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  as uvicorn has it
        super().connection_made(transport)
        peer = self.client
        if peer is None:  # a Unix socket
            self.client = _THIS_MACHINE
        else:
            _write_at_once(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(Busy("too many connections; try again in a moment", code="too_many_connections"))
            return
        try:
            self._party = None if peer is None else self.addresses.enter(peer[0])
        except RateLimited as refusal:
            self._refuse(refusal)
        else:
            self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._party is not None:
            self.addresses.leave(self._party)
            self._party = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._moved = False
        self._feed(data)
        if self.transport.is_closing():
            return
        if self._in_message and not self._moved:
            # All of it may belong to a head, or to what stands around chunks; the parser keeps it without a bound.
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._refuse(_too_large())
                return
        if self._in_head or not self._answering:
            self._arm()

    def _feed(self, data: bytes) -> None:
        """As uvicorn has it, but that an upgrade changes nothing: what follows is the body, and then a request."""
        self._unset_keepalive_if_required()
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                except HttpParserUpgrade as asked:
                    data = data[asked.args[0] :]
                    if self._in_message:
                        self._begin_body()
                else:
                    return
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _begin_body(self) -> None:
        """The body of a message whose head the parser has left behind."""
        framing = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] in _FRAMING)
        self.parser = HttpRequestParser(self)
        self._deaf = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing)
        self._deaf = False

    def on_url(self, url: bytes) -> None:
        if not self._deaf:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # a trailer comes when everything has been decided by the headers
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._moved, self._head_size = True, 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        if self._deaf:
            return
        super().on_message_begin()
        self._in_message = self._in_head = True
        self._head_size = 0
        # Whoever answers may cut the connection without waiting for what it still holds to be taken.
        self.scope["dovetail.abort"] = self._abort  # pyright: ignore[reportGeneralTypeIssues]  an extension

    def _abort(self) -> None:
        if self._cycle is not None:  # it is over, which uvicorn would call an error of the application
            self._cycle.disconnected = True
        self.transport.abort()

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._problem = _too_large()
            raise _HeadTooLarge
        super().on_headers_complete()  # what this refuses has no answer yet
        self._in_head = False
        self._head_size = 0
        self._disarm()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() and any(
            name in _FRAMING and value.strip() != b"0" for name, value in self.headers
        ):
            return  # the parser alone says so: see `_begin_body`
        self._in_message = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for whatever the parser refuses, and for what the callbacks above raise."""
        problem, self._problem = self._problem, None
        self._refuse(problem or InvalidRequest(msg, code="invalid_http"))

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        # A close waits for the client to take the rest of the last answer, for ever if need be.
        self.loop.call_later(self.limits.stall_timeout, self.transport.abort)

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The last request; uvicorn types it as if there always were one."""
        return self.cycle

    @property
    def _answering(self) -> bool:
        return self._cycle is not None and not self._cycle.response_complete

    def _arm(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.head_timeout, self._too_slow)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._answering:
            self._arm()  # half a head behind a request that is being answered can wait for its end
        elif self._in_head:
            timeout = self.limits.head_timeout
            self._refuse(
                InvalidRequest(f"the head did not arrive within {timeout:g} s", code="request_timeout", status=408)
            )
        elif self._in_message:
            self.transport.abort()  # the rest of a body whose request has been answered
        else:
            self.transport.close()  # nothing was asked

    def _refuse(self, error: DovetailError) -> None:
        """One answer and the end of the connection; no answer where the request has begun to get one."""
        self._disarm()
        cycle = self._cycle if self._answering else None
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.is_closing():
            return
        is_answered = cycle is None and self._in_message and not self._in_head
        if not is_answered and (cycle is None or not cycle.response_started):
            body = errors.body(error)
            extra = b"".join(b"%b: %b\r\n" % (k.encode(), v.encode()) for k, v in errors.headers(error).items())
            head = (
                b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n"
            )
            self.transport.write(head % (error.status, _REASONS[error.status], len(body), extra) + body)
            self.observer.answered(Answered("", "", error.status, 0.0, error.code))
        self.transport.close()


def guarded(limits: Limits, observer: Observer | None = None) -> type[GuardedProtocol]:
    """The protocol with these limits; uvicorn makes its instances itself. `observer` is told of what they refuse."""
    shared = {
        "limits": limits,
        "addresses": Addresses(limits.from_address, limits.proxies),
        "observer": observer or Observer(),
    }
    return type("GuardedProtocol", (GuardedProtocol,), shared)


def _write_at_once(transport: asyncio.Transport) -> None:
    """No token waits for the client's word on the one before.

    uvloop sees to it, asyncio not for what it accepts on a listener that was made by others.
    """
    connection = cast("socket.socket", transport.get_extra_info("socket"))
    with suppress(OSError):  # one that has left
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _too_large() -> InvalidRequest:
    return InvalidRequest(f"the request's head is larger than {MAX_HEAD >> 10} kB", code="head_too_large", status=431)
