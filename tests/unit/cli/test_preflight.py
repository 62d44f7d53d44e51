from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dovetail.cli import preflight
from dovetail.cli.exits import Exit, Failure
from dovetail.settings import Settings


def settings(**sections: object) -> Settings:
    return Settings.model_validate(sections)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine_may_be_served(host: str) -> None:
    preflight.check(settings(server={"host": host}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "localhost.example.org", ""])
def test_others_may_not_unless_it_is_wanted(host: str) -> None:
    with pytest.raises(Failure, match="--insecure") as raised:
        preflight.check(settings(server={"host": host}))
    assert raised.value.code is Exit.USAGE
    preflight.check(settings(server={"host": host, "insecure": True}))


def test_an_external_server_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for binary, reason in (("auto", "not on the PATH"), (str(tmp_path / "none"), "no program")):
        with pytest.raises(Failure, match=reason) as raised:
            preflight.check(settings(engines={"gguf": {"binary": binary}}))
        assert raised.value.code is Exit.UNAVAILABLE
    preflight.check(settings(engines={"gguf": {"binary": sys.executable}}))


def test_one_engine_is_enough_and_none_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "ENGINE_MODULES", {"gguf": "no_such_engine", "mlx": "json"})
    preflight.check_engines(settings())
    monkeypatch.setattr(preflight, "ENGINE_MODULES", {"gguf": "no_such_engine"})
    with pytest.raises(Failure, match="pip install") as raised:
        preflight.check_engines(settings())
    assert raised.value.code is Exit.UNAVAILABLE


def test_model_folders_must_be_folders(tmp_path: Path) -> None:
    preflight.check(settings(catalog={"folders": [tmp_path]}))
    for missing in (tmp_path / "none", Path(__file__)):
        with pytest.raises(Failure, match="does not exist") as raised:
            preflight.check(settings(catalog={"folders": [missing]}))
        assert raised.value.code is Exit.CONFIG


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_model_folders_must_be_readable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(Failure, match="cannot be read"):
        preflight.check(settings(catalog={"folders": [closed]}))
