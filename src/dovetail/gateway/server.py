"""The process's outside: the listening socket, signals, and a shutdown that lets answers finish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Unpack, cast

import structlog
import uvicorn

from dovetail.core.observe import Observer
from dovetail.gateway import tls, unix_socket
from dovetail.gateway.app import create_app
from dovetail.gateway.handshakes import Hall, Handshake, Handshakes
from dovetail.gateway.protocol import Limits, guarded
from dovetail.gateway.services import Parts, Services, services
from dovetail.gateway.views import MLX_PORT
from dovetail.settings import ServerSettings, Settings

log = structlog.stdlib.get_logger(__name__)

_BACKLOG = 2048
_CUT_WITHIN = 2.0
# Connections of one address, where others than this machine's users reach the server.
EXPOSED_CONNECTIONS = 256
_START_WITHIN = 10.0
# Of older servers; `gateway.views` says what differs there.
COMPAT_PORTS = (MLX_PORT, 8082, 8083, 8084, 4000, 8000, 3000, 5173)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# As a shell counts it: 128 and the number of SIGINT.
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Started:
    """Where the server listens; `host` is a path where that is a Unix socket."""

    host: str
    port: int
    services: Services
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The address to give to clients."""
        if self.scheme == "unix":
            return f"unix:{self.host}"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  compared, not bound
        return f"{self.scheme}://{f'[{host}]' if ':' in host and '[' not in host else host}:{self.port}"


async def serve(
    settings: Settings,
    *,
    listening: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
    **parts: Unpack[Parts],
) -> None:
    """Serves until SIGINT, SIGTERM or `stop`, then lets running answers finish and stops every worker.

    `listening` gets the server's URL once it answers. A second signal ends the process at once. Raises OSError
    when the address cannot be had.
    """
    async with running(settings, **parts) as started:
        if listening is not None:
            listening(started.url)
        with _signals(stop or asyncio.Event()) as asked:
            await asked.wait()
        log.info("shutting_down", requests=started.services.door.inside)


@asynccontextmanager
async def running(settings: Settings, **parts: Unpack[Parts]) -> AsyncGenerator[Started, None]:
    """The server, answering while the context is open; leaving it drains, then stops the workers."""
    with _bound(settings.server) as listeners:
        listener = listeners[0]
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate = await asyncio.to_thread(tls.certificate, settings.server.tls_cert, settings.server.tls_key)
        async with services(settings, **parts) as built, tls.watched(certificate):
            server = _server(settings.server, built, certificate)
            # No task group: one around a yield would wrap whatever the caller raises.
            serving = asyncio.create_task(server.serve(listeners), name="http server")
            try:
                await server.accepting(serving)
                if settings.server.unix_socket is not None:
                    yield Started(listener.getsockname(), 0, built, "unix")
                else:
                    host, port = listener.getsockname()[:2]
                    yield Started(host, port, built, "http" if certificate is None else "https")
                await _drain(server, built)
            finally:
                server.should_exit = True
                await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which raise again what they caught, and with bounds on TLS handshakes."""

    def __init__(self, config: uvicorn.Config, limits: Limits, observer: Observer) -> None:
        super().__init__(config)
        self._limits = limits
        self._observer = observer
        self._accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        loop, config = asyncio.get_running_loop(), self.config
        protocol = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
        made = partial(protocol, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        if config.ssl is None:
            self.servers = [await loop.create_server(made, sock=each) for each in sockets or ()]
        else:
            shake, hall = Handshake(made, config.ssl, self._limits.head_timeout), Hall(self._limits, self._observer)
            servers = [Handshakes(each, shake, hall) for each in sockets or ()]
            self.servers = cast("list[asyncio.Server]", servers)  # of which uvicorn wants no more than their end
        self.started = True
        self._accepting.set()

    async def accepting(self, serving: asyncio.Task[None]) -> None:
        """Returns once connections are accepted, or `serving` has ended before that."""
        accepting = asyncio.ensure_future(self._accepting.wait())
        await asyncio.wait([accepting, serving], timeout=_START_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        accepting.cancel()


def _server(settings: ServerSettings, built: Services, certificate: tls.Certificate | None) -> _Server:
    limits = Limits(
        settings.head_timeout,
        settings.stall_timeout,
        settings.max_connections,
        settings.address_connections or (EXPOSED_CONNECTIONS if settings.exposed else None),
        settings.trusted_proxies,
    )
    return _Server(
        uvicorn.Config(
            create_app(built),
            http=guarded(limits, built.insight.observer),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ssl_context_factory=None if certificate is None else lambda _config, _usual: certificate.context,
            timeout_keep_alive=int(settings.idle_timeout),
            timeout_graceful_shutdown=int(_CUT_WITHIN),
        ),
        limits,
        built.insight.observer,
    )


async def _drain(server: uvicorn.Server, built: Services) -> None:
    """No new connections, no new requests; what runs has its time, then gets an error of its dialect."""
    built.door.shut = True
    built.streams.cut()
    for listener in server.servers:
        listener.close()
    loop = asyncio.get_running_loop()
    ends = loop.time() + built.settings.server.drain_timeout
    done = await built.door.empty(ends - loop.time()) and await built.runs.quiet(max(0.0, ends - loop.time()))
    if not done:
        log.warning("answers_cut", requests=built.door.inside)
        built.requests.cut()
        await built.door.empty(_CUT_WITHIN)
        await built.runs.quiet(_CUT_WITHIN)


@contextlib.contextmanager
def _bound(settings: ServerSettings) -> Generator[list[socket.socket], None, None]:
    """The server's own first. Raises OSError, whose `filename` is the port where it is one of several."""
    with contextlib.ExitStack() as owned:
        if settings.unix_socket is not None:
            yield [owned.enter_context(unix_socket.bound(settings.unix_socket, _BACKLOG))]
            return
        listeners = [owned.enter_context(contextlib.closing(_listener(settings.host, settings.port)))]
        for port in COMPAT_PORTS if settings.compat_ports else ():
            if port == settings.port:
                continue
            try:
                listeners.append(owned.enter_context(contextlib.closing(_listener(settings.host, port))))
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(port)) from None
        yield listeners


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            # Elsewhere this option lets two processes share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _signals(asked: asyncio.Event) -> Generator[asyncio.Event, None, None]:
    """Sets `asked` at the first signal; the handlers stay for the drain, in which a second one ends the process."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if asked.is_set():
            # Workers leave when their lifelines close.
            os._exit(_INTERRUPTED)
        asked.set()

    for number in _SIGNALS:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(number, on_signal)
    yield asked
