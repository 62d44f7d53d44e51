"""`dovetail serve`."""

from __future__ import annotations

import errno
import shutil
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dovetail import __version__
from dovetail.cli import preflight
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock
from dovetail.cli.older_options import (
    Always,
    CacheGb,
    CompatPorts,
    Context,
    Flash,
    Kokoro,
    Layers,
    LogLevel,
    MemoryGb,
    Parallel,
    Whisper,
    WhisperModel,
    bounds,
    level,
    load_options,
    speech,
    with_model_path,
)
from dovetail.cli.options import Config, Home, ModelsConfig, ModelsDir, NoDemo, sources, texts
from dovetail.cli.pull import located
from dovetail.cli.quick_imports import quick_imports

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from dovetail.settings import Settings, Sources


_FILES = 65_536
_NO_SOCKET = {
    errno.EADDRINUSE: "another server listens at this socket: stop it, or choose another path",
    errno.EEXIST: "this is no socket: remove it, or choose another path",
    errno.EACCES: "this user may make no socket here",
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "there is no such folder",
}


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", "--addr", "-a", help="Address to listen on (default 127.0.0.1).")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", min=0, max=65_535, envvar="LLAMA_PORT", help="Port (default 8080); 0 takes a free one."
        ),
    ] = None,
    unix_socket: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Listen on this Unix socket instead of an address.")
    ] = None,
    home: Home = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", help="Also this one: a path, or owner/name:FILE on the hub. Repeatable."
        ),
    ] = None,
    models_dir: ModelsDir = None,
    config: Config = None,
    models_config: ModelsConfig = None,
    preload: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Load this model at start. Repeatable.")
    ] = None,
    context: Context = None,
    gpu_layers: Layers = None,
    parallel: Parallel = None,
    flash_attn: Flash = None,
    max_memory_gb: MemoryGb = None,
    max_kv_size: CacheGb = None,
    _always: Always = False,
    _kokoro_config: Kokoro = None,
    compat_ports: CompatPorts = False,
    enable_whisper: Whisper = False,
    whisper_model: WhisperModel = None,
    log_level: LogLevel = None,
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option(help="Log lines as text, to stderr, or as JSON, one object a line, to stdout."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log at level debug, the models' own lines too.")] = False,
    log_disable: Annotated[bool, typer.Option("--log-disable", help="Log nothing.")] = False,
    no_demo: NoDemo = False,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", envvar="LLAMA_API_KEY", help="Ask for this key, which is good for everything."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name this server is reached by. Repeatable.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Speak TLS with this certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Ask nobody who they are, beyond this machine too.")
    ] = False,
) -> None:
    """Serve the models of the home folder until Ctrl-C."""
    with quick_imports():
        from dovetail import log

    origin = sources(
        home,
        config,
        {
            "server.host": host,
            "server.port": port,
            "server.unix_socket": None if unix_socket is None else str(unix_socket.absolute()),
            "server.allowed_hosts": allowed_host,
            "server.tls_cert": None if tls_cert is None else str(tls_cert),
            "server.tls_key": None if tls_key is None else str(tls_key),
            "server.insecure": insecure or None,
            "server.compat_ports": compat_ports or None,
            "access.api_key": api_key,
            "catalog.folders": texts(models_dir),
            "catalog.demo": False if no_demo else None,
            "fleet.preload": preload,
            "log.format": log_format,
            "log.level": "off" if log_disable else "debug" if verbose else log_level and level(log_level),
            **load_options(context, gpu_layers, parallel, flash=flash_attn),
            **speech(whisper_model, enabled=enable_whisper),
            **bounds(max_memory_gb, max_kv_size),
        },
    )
    origin = with_model_path(replace(origin, models_config=models_config))
    settings = origin.load()
    if model:
        origin = replace(origin, folders=tuple(located(name, settings) for name in model))
        settings = origin.load()
    # As JSON the log is what this command puts out; as text it stands beside its greeting.
    log.setup(
        settings.log.format, settings.log.level, sys.stdout if settings.log.format == "json" else None, apart=True
    )
    preflight.check(settings)
    more_files()
    with HomeLock(settings.home) as lock:

        def listening(url: str) -> None:
            lock.announce(url)
            _greet(settings, url)

        _run(settings, origin, listening)


def more_files() -> None:
    """Lets this process have as many files open as it may: each connection is one, and many systems begin with 1024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has another bound beside
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _run(settings: Settings, origin: Sources, listening: Callable[[str], None]) -> None:
    with quick_imports():
        from dovetail.access.super_admin import RecordUnusable
        from dovetail.gateway import server
        from dovetail.storage.database import DatabaseUnusable
        from dovetail.telemetry.traces import TracesUnavailable

    try:
        run_loop(server.serve(settings, listening=listening, sources=origin))
    except KeyboardInterrupt:
        return
    except (DatabaseUnusable, RecordUnusable, TracesUnavailable) as error:
        raise Failure(str(error), Exit.CONFIG) from None
    except socket.gaierror as error:
        raise Failure(f"there is no address {settings.server.host}: {error.strerror}", Exit.UNAVAILABLE) from None
    except OSError as error:
        if settings.server.unix_socket is not None and error.errno in _NO_SOCKET:
            raise Failure(f"{settings.server.unix_socket}: {_NO_SOCKET[error.errno]}", Exit.UNAVAILABLE) from None
        port = error.filename or settings.server.port  # of several the one that cannot be had
        where = f"{settings.server.host}:{port}"
        match error.errno:
            case errno.EADDRINUSE:
                reason = f"port {port} is in use: stop what uses it, or choose another with --port"
            case errno.EACCES:
                reason = f"this user may not listen on {where}: choose a port from 1024 on with --port"
            case errno.EADDRNOTAVAIL:
                reason = f"this machine has no address {settings.server.host}"
            case _:
                raise
        raise Failure(reason, Exit.UNAVAILABLE) from None


def run_loop(main: Coroutine[object, object, None]) -> None:
    """Runs `main` on uvloop where it exists."""
    import asyncio

    factory: Callable[[], AbstractEventLoop] | None = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def _greet(settings: Settings, url: str) -> None:
    if settings.log.format == "json":
        import structlog

        structlog.stdlib.get_logger("dovetail").info("listening", url=url, version=__version__)
        return
    from dovetail.settings import default_home

    at = "" if settings.home == default_home() else f" --url {url}"
    with suppress(OSError):  # a full disk or a closed pipe: nobody reads it
        typer.echo(f"Dovetail {__version__} at {url} - try: {_program()} chat{at}")
        sys.stdout.flush()


def _program() -> str:
    """How this command was called, so that the line can be pasted."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m dovetail"
    return called.name if shutil.which(called.name) else str(called)
