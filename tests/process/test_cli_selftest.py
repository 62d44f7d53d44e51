"""`dovetail selftest` and `dovetail pipe`, as processes, with real servers and models."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from .serving.running import running

pytestmark = pytest.mark.anyio

PIPE = asyncio.subprocess.PIPE
WITHIN = 120


@asynccontextmanager
async def command(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dovetail", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(WITHIN):
            yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def tested(*arguments: str) -> tuple[int | None, str]:
    async with command("selftest", *arguments) as process:
        out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.accept("T1", "T3")
async def test_one_is_started_where_none_runs_and_ends_with_the_test(tmp_path: Path) -> None:
    code, log = await tested("--home", str(tmp_path))
    assert code == 0, log
    assert "starting one" in log
    assert log.splitlines()[-1] == "passed: 4, failed: 0"
    for line in ("pass health", "pass metrics", "pass inference tiny-gguf", "pass inference tiny-mlx"):
        assert line in log
    left = [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or ())]
    assert left == []


@pytest.mark.accept("T1", "T2", "T3")
async def test_a_server_that_runs_is_used_and_failures_are_counted(tmp_path: Path) -> None:
    async with running(tmp_path):
        code, log = await tested("--home", str(tmp_path), "-m", "tiny-mlx", "-m", "nobody")
        assert (code, "starting one" in log) == (1, False)
        assert "FAIL inference nobody: model 'nobody' does not exist" in log
        assert log.splitlines()[-1] == "passed: 3, failed: 1"
    code, log = await tested("--home", str(tmp_path), "--url", "http://127.0.0.1:9")
    assert code == 1
    assert log.count("no health yet") == 2
    times = [line[:8] for line in log.splitlines() if "no health yet" in line]
    assert len(set(times)) == 2, "a second apart"


@pytest.mark.accept("T4")
async def test_a_server_that_crashes_is_started_again(tmp_path: Path) -> None:
    async with command("selftest", "--home", str(tmp_path), "-m", "tiny-gguf") as process:
        assert process.stdout
        seen = b""
        while b"pass metrics" not in seen:
            line = await process.stdout.readline()
            assert line, seen
            seen += line
        for child in psutil.Process(process.pid).children():
            child.kill()
        out, _ = await process.communicate()
        log = (seen + out).decode()
    assert process.returncode == 0, log
    assert "the server was lost" in log
    assert log.count("starting one") == 2
    assert log.splitlines()[-1] == "passed: 3, failed: 0"


async def piped(lines: Sequence[bytes], *flags: str) -> tuple[int | None, list[dict[str, Any]]]:
    async with command("pipe", *flags) as process:
        out, _ = await process.communicate(b"\n".join(lines) + b"\n")
    return process.returncode, [json.loads(line) for line in out.splitlines()]


@pytest.mark.accept("A33")
@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_prompts_by_pipe(tmp_path: Path, model: str) -> None:
    asked = {"prompt": "안녕하세요", "max_tokens": 16, "temperature": 0.7}
    greedy = {"prompt": "What is the capital of France?", "max_tokens": 200, "temperature": 0}
    lines = [json.dumps(asked).encode(), b"{", b'{"text": 1}', b'{"prompt": "x", "temperature": -3}']
    code, told = await piped([*lines, json.dumps(greedy).encode()], "--home", str(tmp_path), "--model", model)
    assert code == 0
    assert [one["status"] for one in told[:2]] == ["loading", "ready"]
    rest = " ".join(one["status"] for one in told[2:])
    assert re.fullmatch(r"(token )*done error error error (token )+done", rest)
    assert all(one["message"] for one in told if one["status"] in {"loading", "ready", "error"})
    last = told[max(i for i, one in enumerate(told) if one["status"] == "error") + 1 :]
    assert "Paris" in "".join(one.get("content", "") for one in last)


@pytest.mark.accept("A33")
async def test_a_model_that_is_not_there_is_said_by_pipe(tmp_path: Path) -> None:
    code, told = await piped([], "--home", str(tmp_path), "--model", "nobody")
    assert code
    assert [one["status"] for one in told] == ["loading", "error"]
    assert "nobody" in told[1]["message"]
