"""`kill -9` of a worker in the middle of a greedy stream of 300 tokens: the client gets the text it would have got.

The prompts are those of `stories.json`, which `margins.py` found. `STREAM_KILLS` sets the number of kills on each
engine; the suite runs a few, a release runs ten.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import psutil
import pytest

from .margins import LEAST, MODELS, STORIES, TOKENS, body
from .running import Running, running

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("STREAM_KILLS", "3"))
TRIES = 60
PROMPTS: dict[str, float] = json.loads(STORIES.read_text())
PATIENT = {"DOVETAIL_FLEET__GOOD_SERVICE": "0.001"}


@dataclass
class Got:
    """One stream as its client saw it."""

    text: str = ""
    frames: int = 0
    error: str | None = None
    usage: dict[str, int] = field(default_factory=dict[str, int])


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("home"), environment=PATIENT) as process:
        yield process


@dataclass(frozen=True)
class Client:
    """Who asks one model of a server."""

    session: aiohttp.ClientSession
    server: Running
    model: str

    async def worker(self) -> psutil.Process:
        return await self.server.worker(self.session, self.model)

    def reruns(self) -> int:
        return (self.server.home / "serve.log").read_text().count("request_runs_again")


async def stream(client: Client, prompt: str, at: int = 0, then: Callable[[], None] | None = None) -> Got:
    """Reads an answer; `then` is called once when `at` frames with text have come."""
    got = Got()
    asked = {**body(client.model, prompt), "stream": True, "stream_options": {"include_usage": True}}
    async with client.session.post(f"{client.server.url}/v1/chat/completions", json=asked) as response:
        if response.status != 200:
            return Got(error=(await response.json())["error"]["code"])
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            frame = json.loads(line[6:])
            if "error" in frame:
                got.error = frame["error"]["code"]
            got.usage = frame.get("usage") or got.usage
            if frame.get("choices") and (text := frame["choices"][0]["delta"].get("content")):
                got.text += text
                got.frames += 1
                if got.frames == at and then is not None:
                    then()
    return got


async def killed(client: Client, prompt: str, at: int, beside: int = 0) -> list[Got] | None:
    """A stream whose worker is killed after `at` pieces, and those `beside` it; None when it came too late."""
    worker = await client.worker()
    before = client.reruns()

    def kill() -> None:
        with suppress(psutil.NoSuchProcess):
            worker.send_signal(signal.SIGKILL)

    others = [asyncio.ensure_future(stream(client, prompt)) for _ in range(beside)]
    got = await stream(client, prompt, at, kill)
    every = [got, *await asyncio.gather(*others)]
    return every if client.reruns() > before else None


@pytest.mark.bad_input("57")
@pytest.mark.accept("R2")
@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_alone_in_its_worker_is_the_same_text(server: Running, model: str) -> None:
    chance = random.Random(11)
    assert min(PROMPTS.values()) >= LEAST
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        client = Client(session, server, model)
        whole = {prompt: await stream(client, prompt) for prompt in PROMPTS}
        assert {got.usage["completion_tokens"] for got in whole.values()} == {TOKENS}
        hits = 0
        for number in range(TRIES):
            prompt = list(PROMPTS)[number % len(PROMPTS)]
            got = await killed(client, prompt, chance.randint(1, TOKENS // 2))
            if got is not None:
                assert (got[0].error, got[0].text) == (None, whole[prompt].text)
                assert got[0].usage["completion_tokens"] == TOKENS
                hits += 1
            if hits == KILLS:
                return
    raise AssertionError(f"only {hits} of {TRIES} kills came in time")


@pytest.mark.bad_input("57")
@pytest.mark.accept("R2")
@pytest.mark.parametrize("model", MODELS)
async def test_beside_three_others_it_is_the_same_text_or_says_that_it_is_not(server: Running, model: str) -> None:
    prompt = next(iter(PROMPTS))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        client = Client(session, server, model)
        whole = await stream(client, prompt)
        for at in range(5, TRIES):
            every = await killed(client, prompt, at, beside=3)
            if every is not None:
                break
        else:
            raise AssertionError("no kill came in time")
    for got in every:
        assert got.error in {None, "worker_crashed"}
        assert got.text == whole.text if got.error is None else whole.text.startswith(got.text)
