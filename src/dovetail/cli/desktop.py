"""`dovetail desktop`: the web interface in a window of its own."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Protocol, cast

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.options import Config, Home, Url, configured
from dovetail.cli.own_server import any_server

if TYPE_CHECKING:
    from dovetail.cli.client import Server
    from dovetail.settings import Settings

_SIZE = (1280, 860)
_LEAST = (390, 560)


class Windows(Protocol):
    """The module `webview` of pywebview."""

    settings: dict[str, object]

    def create_window(
        self, title: str, url: str, *, width: int, height: int, min_size: tuple[int, int], text_select: bool
    ) -> object: ...

    def start(self, *, gui: str | None, private_mode: bool, storage_path: str) -> None:
        """Blocks until the last window is closed. Only on the main thread."""
        ...


def desktop(*, url: Url = None, home: Home = None, config: Config = None) -> None:
    """Open the web interface in a window, with a server of its own where none runs; that ends with the window."""
    windows = installed()
    settings = configured(home, config)
    with any_server(url, settings, port=free_port(settings.server.port)) as server:
        show(server, settings, windows)


def show(server: Server, settings: Settings, windows: Windows) -> None:
    """Blocks until the window is closed. What it keeps between two times, a login above all, is in the home folder."""
    if server.url.startswith("unix:"):
        raise Failure("the server listens on a Unix socket, which a window cannot open", Exit.UNAVAILABLE)
    windows.settings["ALLOW_DOWNLOADS"] = True
    windows.create_window(
        "Dovetail", f"{server.url}/ui/", width=_SIZE[0], height=_SIZE[1], min_size=_LEAST, text_select=True
    )
    kept = settings.home / "desktop"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What the extra installs on Linux; else it would try GTK first, and complain.
    windows.start(gui="qt" if sys.platform == "linux" else None, private_mode=False, storage_path=str(kept))


def installed() -> Windows:
    """Raises Failure where the extra is not installed."""
    try:
        return cast("Windows", importlib.import_module("webview"))
    except ImportError as error:
        raise Failure(
            f"no windows can be opened: {error}; install them with: pip install 'dovetail[desktop]'", Exit.UNAVAILABLE
        ) from None


def free_port(wanted: int) -> int:
    """`wanted`, so that the window finds what it kept under this address; 0 where another program has it."""
    with closing(socket.socket()) as tried:
        if os.name == "posix":
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted
