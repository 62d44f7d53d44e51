"""A running server, over HTTP, with the standard library: the short commands must not wait for imports."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from dovetail import local_key
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import occupant
from dovetail.core.request import Json, JsonObject

CONNECT_TIMEOUT = 5.0
START_TIMEOUT = 10.0
_PAUSE = 0.05
ANSWER_TIMEOUT = 30.0
# A stream that lives has a comment every few seconds, whatever the model does.
SILENCE_TIMEOUT = 120.0
# Beyond the server's own bound on a load, so that its reason arrives first.
LOAD_TIMEOUT = 86_400.0
_LONGEST_LINE = 16 << 20


class Unauthorized(Failure):
    """The server wants a key, or another one."""


def find_server(url: str | None, home: Path, within: float = START_TIMEOUT) -> str | None:
    """The address `url`, or else that of the server that holds `home`; None when none runs.

    One that starts is waited for, `within` seconds at most.
    """
    if url is not None:
        return url.rstrip("/")
    deadline = time.monotonic() + within
    while (found := occupant(home)) and found.url is None and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return found.url if found else None


def require_server(url: str | None, home: Path) -> Server:
    """A server to talk to. Raises Failure when none runs."""
    found = find_server(url, home)
    if found is None:
        raise Failure("no server is running; start one with: dovetail serve", Exit.UNAVAILABLE)
    return server_at(found, url, home)


def server_at(found: str, url: str | None, home: Path) -> Server:
    """With the key of the environment, or for the home folder's own server the one it left there."""
    key = os.environ.get("DOVETAIL_API_KEY") or (None if url is not None else local_key.read(home))
    return Server(found, key, own=url is None)


class Server:
    """One request at a time, each on a connection of its own. Every method blocks, and raises Failure."""

    def __init__(self, url: str, key: str | None = None, *, own: bool = False) -> None:
        self._key = key
        self._own = own
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Failure(f"{url} is no address of a server: {error}", Exit.USAGE) from None
        # Over a Unix socket there is no path before that of a route.
        self._socket = parts.path if parts.scheme == "unix" else None
        if not self._socket and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise Failure(f"{url} is no address of a server: it begins with http://, https:// or unix:/", Exit.USAGE)
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "localhost"
        self._port = port
        self._prefix = "" if self._socket else quote(parts.path.rstrip("/"), safe="/%")

    def get(self, path: str) -> JsonObject:
        with self._exchange("GET", path, None, ANSWER_TIMEOUT) as response:
            return _object(response.read())

    def text(self, path: str) -> str:
        """The answer as it came, for files."""
        with self._exchange("GET", path, None, ANSWER_TIMEOUT) as response:
            return response.read().decode()

    def post(self, path: str, body: JsonObject, timeout: float = ANSWER_TIMEOUT) -> JsonObject:
        with self._exchange("POST", path, body, timeout) as response:
            return _object(response.read())

    def delete(self, path: str) -> JsonObject:
        with self._exchange("DELETE", path, None, ANSWER_TIMEOUT) as response:
            return _object(response.read())

    def stream(self, path: str, body: JsonObject) -> Generator[JsonObject | str]:
        """The frames of a streamed answer as objects, its comments (`loading tiny 40%`) as text, until `[DONE]`.

        Closing the generator closes the connection, and that stops the model.
        """
        with self._exchange("POST", path, body, SILENCE_TIMEOUT) as response:
            while line := response.readline(_LONGEST_LINE):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text.startswith(":"):
                    yield text[1:].strip()
                elif text == "data: [DONE]":
                    return
                elif text.startswith("data:"):
                    frame = _object(text[5:].encode())
                    if "error" in frame:
                        raise Failure(_reason(frame))
                    yield frame
        raise Failure("the server ended the answer in the middle")

    def _connection(self) -> http.client.HTTPConnection:
        if self._socket:
            return _UnixConnection(self._socket)
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_TIMEOUT)
        import ssl

        context = ssl.create_default_context()
        if self._own:
            # Its address comes from a file of one's own, and its certificate names the machine, not this address.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_TIMEOUT, context=context)

    @contextmanager
    def _exchange(
        self, method: str, path: str, body: JsonObject | None, timeout: float
    ) -> Generator[http.client.HTTPResponse]:
        connection = self._connection()
        with closing(connection):
            try:
                connection.connect()
            except OSError as error:
                reason = error.strerror or str(error)
                raise Failure(f"no server answers at {self.url}: {reason}", Exit.UNAVAILABLE) from None
            connection.sock.settimeout(timeout)
            try:
                headers = {"Content-Type": "application/json"} if body is not None else {}
                if self._key is not None:
                    headers["Authorization"] = f"Bearer {self._key}"
                sent = None if body is None else json.dumps(body).encode()
                connection.request(method, self._prefix + path, sent, headers)
                response = connection.getresponse()
                if response.status != http.HTTPStatus.OK:
                    refused = Unauthorized if response.status == http.HTTPStatus.UNAUTHORIZED else Failure
                    raise refused(_reason(_object(response.read(), response)))
                yield response
            except TimeoutError:
                raise Failure(f"{self.url} said nothing for {timeout:g} s", Exit.UNAVAILABLE) from None
            except (OSError, http.client.HTTPException) as error:
                reason = str(error) or type(error).__name__
                raise Failure(f"the connection to {self.url} was lost: {reason}", Exit.UNAVAILABLE) from None


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CONNECT_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(CONNECT_TIMEOUT)
        self.sock.connect(self._path)


def _object(body: bytes, response: http.client.HTTPResponse | None = None) -> JsonObject:
    try:
        parsed = cast("Json", json.loads(body))
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    status = f"{response.status} {response.reason}" if response else "something else than JSON"
    raise Failure(f"this does not look like a Dovetail server: it answered {status}")


def _reason(frame: JsonObject) -> str:
    match frame.get("error"):
        case {"message": str(message)}:
            return message
        case other:
            return f"the server reports an error: {other}"
