"""The real command in processes of its own, with real engines and the models of the package."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil
import pytest

from dovetail.core.request import JsonObject

pytest.importorskip("xllamacpp")
DEADLINE = 60.0
FRANCE = "What is the capital of France?"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dovetail", *arguments]


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    options = () if arguments[0] in ("version", "openapi") else ("--home", str(home))
    return subprocess.run(
        command(*arguments, *options),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def serving(home: Path, *options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port and the line that says so."""
    arguments = command("serve", "--home", str(home), "--port", "0", *options)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        deadline = threading.Timer(2 * DEADLINE, process.kill)
        deadline.start()
        try:
            yield process, process.stdout.readline()
        finally:
            deadline.cancel()
            process.kill()


def get(url: str) -> JsonObject:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310  our own server's
        return cast("JsonObject", json.load(response))


def url_in(greeting: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", greeting)
    assert found is not None, greeting
    return found[0]


def all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not alive


@pytest.mark.bad_input("62")
@pytest.mark.accept("E4", "E5", "E6", "A4")
def test_a_server_and_the_commands_that_talk_to_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--preload", "tiny-gguf") as (process, greeting):
        url = url_in(greeting)
        assert greeting.count("\n") == 1
        assert "chat" in greeting
        assert get(url + "/health")["status"] == "ok"

        for model in ("tiny-gguf", "tiny-mlx"):
            loaded = run("load", model, home=tmp_path)
            assert (loaded.returncode, loaded.stdout) == (0, f"{model} is loaded\n")
        listed = json.loads(run("list", "--json", home=tmp_path).stdout)
        states = {model["id"]: model["state"] for model in listed}
        assert states["tiny-gguf"] == states["tiny-mlx"] == "ready"
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) == 2

        answer = json.loads(run("chat", "-m", "tiny-gguf", "--max-tokens", "8", "--json", FRANCE, home=tmp_path).stdout)
        assert answer["content"] or answer.get("reasoning")
        assert answer["usage"]["completion_tokens"] <= 8

        unloaded = run("unload", "tiny-mlx", home=tmp_path)
        assert (unloaded.returncode, unloaded.stdout) == (0, "tiny-mlx is unloaded\n")
        unknown = run("load", "nobody", home=tmp_path)
        assert unknown.returncode == 1
        assert "tiny-gguf" in unknown.stderr

        second = run("serve", "--port", "0", home=tmp_path)
        assert second.returncode == 75
        assert f"process {process.pid} ({url})" in second.stderr

        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert all_gone(workers)
    gone = run("list", home=tmp_path)
    assert (gone.returncode, gone.stderr) == (69, "dovetail: no server is running; start one with: dovetail serve\n")


@pytest.mark.bad_input("62")
@pytest.mark.accept("H13")
def test_starts_that_fail_say_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        in_use = run("serve", "--port", port, home=tmp_path)
    assert (in_use.returncode, in_use.stdout) == (69, "")
    assert in_use.stderr == f"dovetail: port {port} is in use: stop what uses it, or choose another with --port\n"

    public = run("serve", "--host", "0.0.0.0", home=tmp_path)
    assert public.returncode == 2
    assert "--insecure" in public.stderr

    (tmp_path / "dovetail.toml").write_text("[server\n")
    broken = run("serve", home=tmp_path)
    assert broken.returncode == 78
    assert re.fullmatch(rf"dovetail: {re.escape(str(tmp_path))}/dovetail\.toml: .*line 1.*\n", broken.stderr)


def test_chat_without_a_server_brings_its_own(tmp_path: Path) -> None:
    answered = run("chat", "-m", "tiny-gguf", "--max-tokens", "4", "--json", FRANCE, home=tmp_path)
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["usage"]["completion_tokens"] <= 4
    assert answered.stderr == ""
    unknown = run("chat", "-m", "nobody", FRANCE, home=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("dovetail: model 'nobody' does not exist")


def test_doctor_knows_this_machine(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.gguf").write_bytes(b"GGUF nonsense")
    done = run("doctor", "--json", home=tmp_path)
    findings = json.loads(done.stdout)["findings"]
    facts = {finding["subject"]: finding["fact"] for finding in findings if finding["status"] == "ok"}
    assert "xllamacpp" in facts["gguf engine"]
    assert "tiny-gguf" in facts["models"]
    assert any("broken cannot be loaded" in finding["fact"] for finding in findings)
    assert done.returncode in (0, 69)


@pytest.mark.accept("D4")
def test_a_missing_engine_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dovetail.toml").write_text('[engines.gguf]\nbinary = "/no/such/llama-server"\n')
    done = run("serve", home=tmp_path)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "dovetail: engines.gguf.binary: /no/such/llama-server is no program that can be run\n"
