"""The commands of docs/troubleshooting.md, run as they are printed but for the address."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Generator
from pathlib import Path

import pytest

pytest.importorskip("xllamacpp")

TEXT = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text("utf-8")
PART = re.compile(r"^## (.+?)$", re.MULTILINE)
WITHIN = 60


class Shell:
    """Runs a section's blocks in a shell in which `dovetail` is this one, with the server's home folder."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.environment = {**os.environ, "DOVETAIL_HOME": str(home)}

    def run(self, title: str) -> list[str]:
        """What each command printed."""
        parts = PART.split(TEXT)
        section = dict(zip(parts[1::2], parts[2::2], strict=True))[title]
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
        return [self._block(textwrap.dedent(block)) for block in blocks]

    def _block(self, script: str) -> str:
        dovetail = f'dovetail() {{ {shlex.quote(sys.executable)} -m dovetail "$@"; }}'
        here = script.replace("http://127.0.0.1:8080", self.url)
        argv = ["bash", "-euo", "pipefail", "-c", f"{dovetail}\n{here}"]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False, timeout=WITHIN)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shell]:
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "dovetail", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield Shell(found[0], home)
        process.terminate()
        assert process.wait(30) == 0


pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "jq"))), reason="needs bash, curl and jq")


@pytest.mark.accept("D9", "E19")
def test_the_first_request_is_slow(shell: Shell) -> None:
    before, _, warm = shell.run("The first request is slow")
    assert json.loads(before)["state"] == "unloaded"
    assert json.loads(warm)["usage"]["completion_tokens"] == 1
    again, *_ = shell.run("The first request is slow")
    assert json.loads(again)["state"] == "ready"


@pytest.mark.accept("D9", "E21")
def test_out_of_memory(shell: Shell) -> None:
    (listed,) = shell.run("Out of memory")
    assert re.search(r"tiny-gguf .*ready", listed)


@pytest.mark.accept("D9")
def test_answers_are_slow(shell: Shell) -> None:
    timings, journal, metrics, lines = shell.run("Answers are slow")
    assert "llama_request_duration_seconds_bucket" in metrics
    assert {"duration", "ttft", "speed"} <= set(json.loads(journal))
    assert {"prompt_ms", "predicted_per_second", "cache_n"} <= set(json.loads(timings))
    health, end = json.JSONDecoder().raw_decode(lines)
    requests, _ = json.JSONDecoder().raw_decode(lines[end:].lstrip())
    assert health["slots_available"] == health["slots_total"] > 0
    assert requests["data"] == []
