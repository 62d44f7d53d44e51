"""A server inside this process, for a command that needs one while none runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from dovetail.cli import preflight
from dovetail.cli.client import Server, find_server, server_at
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock

if TYPE_CHECKING:
    from dovetail.settings import Settings

START_TIMEOUT = 60.0
_OWN: dict[str, object] = {"host": "127.0.0.1", "port": 0, "tls_cert": None, "tls_key": None, "trusted_proxies": ()}


class Serve(Protocol):
    """`gateway.server.serve`."""

    def __call__(
        self, settings: Settings, *, listening: Callable[[str], None], stop: asyncio.Event
    ) -> Coroutine[object, object, None]: ...


@contextmanager
def own_server(settings: Settings, serve: Serve | None = None, port: int = 0) -> Generator[str]:
    """The address of a server on loopback, at `port` or a free one. It holds the home folder and ends with the block.

    Raises Failure when the home folder is held by another process or the server cannot start.
    """
    server = settings.server.model_copy(update={**_OWN, "port": port, "drain_timeout": 1.0})
    thread = _ServerThread(settings.model_copy(update={"server": server}), serve or _gateway())
    with HomeLock(settings.home) as lock:
        thread.start()
        try:
            url = thread.url()
            lock.announce(url)
            yield url
        finally:
            thread.stop(server.drain_timeout + settings.fleet.stop_timeout + 5.0)


@contextmanager
def any_server(url: str | None, settings: Settings, port: int = 0) -> Generator[Server]:
    """The running server, or where none runs one of one's own, at `port` or a free one. Raises Failure."""
    found = find_server(url, settings.home)
    if found is not None:
        yield server_at(found, url, settings.home)
        return
    from dovetail import log

    preflight.check_engines(settings)
    preflight.check_folders(settings)
    # Failures reach the terminal as answers do; the log of a server of one's own would only cut through them.
    log.setup("text", "critical")
    with own_server(settings, port=port) as own:
        yield server_at(own, None, settings.home)


class _ServerThread:
    """Signals stay with the main thread, which alone decides when this one ends."""

    def __init__(self, settings: Settings, serve: Serve) -> None:
        self._settings = settings
        self._serve = serve
        self._known = threading.Event()
        self._url: str | None = None
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        # A daemon: when a second Ctrl-C ends the process, workers see their input close and leave.
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def url(self) -> str:
        if not self._known.wait(START_TIMEOUT):
            raise Failure(f"the server did not start within {START_TIMEOUT:g} s", Exit.UNAVAILABLE)
        if self._url is None:
            raise Failure(f"the server could not start: {self._failure}", Exit.UNAVAILABLE)
        return self._url

    def stop(self, deadline: float) -> None:
        """Ends the server, and waits `deadline` seconds at most for its workers to leave."""
        if self._loop is not None and self._ended is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(deadline)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as failure:  # noqa: BLE001  handed to the thread that waits
            self._failure = failure
        finally:
            self._known.set()

    async def _main(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(self._settings, listening=self._listening, stop=self._ended)

    def _listening(self, url: str) -> None:
        self._url = url
        self._known.set()


def _gateway() -> Serve:
    from dovetail.gateway import server

    return server.serve
