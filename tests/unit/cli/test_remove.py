"""`dovetail remove`: an entry goes, its files only where that is said, and never those of somebody else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.demo import models_dir
from dovetail.settings import Sources

Capture = pytest.CaptureFixture[str]
GGUF = next((models_dir() / "tiny-gguf-q8").glob("*.gguf"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "models").mkdir(parents=True)
    return tmp_path / "home"


def copied(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(GGUF, path)
    return path


def test_what_was_added_is_removed_and_its_file_stays(home: Path, tmp_path: Path, capsys: Capture) -> None:
    own = copied(tmp_path / "elsewhere" / "own.gguf")
    assert run(["add", str(own)]) == Exit.OK
    assert run(["remove", "own"]) == Exit.OK
    assert "own is served no longer" in capsys.readouterr().out
    assert "own" not in Sources(home=home, environ={}).load().models
    assert own.exists()
    assert run(["remove", "own"]) == Exit.FAILED
    assert "does not exist" in capsys.readouterr().err


def test_files_go_where_that_is_said(home: Path, tmp_path: Path, capsys: Capture) -> None:
    inside = copied(home / "models" / "inside" / "inside.gguf")
    assert run(["remove", "inside"]) == Exit.FAILED
    assert "--files" in capsys.readouterr().err
    assert inside.exists()
    assert run(["remove", "inside", "--files", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"removed": "inside", "files": [str(inside)]}
    assert not inside.parent.exists()
    own = copied(tmp_path / "elsewhere" / "own.gguf")
    assert run(["add", str(own)]) == Exit.OK
    assert run(["remove", "own", "--files"]) == Exit.OK
    assert not own.exists()


def test_what_is_not_the_servers_stays(home: Path, tmp_path: Path, capsys: Capture) -> None:
    assert home.exists()
    assert run(["remove", "tiny-gguf", "--files"]) == Exit.FAILED
    assert "comes with the package" in capsys.readouterr().err
    studio = copied(tmp_path / "user" / ".lmstudio" / "models" / "org" / "own-GGUF" / "own-Q8_0.gguf")
    assert run(["add", "lm-studio"]) == Exit.OK
    capsys.readouterr()
    assert run(["remove", "own-Q8_0", "--files"]) == Exit.FAILED
    assert "lm-studio" in capsys.readouterr().err
    assert studio.exists()
