"""The log of the real command, as the documents of an earlier server read it: with jq, tee, and a stream of events."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from dovetail import demo
from dovetail.core.request import JsonObject

pytest.importorskip("xllamacpp")
WITHIN = 60.0
SERVE = ("serve", "--port", "0", "--no-demo", "--models-dir", str(demo.models_dir()))
JQ = shutil.which("jq")


def dovetail(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "dovetail", *words, "--home", str(home)]


def served(home: Path, *options: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """A server that answers one request, and all that it put out until it was told to stop."""
    argv = dovetail(home, *SERVE, *options)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            chat = ("chat", "-m", "tiny-gguf", "--max-tokens", "4", "CANARY")
            asked = subprocess.run(dovetail(home, *chat), check=False, capture_output=True, timeout=WITHIN)
            assert (asked.returncode != 0) is fails
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=WITHIN)
        finally:
            process.kill()
    return subprocess.CompletedProcess(argv, process.returncode, first + out, err)


def parsed(text: str) -> list[JsonObject]:
    return [cast("JsonObject", json.loads(line)) for line in text.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    home = tmp_path_factory.mktemp("told")
    return served(home, "--log-format", "json", "--verbose"), home


@pytest.mark.accept("L4")
def test_json_logs_have_the_figures_of_each_request(told: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, _ = told
    assert (done.returncode, done.stderr) == (0, "")
    lines = parsed(done.stdout)
    assert lines[0]["message"] == "listening"
    assert all({"timestamp", "level", "message"} <= line.keys() for line in lines)
    (request,) = [line for line in lines if line["message"] == "request"]
    figures = {"request_id", "model", "duration_ms", "ttft_ms", "load_ms", "prompt_tokens", "completion_tokens"}
    assert figures <= request.keys()
    assert "CANARY" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the worker is a shell script")
def test_lines_of_workers_name_their_model_and_level(tmp_path: Path) -> None:
    binary = tmp_path / "llama-server"
    binary.write_text("#!/bin/sh\necho '0.00.001.000 W careful' >&2\necho '0.00.002.000 E no' >&2\nexit 3\n")
    binary.chmod(0o755)
    (tmp_path / "dovetail.toml").write_text(f'[engines.gguf]\nbinary = "{binary}"\n')
    done = served(tmp_path, "--log-format", "json", fails=True)
    workers = [line for line in parsed(done.stdout) if line.get("source") == "worker"]
    assert [(line["model"], line["level"], line["message"]) for line in workers[:2]] == [
        ("tiny-gguf", "warning", "careful"),
        ("tiny-gguf", "error", "no"),
    ]


@pytest.mark.accept("L4")
@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_jq_reads_them_as_documented(told: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """The commands of the document, behind the pipe."""

    def jq(*arguments: str) -> list[str]:
        done = subprocess.run(
            [str(JQ), *arguments], input=told[0].stdout, text=True, capture_output=True, check=True, timeout=WITHIN
        )
        return done.stdout.splitlines()

    lines = parsed(told[0].stdout)
    assert [float(found) for found in jq(".duration_ms") if found != "null"] == [
        line["duration_ms"] for line in lines if "duration_ms" in line
    ]
    table = [line.split("\t") for line in jq("-r", "[.timestamp, .level, .message] | @tsv")]
    assert [row[:2] for row in table] == [[line["timestamp"], line["level"]] for line in lines]
    assert "request" in {row[2] for row in table}


@pytest.mark.accept("L5")
def test_the_same_lines_are_in_the_home_folder(told: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, home = told
    file = home / "logs" / "dovetail.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_text().splitlines()
    put_out = done.stdout.splitlines()
    assert kept
    assert [line for line in put_out if line in set(kept)] == kept
    assert "request" in [line["message"] for line in parsed(file.read_text())]


@pytest.mark.accept("L4", "L5")
def test_as_text_they_stand_on_stderr_and_disabled_nowhere(tmp_path: Path) -> None:
    text = served(tmp_path / "text")
    assert text.stdout.startswith("Dovetail ")
    assert len(text.stdout.splitlines()) == 1
    assert "request" in text.stderr
    assert "source=worker" not in text.stderr  # what engines say of every tensor is for --verbose
    off = served(tmp_path / "off", "--log-disable")
    assert (off.returncode, off.stderr, len(off.stdout.splitlines())) == (0, "", 1)
    assert not (tmp_path / "off" / "logs" / "dovetail.jsonl").exists()
