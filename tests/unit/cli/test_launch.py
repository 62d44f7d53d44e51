from __future__ import annotations

import json
import stat
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.cli.home import HomeLock
from dovetail.cli.setups import SETUPS, Places, Setup, Target
from dovetail.core.request import JsonObject

from .scripted import ScriptedServer

Capture = pytest.CaptureFixture[str]
MODELS = "GET /v1/models"
BIG: JsonObject = {"id": "big", "context": 65536, "capabilities": ["chat", "tools"], "aliases": ["large"]}
SMALL: JsonObject = {"id": "small", "context": 4096, "capabilities": ["chat"], "aliases": ["little"]}
RANKS: JsonObject = {"id": "ranks", "context": 512, "capabilities": ["rerank"], "aliases": []}
FILES = {
    "claude": ".claude/dovetail.json",
    "codex": ".codex/dovetail.config.toml",
    "opencode": ".config/opencode/dovetail.json",
    "aider": ".aider.dovetail.env",
    "continue": ".continue/models/dovetail.yaml",
    "open-webui": ".config/open-webui/dovetail.env",
}


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, and no key in the environment."""
    for name in ("DOVETAIL_API_KEY", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "VITE_LLAMACPP_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "dovetail"))
    return tmp_path


def launched(server: ScriptedServer, capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert run(["launch", *arguments, "--json", "--url", server.url]) == Exit.OK
    return json.loads(capsys.readouterr().out)


def setup(client: str, **fields: Any) -> Setup:
    return SETUPS[client](replace(Target("http://h:1", "m"), **fields), Places(Path("/u"), {}))


@pytest.mark.parametrize("client", list(SETUPS))
def test_each_client_is_told_address_key_and_model(
    client: str, server: ScriptedServer, capsys: Capture, user: Path
) -> None:
    server.on(MODELS, {"data": [BIG, SMALL]})
    told = launched(server, capsys, client, "-m", "big", "--key", "dt_k")
    assert (told["client"], told["model"], told["file"]) == (client, "big", str(user / FILES[client]))
    for part in (server.url, "big", "dt_k"):
        assert part in told["content"]
    assert not Path(told["file"]).exists()
    assert not told["written"]


def test_the_file_is_written_privately_and_what_was_there_is_kept(
    server: ScriptedServer, capsys: Capture, user: Path
) -> None:
    server.on(MODELS, {"data": [BIG]})
    file = user / FILES["claude"]
    first = launched(server, capsys, "claude", "--write")
    assert (first["written"], first["backup"]) == (True, None)
    assert json.loads(file.read_text()) == json.loads(first["content"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert launched(server, capsys, "claude", "--write")["backup"] is None  # the same again
    for number in (1, 2):
        file.write_text(f"mine {number}")
        again = launched(server, capsys, "claude", "--write")
        assert Path(again["backup"]).read_text() == f"mine {number}"
        assert file.read_text() == first["content"]
    assert {path.name for path in file.parent.iterdir()} == {
        "dovetail.json",
        *(f"dovetail.json.{n}.bak" for n in (1, 2)),
    }


def test_without_write_the_content_alone_is_on_stdout(server: ScriptedServer, capsys: Capture) -> None:
    server.on(MODELS, {"data": [BIG]})
    assert run(["launch", "codex", "--url", server.url]) == Exit.OK
    shown = capsys.readouterr()
    assert tomllib.loads(shown.out)["model"] == "big"
    assert "codex --profile dovetail" in shown.err


def test_a_file_that_cannot_be_written_is_named(server: ScriptedServer, capsys: Capture, user: Path) -> None:
    server.on(MODELS, {"data": [BIG]})
    (user / ".claude").write_text("")
    assert run(["launch", "claude", "--write", "--url", server.url]) == Exit.FAILED
    assert "dovetail.json cannot be written" in capsys.readouterr().err


def test_which_model(server: ScriptedServer, capsys: Capture) -> None:
    server.on(MODELS, {"data": [BIG, SMALL, RANKS]})
    assert launched(server, capsys, "aider", "-m", "large")["model"] == "large"
    assert run(["launch", "aider", "--url", server.url]) == Exit.USAGE
    assert "say which model with --model: big, small\n" in capsys.readouterr().err
    assert run(["launch", "aider", "-m", "none", "--url", server.url]) == Exit.FAILED
    assert "model 'none' does not exist; models here: big, small" in capsys.readouterr().err


def test_the_only_one_that_chats_needs_no_name_and_none_is_said(server: ScriptedServer, capsys: Capture) -> None:
    server.on(MODELS, {"data": [SMALL, RANKS]})
    server.on(MODELS, {"data": [RANKS]})
    assert launched(server, capsys, "opencode")["model"] == "small"
    assert run(["launch", "opencode", "--url", server.url]) == Exit.FAILED
    assert "dovetail pull" in capsys.readouterr().err


def test_a_model_that_is_too_small_or_calls_no_tools_is_told_of(server: ScriptedServer, capsys: Capture) -> None:
    server.on(MODELS, {"data": [BIG, SMALL]})
    notes = " ".join(launched(server, capsys, "claude", "-m", "small")["notes"])
    assert "models.small.context" in notes
    assert "calls no tools" in notes
    assert "models.small.context" in " ".join(launched(server, capsys, "claude", "-m", "little")["notes"])
    assert launched(server, capsys, "codex", "-m", "big")["notes"] == []


def test_a_server_that_wants_a_key_says_how_to_get_one(server: ScriptedServer, capsys: Capture) -> None:
    server.on(MODELS, {"error": {"message": "an API key is needed"}}, 401)
    assert run(["launch", "claude", "--url", server.url]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "an API key is needed" in told
    assert "dovetail key create" in told


def test_no_server_and_one_that_clients_cannot_reach(capsys: Capture, user: Path) -> None:
    assert run(["launch", "claude"]) == Exit.UNAVAILABLE
    assert "dovetail serve" in capsys.readouterr().err
    with HomeLock(user / "dovetail") as lock:
        lock.announce("unix:/tmp/dovetail.sock")
        assert run(["launch", "claude"]) == Exit.USAGE
    assert "cannot reach" in capsys.readouterr().err


def test_folders_that_the_environment_names_are_used() -> None:
    places = Places(Path("/u"), {"CLAUDE_CONFIG_DIR": "/a", "CODEX_HOME": "/b", "XDG_CONFIG_HOME": "/c"})
    found = [SETUPS[client](Target("http://h:1", "m"), places).file for client in ("claude", "codex", "opencode")]
    assert found == [Path("/a/dovetail.json"), Path("/b/dovetail.config.toml"), Path("/c/opencode/dovetail.json")]


def test_names_that_need_quotes_stay_whole(tmp_path: Path) -> None:
    model = 'a "b"\\c'
    assert tomllib.loads(setup("codex", model=model, key='k"').content)["model"] == model
    assert f"model: {json.dumps(model)}" in setup("continue", model=model).content
    assert json.loads(setup("opencode", model=model).content)["model"] == f"dovetail/{model}"
    for client, name, value in (
        ("open-webui", "DEFAULT_MODELS", "my * $HOME"),
        ("aider", "AIDER_MODEL", "openai/my * $HOME"),
    ):
        (file := tmp_path / "file.env").write_text(setup(client, model="my * $HOME").content)
        said = subprocess.run(
            ["sh", "-c", f'. {file}; printf %s "${name}"'], capture_output=True, text=True, check=True
        )
        assert said.stdout == value


def test_what_is_not_known_is_not_said() -> None:
    for client in ("claude", "codex", "opencode", "continue"):
        assert "ontext" not in setup(client).content
        assert "12345" in setup(client, context=12345).content
    assert "bearer" not in setup("codex").content
    assert "tool_use" not in setup("continue", calls_tools=False).content
