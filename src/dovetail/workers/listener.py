"""Where a worker of ours listens, and who may ask it."""

from __future__ import annotations

import contextlib
import hmac
import os
import socket
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_BACKLOG = 1024
_DRAIN_S = 1


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's path, or a loopback port with the secret that requests must carry."""

    path: Path | None
    host: str = "127.0.0.1"
    port: int = 0
    secret: str | None = None


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: a worker has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def server(app: ASGIApp) -> Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_DRAIN_S,
        date_header=False,
        server_header=False,
        ws="none",
    )
    return Server(config)


class Guard:
    """Refuses requests without the secret, on machines where the worker listens on loopback TCP."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._wanted = b"Bearer " + secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = cast("Sequence[tuple[bytes, bytes]]", scope["headers"])
            given = next((value for name, value in headers if name == b"authorization"), b"")
            if not hmac.compare_digest(given, self._wanted):
                error = {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}
                refusal = Response(orjson.dumps({"error": error}), 401, media_type="application/json")
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def listen(address: Address) -> socket.socket:
    if address.path is None:
        found = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address.host, address.port))
    else:
        if address.path.is_socket():
            address.path.unlink()  # left behind by a worker that was killed
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The mode is set before anything can connect: a socket that does not listen refuses everybody.
        found.bind(str(address.path))
        os.chmod(address.path, 0o600)  # noqa: PTH101
    found.listen(_BACKLOG)
    found.setblocking(False)
    return found
