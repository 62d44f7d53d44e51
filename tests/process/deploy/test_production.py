"""The script of deploy/ for production, run as it stands on the tiny model."""

import asyncio
import json
import os
import shutil
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from dovetail import demo

from ... import canaries  # noqa: TID252

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(shutil.which("sh") is None, reason="a script for POSIX shells")]

SCRIPT = Path(__file__).parents[3] / "deploy" / "production.sh"
WITHIN = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@pytest.mark.accept("D5")
async def test_the_production_script_serves_a_model_to_the_network(tmp_path: Path) -> None:
    model, port = demo.models_dir() / "tiny-gguf", free_port()
    told = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DOVETAIL_HOME": str(tmp_path),
        "LLAMA_API_KEY": canaries.OPERATOR_KEY,
        "LLAMA_PORT": str(port),
        "CONTEXT": "512",
        "PARALLEL": "2",
        "GPU_LAYERS": "0",
    }
    with (tmp_path / "serve.log").open("wb") as output:
        child = await asyncio.create_subprocess_exec(SCRIPT, str(model), env=told, stdout=output, stderr=output)
    key = {"x-api-key": canaries.OPERATOR_KEY}
    try:
        async with asyncio.timeout(WITHIN), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            while True:
                try:
                    async with http.get("/health") as answer:
                        assert answer.status == 200
                    break
                except aiohttp.ClientConnectionError:
                    assert child.returncode is None, (tmp_path / "serve.log").read_text()
                    await asyncio.sleep(0.05)
            for path in ("/v1/models", "/metrics"):
                async with http.get(path) as answer:
                    assert answer.status == 401
            asked = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
            async with http.post("/v1/chat/completions", json=asked, headers=key) as answer:
                assert "Paris" in await answer.text()
            async with http.get("/props?model=tiny-gguf", headers=key) as answer:
                props = await answer.json()
            assert (props["default_generation_settings"]["n_ctx"], props["total_slots"]) == (512, 2)
            async with http.get("/metrics", headers=key) as answer:
                assert "llama_requests_total" in await answer.text()
    finally:
        child.terminate()
        await child.wait()
    lines = [json.loads(line) for line in (tmp_path / "serve.log").read_text().splitlines()]
    assert {"timestamp", "level", "message"} <= lines[0].keys()


async def test_without_a_key_or_a_model_it_says_what_is_missing() -> None:
    for told, words, said in (({}, ["m"], b"LLAMA_API_KEY"), ({"LLAMA_API_KEY": "a" * 8}, [], b"which model?")):
        child = await asyncio.create_subprocess_exec(SCRIPT, *words, env=told, stderr=asyncio.subprocess.PIPE)
        _, told_back = await child.communicate()
        assert child.returncode != 0
        assert said in told_back
