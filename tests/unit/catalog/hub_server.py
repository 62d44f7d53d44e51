"""A hub on this machine, with the hub's own routes, that can be told to cut, to lie, to change its mind and to wait."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REPO = "someone/tiny"
SHA = "a" * 40
_PIECE = 64 << 10


@dataclass(frozen=True)
class Sent:
    """One answer to a request for a file: from which byte, and how many left."""

    name: str
    start: int
    token: str | None
    count: int


@dataclass
class Hub:
    """What it holds, what it was asked for, and how it misbehaves.

    cuts      bytes after which the next answers are cut, one each
    statuses  what the next requests for files get instead of an answer
    served    bytes sent in place of those that are listed
    announce  a length that is said in place of the right one
    span      a Content-Range that is said in place of the right one
    ranges    whether it knows ranges
    redirect  where requests for files are sent
    hold      answers stop at half until it is set, or where they begin behind it
    revision  what it says that its files are at
    asked     every path that it was asked for
    listing   what questions get in place of an answer
    """

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    small: frozenset[str] = frozenset()
    cuts: list[int] = field(default_factory=list[int])
    statuses: list[int] = field(default_factory=list[int])
    served: dict[str, bytes] = field(default_factory=dict[str, bytes])
    announce: int | None = None
    span: str | None = None
    ranges: bool = True
    redirect: str | None = None
    hold: threading.Event | None = None
    revision: str = SHA
    listing: Callable[[BaseHTTPRequestHandler], None] | None = None
    asked: list[str] = field(default_factory=list[str])
    sent: list[Sent] = field(default_factory=list[Sent])
    address: str = ""
    half: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        self.asked.append(path)
        if path.startswith("/api/") and self.listing is not None:
            self.listing(request)
        elif path == "/api/models":
            words = parse_qs(urlsplit(request.path).query).get("search", [""])[0]
            hit = {"id": REPO, "modelId": REPO, "downloads": 7, "likes": 2, "tags": ["gguf"], "gated": False}
            _json(request, [hit] if words in REPO else [])
        elif path in {f"/api/models/{REPO}", f"/api/models/{REPO}/revision/{SHA}"}:
            siblings = [self._sibling(name) for name in self.files]
            _json(request, {"id": REPO, "modelId": REPO, "sha": self.revision, "siblings": siblings})
        elif (name := path.removeprefix(f"/{REPO}/resolve/{SHA}/")) in self.files:
            self._file(request, name)
        else:
            request.send_response(404)
            request.send_header("X-Error-Code", "RepoNotFound" if path.startswith("/api/") else "EntryNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()

    def _sibling(self, name: str) -> dict[str, object]:
        data = self.files[name]
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        said: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
        if name not in self.small:
            said["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 1}
        return said

    def _file(self, request: BaseHTTPRequestHandler, name: str) -> None:
        if self.statuses or self.redirect:
            request.send_response(self.statuses.pop(0) if self.statuses else 302)
            if self.redirect:
                request.send_header("Location", self.redirect)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        data = self.served.get(name, self.files[name])
        asked = request.headers.get("Range")
        first, _, last = (asked or "").removeprefix("bytes=").partition("-")
        start = int(first) if first and self.ranges else 0
        if last and self.ranges:
            data = data[: int(last) + 1]
        request.send_response(206 if start or last else 200)
        if start:
            request.send_header("Content-Range", self.span or f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - start if self.announce is None else self.announce))
        request.end_headers()
        self._send(request, name, data, start)

    def _send(self, request: BaseHTTPRequestHandler, name: str, data: bytes, start: int) -> None:
        end = min(len(data), start + self.cuts.pop(0)) if self.cuts else len(data)
        hold, at = self.hold, start
        if hold is not None and start >= len(data) // 2 > 0:
            hold.wait(30)
        token, whole = request.headers.get("Authorization"), False
        with suppress(OSError):  # the client left
            while at < end:
                stop = min(at + _PIECE, end)
                if hold is not None and at < len(data) // 2 <= stop:
                    stop = len(data) // 2
                if whole := stop == end:  # said before: whoever has all of it may look before this thread goes on
                    self.sent.append(Sent(name, start, token, stop - start))
                request.wfile.write(data[at:stop])
                at = stop
                if hold is not None and at == len(data) // 2:
                    self.half.set()
                    hold.wait(30)
        request.close_connection = end < len(data)
        if not whole:
            self.sent.append(Sent(name, start, token, at - start))


def _json(request: BaseHTTPRequestHandler, value: object) -> None:
    answered(request, json.dumps(value).encode())


def answered(request: BaseHTTPRequestHandler, body: bytes, status: int = 200, location: str | None = None) -> None:
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    if location is not None:
        request.send_header("Location", location)
    request.end_headers()
    with suppress(OSError):  # the client left
        request.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is no error here."""


@contextmanager
def hub_server() -> Generator[Hub]:
    held = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.answer(self)

        def do_HEAD(self) -> None:
            held.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    held.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield held
    finally:
        if held.hold is not None:
            held.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
