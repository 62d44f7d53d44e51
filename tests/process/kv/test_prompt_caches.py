"""Prompt caches across conversations, unloads and restarts: a real server, the same on both engines."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

ENVIRONMENT = {"DOVETAIL_LOAD__CONTEXT": "4096", "DOVETAIL_LOAD__PARALLEL": "2"}


def story(name: str, sentences: int = 245) -> str:
    """About twelve tokens a sentence; no two stories begin alike."""
    return " ".join(f"{name} saw the river {number} times." for number in range(sentences))


@pytest.fixture(params=["tiny-gguf", "tiny-mlx"])
def model(request: pytest.FixtureRequest) -> str:
    return request.param


async def ask(server: Running, model: str, text: str, question: str = "Why?") -> dict[str, Any]:
    """The usage and timings of a short answer."""
    sent = {
        "model": model,
        "messages": [{"role": "user", "content": f"{text} {question}"}],
        "temperature": 0,
        "max_tokens": 4,
    }
    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(server.url, timeout=timeout) as http,
        http.post("/v1/chat/completions", json=sent) as answer,
    ):
        whole = await answer.json()
        assert answer.status == 200, whole
    return whole


def reused(whole: dict[str, Any]) -> float:
    usage = whole["usage"]
    return usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"]


async def unload(server: Running, model: str) -> None:
    async with aiohttp.ClientSession(server.url) as http, http.post("/models/unload", json={"model": model}) as answer:
        assert answer.status == 200, await answer.text()


def files(home: Path) -> list[Path]:
    return [file for file in home.glob("kv/*/*") if file.suffix in {".slot", ".safetensors"}]


@pytest.mark.accept("S5", "S6", "S7", "L7")
async def test_a_prefix_survives_an_unload_and_a_restart(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        cold = await ask(server, model, story("Anna"))
        assert cold["usage"]["prompt_tokens"] > 2900
        assert reused(cold) == 0
        assert reused(await ask(server, model, story("Anna"), "Where?")) > 0.9
        await unload(server, model)
        warm = await ask(server, model, story("Anna"), "When?")
        assert reused(warm) > 0.9
    assert files(tmp_path)
    assert all(file.stat().st_mode & 0o077 == 0 for file in [tmp_path / "kv", *tmp_path.glob("kv/**/*")])
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        assert reused(await ask(server, model, story("Anna"), "Who?")) > 0.9


async def test_more_conversations_than_slots_all_find_their_own(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        names = ["Anna", "Bernd", "Clara", "David", "Emma"]
        for name in names:
            assert reused(await ask(server, model, story(name, 60))) < 0.1
        for question in ("Where?", "When?"):
            for name in names:
                assert reused(await ask(server, model, story(name, 60), question)) > 0.9
        both = await asyncio.gather(*(ask(server, model, story(name, 60), "Who?") for name in names))
        assert all(reused(whole) > 0.9 for whole in both)


@pytest.mark.parametrize("spoil", ["truncated", "foreign", "gone"])
async def test_a_file_that_does_not_fit_is_a_miss(tmp_path: Path, model: str, spoil: str) -> None:
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        await ask(server, model, story("Anna", 60))
        await unload(server, model)
        (file,) = files(tmp_path)
        match spoil:
            case "truncated":
                file.write_bytes(file.read_bytes()[:-4096])
            case "foreign":
                file.write_bytes(b"\x10" * file.stat().st_size)
            case _:
                file.unlink()
        assert reused(await ask(server, model, story("Anna", 60))) == 0
        assert reused(await ask(server, model, story("Anna", 60), "Where?")) > 0.9


async def test_the_oldest_goes_when_the_cap_is_reached(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        await ask(server, model, story("Anna", 60))
        await unload(server, model)
        cap = sum(file.stat().st_size for file in tmp_path.glob("kv/*/*")) * 3 // 2
    async with running(tmp_path, environment={**ENVIRONMENT, "DOVETAIL_KV__MAX_BYTES": str(cap)}) as server:
        await ask(server, model, story("Bernd", 60))
        await unload(server, model)
        assert len(files(tmp_path)) == 1
        assert reused(await ask(server, model, story("Bernd", 60), "Where?")) > 0.9
        assert reused(await ask(server, model, story("Anna", 60), "Where?")) < 0.1


async def test_it_can_be_switched_off(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment={**ENVIRONMENT, "DOVETAIL_KV__ENABLED": "false"}) as server:
        await ask(server, model, story("Anna", 60))
        await unload(server, model)
        assert reused(await ask(server, model, story("Anna", 60))) == 0
    assert not (tmp_path / "kv").exists()
