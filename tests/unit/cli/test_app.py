from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail import __version__
from dovetail.cli import app, diagnosis
from dovetail.cli.app import COMMANDS, run
from dovetail.cli.diagnosis import Finding
from dovetail.cli.exits import MEANINGS, Exit
from dovetail.cli.home import HomeLock
from dovetail.core.request import Json
from dovetail.gateway import server as gateway_server

from .scripted import ScriptedServer

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOVETAIL_CONFIG", raising=False)
    return tmp_path / "home"


def test_help_names_every_command(capsys: Capture) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        assert run(arguments) == 0
        out = capsys.readouterr().out
        assert all(re.search(rf"^  {name}\b", out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version(arguments: list[str], capsys: Capture) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"dovetail {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["serv"], Exit.USAGE, r"No such command 'serv'. Did you mean 'serve'\? \(see dovetail --help\)"),
        (["serve", "--prot"], Exit.USAGE, r"No such option: --prot.*\(see dovetail serve --help\)"),
        (["serve", "--port", "70000"], Exit.USAGE, "Invalid value for '--port'.*"),
        (["serve", "--host", "0.0.0.0"], Exit.USAGE, "refusing to listen on 0.0.0.0.*"),
        (
            ["serve", "--models-dir", "/no/such/folder"],
            Exit.CONFIG,
            "the model folder /no/such/folder does not exist.*",
        ),
        (["serve", "--config", "/no/such.toml"], Exit.CONFIG, "/no/such.toml: no such file"),
        (["load"], Exit.USAGE, "Missing argument.*"),
        (["list"], Exit.UNAVAILABLE, "no server is running; start one with: dovetail serve"),
        (["load", "m"], Exit.UNAVAILABLE, "no server is running.*"),
        (["unload", "m"], Exit.UNAVAILABLE, "no server is running.*"),
        (["list", "--url", "nonsense"], Exit.USAGE, "nonsense is no address.*"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(arguments: list[str], code: Exit, line: str, capsys: Capture) -> None:
    assert run(arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(f"dovetail: {line}\n", said.err)


def test_a_host_that_has_no_address_is_said(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(gateway_server, "serve", serve)
    assert run(["serve", "--host", "nowhere", "--insecure"]) == Exit.UNAVAILABLE
    assert capsys.readouterr().err == "dovetail: there is no address nowhere: Name or service not known\n"


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_the_configuration_file_is_read(home: Path, capsys: Capture) -> None:
    home.mkdir()
    (home / "dovetail.toml").write_text("[server]\nprot = 1\n")
    assert run(["serve"]) == Exit.CONFIG
    assert capsys.readouterr().err == f"dovetail: {home}/dovetail.toml: server.prot: unknown key; did you mean port?\n"


def test_two_servers_do_not_share_a_home_folder(home: Path, capsys: Capture) -> None:
    with HomeLock(home):
        assert run(["serve", "--port", "0"]) == Exit.LOCKED
    assert "is in use by process" in capsys.readouterr().err


def test_failures_nobody_foresaw_are_one_line_too(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("by zero")

    broken_app = app.typer.Typer()
    broken_app.command()(broken)
    monkeypatch.setattr(app, "app", broken_app)
    assert run([]) == Exit.FAILED
    assert capsys.readouterr().err.startswith("dovetail: unexpected ZeroDivisionError: by zero (DOVETAIL_TRACEBACK=1")
    monkeypatch.setenv("DOVETAIL_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run([])


@pytest.mark.parametrize("ending", [KeyboardInterrupt, app.typer.Abort])
def test_ctrl_c_is_130(ending: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        raise ending

    stopped_app = app.typer.Typer()
    stopped_app.command()(stopped)
    monkeypatch.setattr(app, "app", stopped_app)
    assert run([]) == Exit.INTERRUPTED


def test_list_shows_a_table(server: ScriptedServer, capsys: Capture) -> None:
    models: list[Json] = [
        {"id": "tiny-gguf", "format": "gguf", "state": "ready", "context": 8192, "size": 5_000_000},
        {"id": "odd"},
        {"id": "placed", "placement": {"memory": 1 << 20, "gpu_layers": 7, "layers": 9, "device_memory": 2 << 30}},
        {"id": "new", "placement": {"memory": None, "reserved": 3 << 20, "gpu_layers": 0}},
    ]
    server.on("GET /v1/models", {"data": [*models, "no model"]})
    assert run(["list", "--url", server.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MODEL      FORMAT  STATE  CONTEXT  SIZE     MEMORY   GPU",
        "tiny-gguf  gguf    ready  8192     4.8 MiB  -        -",
        "odd        -       -      -        -        -        -",
        "placed     -       -      -        -        1.0 MiB  7/9 layers, 2.0 GiB",
        "new        -       -      -        -        3.0 MiB  -",
    ]
    assert run(["list", "--json", "--url", server.url]) == 0
    assert json.loads(capsys.readouterr().out) == models


def test_list_of_nothing(server: ScriptedServer, capsys: Capture) -> None:
    server.on("GET /v1/models", {"data": []})
    assert run(["list", "--url", server.url]) == 0
    assert capsys.readouterr().out.startswith("no models:")


def test_load_and_unload(server: ScriptedServer, home: Path, capsys: Capture) -> None:
    server.on("POST /models/load", {"success": True})
    server.on("POST /models/unload", {"success": True})
    with HomeLock(home) as lock:
        lock.announce(server.url)
        assert run(["load", "m"]) == 0
        assert run(["unload", "m", "--json"]) == 0
    assert server.bodies == [{"model": "m"}, {"model": "m"}]
    assert capsys.readouterr().out == 'm is loaded\n{"success": true}\n'


def test_a_refusal_of_the_server_is_passed_on(server: ScriptedServer, capsys: Capture) -> None:
    server.on("POST /models/load", {"error": {"message": "model 'm' does not exist"}}, 404)
    assert run(["load", "m", "--url", server.url]) == Exit.FAILED
    assert capsys.readouterr().err == "dovetail: model 'm' does not exist\n"


def test_the_openapi_document_is_sorted(capsys: Capture) -> None:
    assert run(["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "/v1/chat/completions" in document["paths"]
    assert list(document) == sorted(document)


def test_doctor_ends_with_the_code_of_the_first_failure(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        Finding("memory", "ok", "8 GiB"),
        Finding("gguf engine", "note", "no AVX512", "build one"),
        Finding("home", "fail", "cannot be written", "choose another", Exit.CONFIG),
        Finding("port", "fail", "in use", exit=Exit.UNAVAILABLE),
    ]

    def diagnose(_home: Path | None, _config: Path | None) -> list[Finding]:
        return findings

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    assert run(["doctor"]) == Exit.CONFIG
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok    memory         8 GiB"
    assert lines[2].strip() == "-> build one"
    assert run(["doctor", "--json"]) == Exit.CONFIG
    document = json.loads(capsys.readouterr().out)
    assert [finding["status"] for finding in document["findings"]] == ["ok", "note", "fail", "fail"]


def test_short_commands_import_little() -> None:
    heavy = {"fastapi", "aiohttp", "structlog", "pydantic", "rich", "mlx", "xllamacpp", "numpy"}
    program = f"import sys, dovetail.cli.app; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
