"""The worker process: its socket, its signals, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from importlib.metadata import version

import uvicorn

from dovetail.workers import listener
from dovetail.workers.listener import Address
from dovetail.workers.mlx.app import build_app
from dovetail.workers.mlx.engine import Engine
from dovetail.workers.mlx.loop import SAVE_S, Settings

_DRAIN_S = 1


async def serve(settings: Settings, address: Address, default_tokens: int) -> int:
    """Serve until SIGTERM, or until the model turns out not to load; the exit status."""
    listening = listener.listen(address)
    engine = Engine(settings, f"mlx-lm {version('mlx-lm')}")
    app = build_app(engine, default_tokens=default_tokens, secret=address.secret)
    server = listener.server(app)
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
