"""`dovetail engine`, with stand-ins for pip and the compiler."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.engines.base import installed
from dovetail.engines.native import Card, builds, write
from dovetail.hardware.machine import machine

Capture = pytest.CaptureFixture[str]
VERSION = installed("xllamacpp")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="engines are not compiled on Windows")


def compiled(home: Path, version: str = VERSION) -> Path:
    """A build as `dovetail engine build` leaves it."""
    import platform

    folder = home / "engines" / f"xllamacpp-{version}"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "llama-quantize").touch()
    write(folder, Card(version, platform.machine(), "EPYC", machine().processor.simd, ("AVX512",), 1))
    return folder


def test_what_is_there_and_away_with_it(tmp_path: Path, capsys: Capture) -> None:
    home = ("--home", str(tmp_path))
    assert run(["engine", "list", *home]) == 0
    assert f"in use: the wheel, xllamacpp {VERSION}" in capsys.readouterr().out
    folder = compiled(tmp_path)
    compiled(tmp_path, "2020.1.1")
    assert run(["engine", "list", "--json", *home]) == 0
    old, new = json.loads(capsys.readouterr().out)
    assert (old["in_force"], new["in_force"], new["folder"]) == (False, True, str(folder))
    assert run(["engine", "list", *home]) == 0
    assert "not used" in capsys.readouterr().out
    assert run(["engine", "remove", "xllamacpp-2020.1.1", *home]) == 0
    assert [build.folder for build in builds(tmp_path)] == [folder]
    assert run(["engine", "remove", "nothing", *home]) == Exit.USAGE
    (tmp_path / "engines" / "work").mkdir()
    assert run(["engine", "remove", *home]) == 0
    assert not (tmp_path / "engines" / "work").exists()
    assert builds(tmp_path) == []


def test_a_build_that_cannot_begin_is_one_line_and_a_code(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["engine", "build", "--home", str(tmp_path)]) == Exit.UNAVAILABLE
    assert "a C++ compiler, cmake, ninja or make must be installed first" in capsys.readouterr().err


def test_the_packed_application_says_that_it_compiles_nothing(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)  # as PyInstaller does
    assert run(["engine", "build", "--home", str(tmp_path)]) == Exit.FAILED
    assert "has no pip" in capsys.readouterr().err
