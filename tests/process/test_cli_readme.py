"""The examples of README.md, run as they are printed but for the port."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

pytest.importorskip("xllamacpp")
pytest.importorskip("mlx_lm")

README = Path(__file__).parents[2] / "README.md"
DEADLINE = 120


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "dovetail", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()
        assert process.wait(30) == 0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def said(output: str) -> str:
    """The text of an answer, streamed or not."""
    if not output.startswith("data:") and "\ndata:" not in output:
        return str(json.loads(output)["choices"][0]["message"]["content"])
    frames = [json.loads(line[5:]) for line in output.splitlines() if line.startswith("data: {")]
    return "".join(frame["choices"][0]["delta"].get("content") or "" for frame in frames if frame["choices"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.accept("E1", "E2", "E18", "A18", "A19")
def test_the_curl_examples(url: str) -> None:
    (script,) = [block for block in blocks("sh") if block.startswith("curl")]
    commands = script.strip().split("\n\n")
    answers: list[str] = []
    for command in commands:
        here = command.replace("http://127.0.0.1:8080", url).replace("curl ", "curl -sS ", 1)
        done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=DEADLINE, check=True)
        answers.append(said(done.stdout))
    french, korean = answers
    assert "Paris" in french
    assert "서울" in korean


@pytest.mark.accept("A36")
def test_the_sdk_example(url: str) -> None:
    (program,) = blocks("python")
    here = program.replace("http://127.0.0.1:8080", url)
    done = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, timeout=DEADLINE, check=True)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["tiny-gguf", "tiny-mlx"]
    assert all("Paris" in line for line in lines)
