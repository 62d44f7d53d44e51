"""One budget over workers of both engines, on real ones: what they take is measured from outside."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.demo import models_dir
from dovetail.hardware.usage import usage

from .running import Running, running

pytestmark = pytest.mark.anyio

MIB = 1 << 20
MODELS = ("tiny-gguf", "tiny-gguf-q8", "tiny-mlx")
# Of these no two fit into 160 MiB: a worker of tiny-gguf takes about 120, one of tiny-mlx about 115.
SETTINGS = """\
[fleet]
memory = "{memory}"
[load]
context = 8192
parallel = 4
[models.tiny-mlx]
context = 512
parallel = 1
cache_ram = 4_000_000
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dovetail.toml").write_text(SETTINGS.format(memory="160 MiB"))
    return tmp_path


async def ask(http: aiohttp.ClientSession, model: str) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "What is the capital of France?"}]}
    async with http.post(
        "/v1/chat/completions", json={**body, "max_tokens": 30, "temperature": 0, "reasoning_effort": "none"}
    ) as answer:
        return answer.status, await answer.json()


@asynccontextmanager
async def watched(server: Running) -> AsyncGenerator[list[int]]:
    """What all workers take together, ten times a second."""
    seen = [0]

    async def look() -> None:
        while True:
            taken = [await asyncio.to_thread(usage, child.pid) for child in server.process.children()]
            seen.append(sum(each.memory or 0 for each in taken))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.wait([looking])


@pytest.mark.accept("E5", "E6", "E20")
async def test_three_models_of_which_no_two_fit_all_answer_within_the_budget(home: Path) -> None:
    async with running(home) as server, aiohttp.ClientSession(server.url) as http, watched(server) as seen:
        for model in MODELS * 3:
            status, said = await ask(http, model)
            assert status == 200, said
            assert "Paris" in said["choices"][0]["message"]["content"]
        at_once = await asyncio.gather(*(ask(http, model) for model in MODELS * 2))
        assert [status for status, _ in at_once] == [200] * 6
    assert 60 * MIB < max(seen) <= 160 * MIB * 1.05
    learned = json.loads((home / "measured.json").read_text())["facts"]
    assert len(learned) == 3
    assert all(60 * MIB < each["memory"]["peak"] < 160 * MIB for each in learned.values())


@pytest.mark.accept("E5", "R10")
async def test_models_that_fit_stay_and_say_what_they_take(home: Path) -> None:
    (home / "dovetail.toml").write_text(SETTINGS.format(memory="1 GiB"))
    async with running(home) as server, aiohttp.ClientSession(server.url) as http:
        for model in MODELS:
            assert (await ask(http, model))[0] == 200
        async with http.get("/v1/models") as answer:
            placed = {model["id"]: model["placement"] for model in (await answer.json())["data"]}
        children = {child.pid: usage(child.pid).memory or 0 for child in server.process.children()}
        assert len(children) == 3
        for model in MODELS:
            taken = placed[model]["memory"]
            assert min(abs(taken - each) for each in children.values()) < 0.2 * taken
            assert taken <= placed[model]["reserved"] < 2 * taken
            assert (placed[model]["gpu_layers"], placed[model]["device_memory"]) == (0, 0)
        async with http.get("/props?model=tiny-gguf") as answer:
            told = (await answer.json())["placement"]
        assert told["reserved"] >= told["memory"] > 60 * MIB


@pytest.mark.accept("E21")
async def test_what_can_never_fit_is_refused_with_numbers_and_changes_that_help(home: Path) -> None:
    (home / "dovetail.toml").write_text(SETTINGS.format(memory="80 MiB"))
    async with running(home) as server, aiohttp.ClientSession(server.url) as http:
        status, said = await ask(http, "tiny-gguf")
        assert (status, said["error"]["code"]) == (507, "insufficient_memory")
        message = said["error"]["message"]
        assert "80.0 MiB free of 80.0 MiB: lower the context to " in message
        assert "lower parallel to " in message
        context = int(message.split("lower the context to ")[1].split(",")[0])
    (home / "dovetail.toml").write_text(
        SETTINGS.format(memory="80 MiB").replace("context = 8192", f"context = {context}")
    )
    async with running(home) as server, aiohttp.ClientSession(server.url) as http, watched(server) as seen:
        assert (await ask(http, "tiny-gguf"))[0] == 200, "as it was told"
    assert max(seen) <= 80 * MIB * 1.05


@pytest.mark.accept("E19")
def test_a_gguf_worker_has_decoded_before_it_is_ready(tmp_path: Path) -> None:
    model = models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf"
    chatty = "import sys; from dovetail.workers import gguf; gguf._WARNINGS = 4; sys.exit(gguf.main(sys.argv[1:]))"
    argv = ["--model", str(model), "--socket", str(tmp_path / "w.sock"), "--context", "256"]
    for flags, warm in (([], True), (["--no-warmup"], False)):
        with subprocess.Popen(
            [sys.executable, "-c", chatty, *argv, *flags], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stderr is not None
            lines: list[str] = []
            for line in worker.stderr:
                lines.append(line)
                if "server is listening" in line or "model loaded" in line:
                    break
            worker.terminate()
        said = "".join(lines)
        assert ("warming up the model with an empty run" in said) is warm, said
