from __future__ import annotations

import json
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.settings import schema

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path))
    monkeypatch.delenv("DOVETAIL_CONFIG", raising=False)
    return tmp_path


def write(home: Path, text: str) -> Path:
    path = home / "dovetail.toml"
    path.write_text(text)
    return path


def test_a_sound_file_is_ok(home: Path, capsys: Capture) -> None:
    assert run(["config", "check"]) == Exit.OK
    assert "the defaults hold" in capsys.readouterr().out
    path = write(home, "[server]\nport = 9000\n")
    assert run(["config", "check"]) == Exit.OK
    assert capsys.readouterr().out == f"{path}: ok\n"


def test_each_mistake_has_a_line(home: Path, capsys: Capture) -> None:
    path = write(home, "[server]\nprot = 9000\n[fleet]\nmax_models = 0\n")
    assert run(["config", "check"]) == Exit.CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"dovetail: {path}: server.prot: unknown key; did you mean port?"
    assert lines[1].startswith(f"dovetail: {path}: fleet.max_models: must be greater")
    assert run(["config", "check", "--json"]) == Exit.CONFIG
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], len(said["mistakes"])) == (False, 2)


def test_what_is_named_must_be_there(home: Path, capsys: Capture) -> None:
    write(home, '[catalog]\nfolders = ["none"]\n')
    assert run(["config", "check"]) == Exit.CONFIG
    assert f"the model folder {home / 'none'} does not exist" in capsys.readouterr().err


def test_every_value_has_its_origin(home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(home, '[server]\nport = 9000\n[models."a.b"]\ncontext = 512\nsampling = { top_p = 0.5 }\n')
    monkeypatch.setenv("DOVETAIL_SERVER__HOST", "127.0.0.2")
    assert run(["config", "show", "--json"]) == Exit.OK
    lines = {line["key"]: line for line in json.loads(capsys.readouterr().out)}
    assert lines["server.port"] == {"key": "server.port", "value": 9000, "from": str(path)}
    assert lines["server.host"]["from"] == "environment"
    assert lines["strict"] == {"key": "strict", "value": False, "from": "default"}
    assert [key for key in lines if key.startswith("models")] == ["models.a.b.context", "models.a.b.sampling.top_p"]
    assert run(["config", "show"]) == Exit.OK
    assert f"= 9000  # {path}" in capsys.readouterr().out


def test_the_schema(capsys: Capture) -> None:
    assert run(["config", "schema"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == schema()
