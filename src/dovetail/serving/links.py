"""Files from elsewhere, fetched so that a link cannot reach what its sender could not.

Every address a name resolves to must be public, and the connection goes to one that was checked, so that a second
answer of the name server changes nothing. A redirect is a new link.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from dovetail.core.internet import Address, is_public

MAX_URL = 4096
MAX_HEAD = 32 << 10
MAX_HOPS = 4
_PIECE = 64 << 10
_FRAMING = 4
_REDIRECTS = {301, 302, 303, 307, 308}

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class FetchFailed(Exception):
    """No file; the text says why, and nothing of what the other side said."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, as the system resolves it. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Links:
    """Fetches over HTTP and HTTPS.

    What it trusts can be given: how names are resolved, which addresses are `allowed`, whose certificates count.
    """

    def __init__(
        self,
        resolver: Resolve = resolve,
        allowed: Callable[[Address], bool] = is_public,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._resolve = resolver
        self._allowed = allowed
        self._trust = trust
        self._tls: ssl.SSLContext | None = None

    async def fetch(self, url: str, most: int) -> bytes:
        """The file at `url`, of at most `most` bytes. The caller has a deadline. Raises FetchFailed."""
        for _ in range(MAX_HOPS):
            target = _Target(url)
            address = await self._address(target)
            try:
                answer = await _get(target, address, most, await self._secured() if target.secure else None)
            except OSError:  # TLS errors are some too
                raise FetchFailed("the connection failed") from None
            if answer.status not in _REDIRECTS:
                break
            following = urljoin(url, answer.location)
            if target.secure and not following.lower().startswith("https:"):
                raise FetchFailed("it is redirected from https to something else")
            url = following
        else:
            raise FetchFailed("it is redirected too often")
        if answer.status != 200:
            raise FetchFailed(f"the answer has the status {answer.status}")
        if not answer.complete:
            raise FetchFailed("the file is cut short")
        return b"".join(answer.pieces)

    async def _secured(self) -> ssl.SSLContext:
        if self._tls is None:  # reads the system's certificates, which takes a while
            self._tls = await asyncio.to_thread(self._trust)
        return self._tls

    async def _address(self, target: _Target) -> str:
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise FetchFailed("its host name has no address")
        # A scope (`fe80::1%eth0`) names an interface of this machine.
        if any("%" in address or not self._allowed(ip_address(address)) for address in found):
            raise FetchFailed("its host is not on the public internet")
        return found[0]


class _Target:
    """A link taken apart. Raises FetchFailed for one that is no plain http or https URL."""

    def __init__(self, url: str) -> None:
        if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise FetchFailed("it is not a URL of at most 4096 ASCII characters")
        try:
            parts: SplitResult = urlsplit(url)
            port = parts.port
        except ValueError:
            raise FetchFailed("it is not a URL") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise FetchFailed("it is not an http or https URL")
        if "@" in parts.netloc:
            raise FetchFailed("it holds a name or a password")
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = port or (443 if self.secure else 80)
        self.named = parts.netloc
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Answer:
    """What httptools tells of an answer. `feed` raises FetchFailed as soon as there is more of it than may be."""

    def __init__(self, most: int) -> None:
        self.status = 0
        self.location = ""
        self.pieces: list[bytes] = []
        self.complete = False
        self._parser = HttpResponseParser(self)
        self._left = self._most = most
        self._head = self._whole = 0

    def feed(self, data: bytes) -> None:
        self._head += 0 if self.status else len(data)
        if self._head > MAX_HEAD + _PIECE:
            raise FetchFailed("the answer has no end of its head")
        self._whole += len(data)  # what frames a body in small chunks is a few times as long
        if self._whole > MAX_HEAD + _PIECE + _FRAMING * self._most:
            raise FetchFailed("the answer has no end")
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            raise FetchFailed("the answer is not HTTP") from None
        if self._left < 0:
            raise FetchFailed("the file is too large")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"location":
            self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._left -= len(body)
        if self._left >= 0:
            self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


async def _get(target: _Target, address: str, most: int, tls: ssl.SSLContext | None) -> _Answer:
    """One request to `address`, read to its end or, of a redirect, to the end of its head."""
    reader, writer = await asyncio.open_connection(
        address, target.port, limit=_PIECE, ssl=tls, server_hostname=target.host if tls else None
    )
    try:
        head = (
            f"GET {target.path} HTTP/1.1\r\nHost: {target.named}\r\nUser-Agent: dovetail\r\n"
            "Accept: image/png, image/jpeg, image/gif\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii"))
        answer = _Answer(most)
        while not answer.complete and answer.status not in _REDIRECTS:
            data = await reader.read(_PIECE)
            if not data:
                break
            answer.feed(data)
        return answer
    finally:
        writer.transport.abort()
