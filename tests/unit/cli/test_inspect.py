from __future__ import annotations

import json
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.demo import models_dir

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("target", ["tiny-gguf-q8", str(next((models_dir() / "tiny-gguf-q8").glob("*.gguf")))])
def test_a_model_by_id_and_by_path(capsys: Capture, target: str) -> None:
    assert run(["inspect", target]) == Exit.OK
    out = capsys.readouterr().out
    assert "Q: Q8_0  K: Q8_0  V: Q8_0" in out
    assert "general.architecture = 'llama'" in out
    assert run(["inspect", target, "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["types"][0]["type"] == "Q8_0"


def test_a_broken_folder_fails_and_says_how_to_mend_it(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "ev\x1b[31mil.py").write_text("")
    assert run(["inspect", str(folder)]) == Exit.FAILED
    out = capsys.readouterr().out
    assert "no model*.safetensors" in out
    assert "-> download the missing shards" in out
    assert "\x1b[31mil" not in out


@pytest.mark.parametrize(("target", "reason"), [("nobody", "does not exist"), (__file__, "not a GGUF file")])
def test_what_is_no_model_is_one_line(capsys: Capture, target: str, reason: str) -> None:
    assert run(["inspect", target]) == Exit.FAILED
    assert reason in capsys.readouterr().err
