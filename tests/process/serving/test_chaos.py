"""Workers killed at random in the middle of streams: whatever happens, the client is told and nothing is left behind.

`CHAOS_KILLS` sets the number of kills; the suite runs a few, a release runs a hundred.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import psutil
import pytest

from .running import Running, running

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("CHAOS_KILLS", "8"))
MODELS = ("tiny-gguf", "tiny-mlx")
STREAMS = 6
ANSWERED_WITHIN = 60.0


@dataclass
class Seen:
    """How requests ended."""

    whole: int = 0
    errors: list[str] = field(default_factory=list[str])
    silent: list[str] = field(default_factory=list[str])


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    # A worker that is killed again and again would otherwise be given up for a while.
    patient = {"DOVETAIL_FLEET__GOOD_SERVICE": "0.001"}
    async with running(tmp_path_factory.mktemp("home"), environment=patient) as process:
        yield process


async def ask(session: aiohttp.ClientSession, server: Running, model: str, seen: Seen) -> None:
    body = {"model": model, "stream": True, "max_tokens": 200, "ignore_eos": True}
    body |= {"messages": [{"role": "user", "content": "Tell me a long story"}], "temperature": 0}
    async with session.post(f"{server.url}/v1/chat/completions", json=body) as response:
        text = await response.text()
    if response.status != 200:
        seen.errors.append(orjson.loads(text)["error"]["code"])
        return
    frames = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    last: dict[str, dict[str, str]] = orjson.loads(frames[-1]) if frames and frames[-1] != "[DONE]" else {}
    if frames and frames[-1] == "[DONE]":
        seen.whole += 1
    elif "error" in last:
        seen.errors.append(last["error"]["code"])
    else:
        seen.silent.append(text[-200:])


async def keep_asking(
    session: aiohttp.ClientSession, server: Running, model: str, seen: Seen, done: asyncio.Event
) -> None:
    while not done.is_set():
        async with asyncio.timeout(ANSWERED_WITHIN):
            await ask(session, server, model, seen)


async def kill_one(session: aiohttp.ClientSession, server: Running, chance: random.Random) -> None:
    while True:
        victim = await server.worker(session, chance.choice(MODELS))
        await asyncio.sleep(chance.uniform(0.02, 0.3))  # somewhere in the middle of its streams
        try:
            victim.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue  # the last one killed, whose end nobody had noticed yet
        return


@pytest.mark.bad_input("57")
@pytest.mark.accept("R2")
async def test_killed_workers_hurt_nobody_but_their_own_streams(server: Running) -> None:
    chance = random.Random(7)
    seen, done = Seen(), asyncio.Event()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        for model in MODELS:
            await ask(session, server, model, seen)
        descriptors = server.process.num_fds()
        async with asyncio.TaskGroup() as group:
            for number in range(STREAMS):
                group.create_task(keep_asking(session, server, MODELS[number % 2], seen, done))
            for _ in range(KILLS):
                await kill_one(session, server, chance)
            done.set()
        before = seen.whole
        for model in MODELS:
            await ask(session, server, model, seen)
    assert seen.whole == before + 2, seen.errors[-2:]
    assert not seen.silent
    assert set(seen.errors) <= {"worker_crashed", "model_failed"}
    assert seen.whole > len(seen.errors)
    assert server.process.is_running()
    assert len(server.process.children()) == len(MODELS)
    assert len(list(server.sockets())) == len(MODELS)
    assert server.process.num_fds() <= descriptors + 2


@pytest.mark.bad_input("66")
async def test_a_killed_gateway_leaves_no_process_and_no_stale_socket(tmp_path: Path) -> None:
    async with running(tmp_path) as server, aiohttp.ClientSession() as session:
        seen = Seen()
        for model in MODELS:
            await ask(session, server, model, seen)
        workers = server.process.children(recursive=True)
        assert len(workers) == len(MODELS)
        server.process.kill()
        _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 5)
        assert not alive
    async with running(tmp_path) as server, aiohttp.ClientSession() as session:
        assert not list(server.sockets())
        await ask(session, server, "tiny-gguf", seen)
        assert seen.whole == 3
