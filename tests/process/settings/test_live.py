"""A server whose configuration is edited while it answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from dovetail.core.request import JsonObject

from ..serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio
WITHIN = 30.0
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


def save(home: Path, text: str) -> None:
    """As an editor does: another file, renamed."""
    part = home / "dovetail.toml~"
    part.write_text(text)
    part.replace(home / "dovetail.toml")


async def model(session: aiohttp.ClientSession, name: str) -> JsonObject:
    async with session.get(f"/v1/models/{name}") as answer:
        return cast("JsonObject", await answer.json())


async def until(session: aiohttp.ClientSession, name: str, key: str, value: object) -> JsonObject:
    async with asyncio.timeout(WITHIN):
        while (found := await model(session, name)).get(key) != value:
            await asyncio.sleep(0.02)
    return found


async def logged(server: Running, what: str) -> str:
    async with asyncio.timeout(WITHIN):
        while True:
            for line in (server.home / "serve.log").read_text().splitlines():
                if what in line:
                    return line
            await asyncio.sleep(0.02)


async def ask(session: aiohttp.ClientSession, name: str, **fields: object) -> JsonObject:
    body = {"model": name, "messages": FRANCE, "temperature": 0, "max_tokens": 20, **fields}
    async with session.post("/v1/chat/completions", json=body) as answer:
        said = cast("JsonObject", await answer.json())
        assert answer.status == 200, said
        return said


async def test_a_change_applies_while_streams_run_and_touches_no_other_model(tmp_path: Path) -> None:
    save(tmp_path, "[models.tiny-gguf]\ncontext = 512\n")
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as session:
        await ask(session, "tiny-mlx")
        other = (await server.worker(session, "tiny-mlx")).pid
        body = {"model": "tiny-gguf", "messages": FRANCE, "stream": True, "max_tokens": 200, "ignore_eos": True}
        async with session.post("/v1/chat/completions", json=body) as stream:
            assert stream.status == 200
            await stream.content.readline()
            before = (await server.worker(session, "tiny-gguf")).pid
            save(tmp_path, '[models.tiny-gguf]\ncontext = 768\naliases = ["gpt-4o"]\nsampling = {top_p = 0.5}\n')
            changed = await until(session, "gpt-4o", "id", "tiny-gguf")
            assert cast("JsonObject", changed["sampling"])["top_p"] == 0.5
            assert b"data: [DONE]" in await stream.read()
        assert "Paris" in json.dumps(await ask(session, "gpt-4o"))
        assert (await model(session, "tiny-gguf"))["context"] == 768
        assert (await server.worker(session, "tiny-gguf")).pid != before
        assert (await server.worker(session, "tiny-mlx")).pid == other
        assert "models.tiny-gguf" in await logged(server, "configuration_applied")
    lines = [json.loads(line) for line in (tmp_path / "logs" / "audit.jsonl").read_text().splitlines()]
    assert [(line["what"], line["who"], line["changed"]) for line in lines] == [
        ("configuration applied", "server", "models.tiny-gguf")
    ]


@pytest.mark.bad_input("61")
async def test_a_broken_file_is_reported_and_the_last_good_one_stays(tmp_path: Path) -> None:
    save(tmp_path, '[models.tiny-gguf]\naliases = ["first"]\n')
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as session:
        await until(session, "first", "id", "tiny-gguf")
        save(tmp_path, '[models.tiny-gguf]\naliasses = ["second"]\n')
        line = await logged(server, "configuration_refused")
        assert "models.tiny-gguf.aliasses: unknown key; did you mean aliases?" in line
        assert (await model(session, "first"))["id"] == "tiny-gguf"
        save(tmp_path, '[models.tiny-gguf]\naliases = ["second"]\n')
        await until(session, "second", "id", "tiny-gguf")


async def test_what_cannot_change_alive_is_said_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as session:
        save(tmp_path, '[server]\nhost = "127.0.0.2"\nmax_connections = 7\n[models.tiny-gguf]\naliases = ["x"]\n')
        await until(session, "x", "id", "tiny-gguf")
        assert "server.host, server.max_connections" in await logged(server, "configuration_needs_restart")


async def test_folders_come_and_models_load_at_once(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    from dovetail import demo

    gguf = next(demo.models_dir().rglob("*.gguf"))
    (elsewhere / "mine.gguf").symlink_to(gguf)
    async with running(home) as server, aiohttp.ClientSession(server.url) as session:
        await ask(session, "tiny-gguf")
        save(home, f'[models.own]\npath = "{gguf}"\npreload = true\n[catalog]\ndemo = false\nfolders = []\n')
        await until(session, "own", "state", "ready")
        assert "Paris" in json.dumps(await ask(session, "own"))
