from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.diagnosis import elsewhere
from dovetail.cli.exits import Exit
from dovetail.demo import models_dir
from dovetail.settings import Settings, Sources

Capture = pytest.CaptureFixture[str]
GGUF = next((models_dir() / "tiny-gguf-q8").glob("*.gguf"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    folder = tmp_path / "user" / ".lmstudio" / "models"
    model = folder / "org" / "own-GGUF"
    model.mkdir(parents=True)
    shutil.copy(GGUF, model / "own-Q8_0.gguf")
    return folder


def test_a_file_is_added_once(home: Path, tmp_path: Path, capsys: Capture) -> None:
    own = tmp_path / "own.gguf"
    shutil.copy(GGUF, own)
    home.mkdir()
    (home / "dovetail.toml").write_text("# kept\n")
    assert run(["add", str(own)]) == Exit.OK
    assert "served now: own" in capsys.readouterr().out
    assert (home / "dovetail.toml").read_text().startswith("# kept\n")
    assert Sources(home=home, environ={}).load().models["own"].path == own
    assert run(["add", str(own), "--id", "other"]) == Exit.OK
    assert "served already" in capsys.readouterr().out
    other = tmp_path / "second" / "own.gguf"
    other.parent.mkdir()
    shutil.copy(GGUF, other)
    assert run(["add", str(other)]) == Exit.FAILED
    assert "choose another name" in capsys.readouterr().err
    assert run(["add", str(other), "--id", "second", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"added": ["second"]}


@pytest.mark.parametrize("target", ["nothing.gguf", "ollama", __file__])
def test_what_is_none_is_not_added(home: Path, target: str, capsys: Capture) -> None:
    assert run(["add", target]) == Exit.FAILED
    assert capsys.readouterr().err
    assert not (home / "dovetail.toml").exists()


def test_another_programs_models_are_shown_told_and_added(home: Path, studio: Path, capsys: Capture) -> None:
    assert run(["list", "--found"]) == Exit.OK
    assert "own-GGUF" in capsys.readouterr().out
    assert run(["list", "--found", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)[0]["models"][0]["format"] == "gguf"
    (finding,) = elsewhere(Settings(home=home))
    assert (finding.fact, finding.advice) == (f"lm-studio has 1 model in {studio}", "dovetail add lm-studio")
    assert run(["add", "lm-studio"]) == Exit.OK
    settings = Sources(home=home, environ={}).load()
    assert settings.catalog.folders == (studio,)
    assert list(elsewhere(settings)) == []


def test_nothing_found_is_said(capsys: Capture) -> None:
    assert run(["list", "--found"]) == Exit.OK
    assert "nothing found" in capsys.readouterr().out
