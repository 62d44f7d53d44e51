"""A Dovetail whose models another Dovetail serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from dovetail.core.request import Json, JsonObject

from .running import Running, running

FRANCE: list[Json] = [{"role": "user", "content": "What is the capital of France?"}]
LOOK: JsonObject = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
KEY = "sk-very-secret-key"

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("there")) as server:
        yield server


@pytest.fixture(scope="module")
async def here(there: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("here")
    configure(home, there.url)
    async with (
        running(home, ["--no-demo"], {"THEIR_KEY": KEY}) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        yield session
        assert KEY not in (home / "serve.log").read_text()


def configure(home: Path, url: str) -> None:
    text = "".join(
        f'[models.far-{kind}]\nurl = "{url}/v1"\nremote_model = "tiny-{kind}"\nkey_env = "THEIR_KEY"\n'
        for kind in ("gguf", "mlx")
    )
    (home / "dovetail.toml").write_text(text)


@pytest.fixture(params=["gguf", "mlx"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


async def post(session: aiohttp.ClientSession, path: str, body: JsonObject) -> tuple[int, JsonObject]:
    async with session.post(path, json=body) as answer:
        return answer.status, cast("JsonObject", await answer.json())


async def test_chat_is_as_it_is_there(here: aiohttp.ClientSession, there: Running, kind: str) -> None:
    body: JsonObject = {"messages": FRANCE, "temperature": 0, "max_tokens": 20}
    status, answer = await post(here, "/v1/chat/completions", {**body, "model": f"far-{kind}"})
    assert status == 200, answer
    async with aiohttp.ClientSession(there.url) as session:
        _, original = await post(session, "/v1/chat/completions", {**body, "model": f"tiny-{kind}"})
    assert answer["choices"] == original["choices"]
    usage, first = cast("JsonObject", answer["usage"]), cast("JsonObject", original["usage"])
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (first["prompt_tokens"], first["completion_tokens"])


async def test_streams_and_text(here: aiohttp.ClientSession, kind: str) -> None:
    stream = {"model": f"far-{kind}", "messages": FRANCE, "temperature": 0, "max_tokens": 80, "stream": True}
    async with here.post("/v1/chat/completions", json=stream) as answer:
        text = await answer.text()
    frames = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    said = "".join(choice["delta"].get("content") or "" for frame in frames for choice in frame["choices"])
    assert "Paris" in said, text
    assert text.rstrip().endswith("data: [DONE]")
    status, whole = await post(
        here, "/v1/completions", {"model": f"far-{kind}", "prompt": "The capital of", "max_tokens": 3}
    )
    assert status == 200
    assert cast("JsonObject", whole["usage"])["completion_tokens"] == 3


async def test_tools(here: aiohttp.ClientSession, kind: str) -> None:
    body: JsonObject = {
        "model": f"far-{kind}",
        "messages": FRANCE,
        "tools": [LOOK],
        "tool_choice": "required",
        "max_tokens": 60,
    }
    status, answer = await post(here, "/v1/chat/completions", body)
    assert status == 200, answer
    assert '"look"' in json.dumps(answer)


async def test_embeddings_are_those_of_the_other_server(here: aiohttp.ClientSession, there: Running, kind: str) -> None:
    status, answer = await post(here, "/v1/embeddings", {"model": f"far-{kind}", "input": ["a", "b"]})
    assert status == 200, answer
    async with aiohttp.ClientSession(there.url) as session:
        _, original = await post(session, "/v1/embeddings", {"model": f"tiny-{kind}", "input": ["a", "b"]})
    assert answer["data"] == original["data"]
    status, answer = await post(here, "/v1/embeddings", {"model": f"far-{kind}", "input": "a", "pooling": "cls"})
    assert (status, cast("JsonObject", answer["error"])["param"]) == (400, "pooling")


async def test_what_it_cannot_be_asked_for_is_refused(here: aiohttp.ClientSession, kind: str) -> None:
    body: JsonObject = {"model": f"far-{kind}", "messages": FRANCE, "min_p": 0.2}
    status, answer = await post(here, "/v1/chat/completions", body)
    assert (status, cast("JsonObject", answer["error"])["param"]) == (400, "min_p")


async def test_the_list_of_models_says_nothing_of_the_key(here: aiohttp.ClientSession) -> None:
    async with here.get("/v1/models") as answer:
        text = await answer.text()
    assert '"format":"remote"' in text
    assert "THEIR_KEY" not in text
    assert KEY not in text


async def test_a_client_that_leaves_frees_the_slot_there(
    here: aiohttp.ClientSession, there: Running, kind: str
) -> None:
    stream = {"model": f"far-{kind}", "messages": FRANCE, "max_tokens": 400, "ignore_eos": False, "stream": True}
    answer = await here.post("/v1/chat/completions", json=stream)
    await answer.content.readline()
    answer.close()
    async with asyncio.timeout(10), aiohttp.ClientSession(there.url) as session:
        while True:
            async with session.get("/health") as health:
                state = await health.json()
            if state["slots_available"] == state["slots_total"]:
                break
            await asyncio.sleep(0.02)


async def test_the_death_of_the_other_server_is_said_and_healed(tmp_path: Path) -> None:
    home, far = tmp_path / "here", tmp_path / "there"
    home.mkdir()
    far.mkdir()
    ask: JsonObject = {"model": "far-gguf", "messages": FRANCE, "max_tokens": 5}
    async with running(far) as other:
        port = other.url.rpartition(":")[2]
        configure(home, other.url)
        async with (
            running(home, ["--no-demo"], {"THEIR_KEY": KEY}) as server,
            aiohttp.ClientSession(server.url) as session,
        ):
            assert (await post(session, "/v1/chat/completions", ask))[0] == 200
            other.process.kill()
            other.process.wait(10)
            status, answer = await post(session, "/v1/chat/completions", ask)
            assert status == 503, answer
            assert f":{port}/v1 takes no connections" in json.dumps(answer)
            async with running(far, ["--port", port]):
                async with asyncio.timeout(30):
                    while (await post(session, "/v1/chat/completions", ask))[0] != 200:
                        await asyncio.sleep(0.1)
