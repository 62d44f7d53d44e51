"""The worker process: its socket, its signals, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from dovetail.workers import listener
from dovetail.workers.listener import Address, Server
from dovetail.workers.whisper.app import Routes, build_app
from dovetail.workers.whisper.ear import open_ear


@dataclass(frozen=True, slots=True)
class Settings:
    """How the model is loaded."""

    model: Path
    threads: int
    gpu: bool


async def serve(settings: Settings, address: Address) -> int:
    """Serves until SIGTERM, or until the model turns out not to load; the exit status."""
    listening = listener.listen(address)
    routes = Routes(settings.model)
    server = listener.server(build_app(routes, address.secret))
    _on_terminate(server)
    try:
        async with asyncio.TaskGroup() as tasks:
            loading = tasks.create_task(_load(settings, routes, server))
            await server.serve(sockets=[listening])
    finally:
        if address.path is not None:
            address.path.unlink(missing_ok=True)
    return loading.result()


async def _load(settings: Settings, routes: Routes, server: Server) -> int:
    try:
        await routes.load(lambda: open_ear(settings.model, settings.threads, gpu=settings.gpu))
    except Exception as error:  # noqa: BLE001  whatever it is, the model does not load
        print(f"ERROR {error}", file=sys.stderr, flush=True)  # noqa: T201
        server.should_exit = True
        return 1
    return 0


def _on_terminate(server: Server) -> None:
    """The parent alone decides: an interrupt at the terminal reaches the whole process group, and is ignored here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def terminate(*_: object) -> None:
        server.should_exit = True

    if sys.platform == "win32":
        signal.signal(signal.SIGTERM, terminate)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
