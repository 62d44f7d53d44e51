"""How a real server ends: streams finish, or say why they do not; a second signal does not wait."""

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..process.fleet.pools import alive  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

STORY = {"messages": [{"role": "user", "content": "Tell me a long story"}], "temperature": 0, "stream": True}


async def read(server: Running, first: asyncio.Event, **fields: Any) -> str:
    text = ""
    sent = {"model": "tiny-gguf", **STORY, **fields}
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/v1/chat/completions", json=sent) as got:
        async for line in got.content:
            text += line.decode()
            if '"delta"' in text:
                first.set()
    return text


async def gone(server: Running, within: float) -> None:
    async with asyncio.timeout(within):
        while alive(server.process):
            await asyncio.sleep(0.02)


@pytest.mark.bad_input("66")
async def test_running_streams_finish(tmp_path: Path) -> None:
    first = asyncio.Event()
    async with running(tmp_path) as server:
        reading = asyncio.create_task(read(server, first, max_tokens=2000, ignore_eos=True))
        await first.wait()
        server.process.send_signal(signal.SIGTERM)
        assert (await reading).endswith("data: [DONE]\n\n")
        await gone(server, 10)


@pytest.mark.bad_input("66")
async def test_what_cannot_finish_says_so(tmp_path: Path) -> None:
    first = asyncio.Event()
    async with running(tmp_path, environment={"DOVETAIL_SERVER__DRAIN_TIMEOUT": "0.2"}) as server:
        reading = asyncio.create_task(read(server, first, ignore_eos=True))
        await first.wait()
        workers = server.process.children(recursive=True)
        server.process.send_signal(signal.SIGINT)
        last = (await reading).strip().split("\n")[-1]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "shutting_down"
        await gone(server, 10)
        assert not any(alive(worker) for worker in workers)


@pytest.mark.bad_input("66")
async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    first = asyncio.Event()
    async with running(tmp_path) as server:
        reading = asyncio.create_task(read(server, first, ignore_eos=True))
        await first.wait()
        server.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        await gone(server, 5)
        assert time.monotonic() - began < 2
        reading.cancel()
        await asyncio.wait([reading])
