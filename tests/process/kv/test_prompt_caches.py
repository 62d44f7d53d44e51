"""Prompt caches across conversations, unloads and restarts: real servers, the same on both engines."""

import asyncio
import json
from collections.abc import AsyncGenerator
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.cli.app import run

from ..serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

MODELS = ["tiny-gguf", "tiny-mlx"]
ENVIRONMENT = {"DOVETAIL_LOAD__CONTEXT": "4096", "DOVETAIL_LOAD__PARALLEL": "2", "DOVETAIL_LOAD__WARMUP": "false"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("home"), environment=ENVIRONMENT) as process:
        yield process


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return request.param


def story(name: str, sentences: int = 20) -> str:
    """About twelve tokens a sentence; no two stories begin alike."""
    return " ".join(f"{name} saw the river {number} times." for number in range(sentences))


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


def files(home: Path, model: str) -> list[Path]:
    return [file for file in home.glob(f"kv/{model}-*/*") if file.suffix in {".slot", ".safetensors"}]


@pytest.mark.accept("S5", "S6", "S7", "L7")
async def test_a_prefix_survives_an_unload_and_a_restart(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        cold = await ask(server, model, story("Anna", 90))
        assert cold["usage"]["prompt_tokens"] > 1000
        assert reused(cold) == 0
        await unload(server, model)
        assert reused(await ask(server, model, story("Anna", 90), "When?")) > 0.9
    assert files(tmp_path, model)
    assert all(file.stat().st_mode & 0o077 == 0 for file in [tmp_path / "kv", *tmp_path.glob("kv/**/*")])
    async with running(tmp_path, environment=ENVIRONMENT) as server:
        assert reused(await ask(server, model, story("Anna", 90), "Who?")) > 0.9


async def test_more_conversations_than_slots_all_find_their_own(server: Running, model: str) -> None:
    names = ["Anna", "Bernd", "Clara", "David"]
    for name in names:
        assert reused(await ask(server, model, story(name, 90))) < 0.2
    for name in names:
        assert reused(await ask(server, model, story(name, 90), "Where?")) > 0.9
    both = await asyncio.gather(*(ask(server, model, story(name, 90), "Who?") for name in names))
    assert all(reused(whole) > 0.9 for whole in both)


def spoil(file: Path, how: str) -> None:
    content = bytearray(file.read_bytes())
    match how:
        case "truncated":
            file.write_bytes(content[:-4096])
        case "foreign":
            file.write_bytes(b"\x10" * len(content))
        case "one bit":
            content[-5000] ^= 1
            file.write_bytes(content)
        case _:
            file.unlink()


async def test_a_file_that_does_not_fit_is_a_miss(server: Running, model: str) -> None:
    how = ["truncated", "foreign", "one bit", "gone"]
    for name in how:
        await ask(server, model, story(f"The {name} man"))
    await unload(server, model)
    found = files(server.home, model)
    assert len(found) >= len(how)
    for name, file in zip(cycle(how), found, strict=False):
        spoil(file, name)
    again = [reused(await ask(server, model, story(f"The {name} man"))) for name in how]
    assert max(again) < 0.2


async def test_a_conversation_is_exported_and_comes_back(
    server: Running, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, exported = ["--home", str(server.home)], tmp_path / "anna.dovetail-kv"

    def told(*arguments: str) -> Any:
        assert run(["kv", *arguments, "--json", *home]) == 0
        return json.loads(capsys.readouterr().out)

    await ask(server, model, story("Felix"))
    await unload(server, model)
    listed, *others = told("list", model)
    assert told("export", model, "--output", str(exported))["name"] == listed["name"]
    assert exported.stat().st_mode & 0o777 == 0o600
    assert told("clear", model)["removed"] == 1 + len(others)
    assert told("list", model) == []
    assert told("import", str(exported)) == {"model": model, "tokens": listed["tokens"], "size": listed["size"]}
    assert reused(await ask(server, model, story("Felix"), "Where?")) > 0.9


async def test_the_oldest_goes_when_the_cap_is_reached(server: Running, tmp_path: Path, model: str) -> None:
    await ask(server, model, story("Gerd"))
    await unload(server, model)
    newest = max(files(server.home, model), key=lambda file: file.stat().st_mtime)
    cap = {"DOVETAIL_KV__MAX_BYTES": str(newest.stat().st_size * 3 // 2)}
    async with running(tmp_path, environment={**ENVIRONMENT, **cap}) as small:
        for name in ("Anna", "Gerd"):
            await ask(small, model, story(name))
            await unload(small, model)
        assert len(files(tmp_path, model)) == 1
        assert reused(await ask(small, model, story("Gerd"), "Where?")) > 0.9
        assert reused(await ask(small, model, story("Anna"), "Where?")) < 0.2


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    async with running(tmp_path, environment={**ENVIRONMENT, "DOVETAIL_KV__ENABLED": "false"}) as server:
        for model in MODELS:
            await ask(server, model, story("Anna"))
            await unload(server, model)
    assert not (tmp_path / "kv").exists()
