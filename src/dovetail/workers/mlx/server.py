"""The worker process: its socket, its signals, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Generator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import uvicorn

from dovetail.workers.mlx.app import build_app
from dovetail.workers.mlx.engine import Engine
from dovetail.workers.mlx.loop import SAVE_S, Settings

_DRAIN_S = 1
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's path, or a loopback port with the secret that requests must carry."""

    path: Path | None
    host: str = "127.0.0.1"
    port: int = 0
    secret: str | None = None


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: this process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(settings: Settings, address: Address, default_tokens: int) -> int:
    """Serve until SIGTERM, or until the model turns out not to load; the exit status."""
    listening = _listen(address)
    engine = Engine(settings, f"mlx-lm {version('mlx-lm')}")
    app = build_app(engine, default_tokens=default_tokens, secret=address.secret)
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
    server = _Server(config)
    _on_terminate(server, engine)
    engine.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_follow(engine, server))
            await server.serve(sockets=[listening])
            watching.cancel()
    finally:
        if address.path is not None:
            address.path.unlink(missing_ok=True)
    engine.generation.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(engine.ended.wait(), _DRAIN_S / 2 + (SAVE_S if settings.kv_folder is not None else 0))
    if engine.generation.failure is not None:
        print(f"ERROR {engine.generation.failure}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


async def _follow(engine: Engine, server: uvicorn.Server) -> None:
    """End the process when the generation thread has ended: nothing could be served any more."""
    await engine.ended.wait()
    server.should_exit = True


def _on_terminate(server: uvicorn.Server, engine: Engine) -> None:
    """The parent alone decides: an interrupt at the terminal reaches the whole process group, and is ignored here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def terminate(*_: object) -> None:
        engine.generation.stop()
        server.should_exit = True

    if sys.platform == "win32":
        signal.signal(signal.SIGTERM, terminate)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)


def _listen(address: Address) -> socket.socket:
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
