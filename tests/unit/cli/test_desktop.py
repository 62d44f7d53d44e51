"""The window: which address it shows, and what is said where there can be none."""

import importlib
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dovetail.cli import desktop
from dovetail.cli.client import Server
from dovetail.cli.exits import Exit, Failure
from dovetail.settings import Settings


@dataclass
class Windows:
    """What pywebview is asked for."""

    settings: dict[str, object] = field(default_factory=dict[str, object])
    asked: list[object] = field(default_factory=list[object])

    def create_window(
        self, title: str, url: str, *, width: int, height: int, min_size: tuple[int, int], text_select: bool
    ) -> object:
        assert (width, height) > min_size
        assert text_select
        self.asked += [title, url]
        return None

    def start(self, *, gui: str | None, private_mode: bool, storage_path: str) -> None:
        del gui
        assert not private_mode
        self.asked.append(storage_path)


def test_it_shows_the_interface_and_keeps_a_login(tmp_path: Path) -> None:
    windows = Windows()
    desktop.show(Server("http://127.0.0.1:8080"), Settings(home=tmp_path), windows)
    assert windows.asked == ["Dovetail", "http://127.0.0.1:8080/ui/", str(tmp_path / "desktop")]
    assert windows.settings == {"ALLOW_DOWNLOADS": True}
    assert (tmp_path / "desktop").stat().st_mode & 0o777 == 0o700


def test_a_unix_socket_is_no_address_of_a_window(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Unix socket"):
        desktop.show(Server("unix:/run/d.sock"), Settings(home=tmp_path), Windows())


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(Failure, match=r"pip install 'dovetail\[desktop\]'") as raised:
        desktop.installed()
    assert raised.value.code == Exit.UNAVAILABLE


def test_a_port_that_is_taken_is_not_waited_for() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        assert desktop.free_port(taken) == 0
    assert desktop.free_port(taken) == taken
