"""Two workers of one model, in a server and behind another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import aiohttp
import psutil
import pytest

from dovetail.core.request import JsonObject

from .running import Running, running

pytestmark = pytest.mark.anyio

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


async def ask(session: aiohttp.ClientSession, model: str) -> str:
    body = {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 80}
    async with session.post("/v1/chat/completions", json=body) as answer:
        said = await answer.json()
        assert answer.status == 200, said
        return cast("str", said["choices"][0]["message"]["content"])


async def get(session: aiohttp.ClientSession, path: str) -> JsonObject:
    async with session.get(path) as answer:
        return cast("JsonObject", await answer.json())


def workers(server: Running) -> list[psutil.Process]:
    return [child for child in server.process.children() if "--socket" in child.cmdline()]


@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_one_is_killed_and_the_other_serves_here_and_from_elsewhere(tmp_path: Path, model: str) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "dovetail.toml").write_text(f"[models.{model}]\nreplicas = 2\nparallel = 2\n")
    async with running(there) as server, aiohttp.ClientSession(server.url) as session:
        (here / "dovetail.toml").write_text(f'[models.far]\nurl = "{server.url}/v1"\nremote_model = "{model}"\n')
        async with session.post("/models/load", json={"model": model}) as answer:
            assert answer.status == 200, await answer.text()
        assert len(workers(server)) == 2
        assert (await get(session, f"/props?model={model}"))["total_slots"] == 4
        health = await get(session, f"/health?model={model}")
        assert (health["slots_total"], health["slots_available"]) == (4, 4)
        async with running(here, ["--no-demo"]) as second, aiohttp.ClientSession(second.url) as far:
            before = await ask(far, "far")
            assert "Paris" in before
            for victim in workers(server):
                victim.kill()
                answers = await asyncio.gather(*(ask(each, name) for each, name in ((session, model), (far, "far"))))
                assert answers == [before, before]
                async with asyncio.timeout(30):
                    while (await get(session, f"/health?model={model}"))["slots_total"] != 4:
                        await asyncio.sleep(0.02)
        async with session.post("/models/unload", json={"model": model}) as answer:
            assert answer.status == 200
        assert workers(server) == []
        assert (await get(session, f"/v1/models/{model}"))["state"] == "unloaded"
