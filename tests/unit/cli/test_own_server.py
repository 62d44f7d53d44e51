from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock, occupant
from dovetail.cli.own_server import own_server
from dovetail.settings import Settings


async def serves(settings: Settings, *, listening: Callable[[str], None], stop: asyncio.Event) -> None:
    listening(f"http://{settings.server.host}:{settings.server.port}")
    await stop.wait()
    (settings.home / "drained").touch()


async def cannot_start(settings: Settings, *, listening: Callable[[str], None], stop: asyncio.Event) -> None:
    del settings, listening, stop
    raise OSError("no sockets left")


def test_it_serves_on_a_free_loopback_port_and_holds_the_home(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "server": {"host": "192.0.2.1", "port": 9}})
    with own_server(settings, serves) as url:
        assert url == "http://127.0.0.1:0"
        holder = occupant(tmp_path)
        assert holder is not None
        assert holder.url == url
    assert (tmp_path / "drained").exists()
    assert occupant(tmp_path) is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no sockets left") as raised, own_server(Settings(home=tmp_path), cannot_start):
        pass
    assert raised.value.code is Exit.UNAVAILABLE
    assert occupant(tmp_path) is None


def test_a_home_that_is_held_is_left_alone(tmp_path: Path) -> None:
    with HomeLock(tmp_path), pytest.raises(Failure) as raised, own_server(Settings(home=tmp_path), serves):
        pass
    assert raised.value.code is Exit.LOCKED


def test_it_ends_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), own_server(Settings(home=tmp_path), serves):
        raise KeyboardInterrupt
    assert (tmp_path / "drained").exists()
