"""Everything at once for a while, on both engines: kills, freezes, clients that leave, loads and unloads.

`SOAK_SECONDS` sets for how long; the suite runs a minute, a release ten.
"""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from .margins import MODELS, STORIES, body
from .running import Running, running

pytestmark = pytest.mark.anyio

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
CLIENTS = 6
TOKENS = 60
ANSWERED_WITHIN = 90.0
PROMPTS: list[str] = list(json.loads(STORIES.read_text()))
ENVIRONMENT = {
    "DOVETAIL_FLEET__GOOD_SERVICE": "0.001",  # else it would give up a worker that is killed so often
    "DOVETAIL_FLEET__HEARTBEAT": "1",
    "DOVETAIL_FLEET__STOP_TIMEOUT": "1",
}
HONEST = {"worker_crashed", "worker_stalled", "model_unloaded", "model_failed"}


class Soak:
    """A server under siege, and what its clients got."""

    def __init__(self, session: aiohttp.ClientSession, server: Running, chance: random.Random) -> None:
        self.session = session
        self.server = server
        self.chance = chance
        self.known: dict[tuple[str, str], str] = {}
        self.ended: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.over = asyncio.Event()

    async def ask(self, model: str, prompt: str, leave_after: int | None = None) -> None:
        text, error, done, frames = "", None, False, 0
        asked = {**body(model, prompt), "max_tokens": TOKENS, "stream": True}
        async with self.session.post(f"{self.server.url}/v1/chat/completions", json=asked) as response:
            if response.status != 200:
                error = (await response.json())["error"]["code"]
            async for line in response.content:
                done = done or line == b"data: [DONE]\n"
                if line.startswith(b"data: {"):
                    frame = json.loads(line[6:])
                    error = frame["error"]["code"] if "error" in frame else error
                    for choice in frame.get("choices", ()):
                        text += choice["delta"].get("content") or ""
                    frames += 1
                    if frames == leave_after:
                        self.ended["left"] += 1
                        return
        await self.judge(self.known.setdefault((model, prompt), text), text, error, done)

    async def judge(self, known: str, text: str, error: str | None, done: bool) -> None:
        """Whole and right, or a beginning that says how it ended: anything else is wrong."""
        right = known == text if error is None else known.startswith(text)
        if not right or done is not (error is None) or (error and error not in HONEST):
            self.wrong.append(f"{error} {done} {text!r} for {known!r}")
        self.ended[error or "whole"] += 1

    async def client(self) -> None:
        while not self.over.is_set():
            leaves = self.chance.randint(1, 20) if self.chance.random() < 0.2 else None
            async with asyncio.timeout(ANSWERED_WITHIN):
                await self.ask(self.chance.choice(MODELS), self.chance.choice(PROMPTS), leaves)

    async def besiege(self) -> None:
        while not self.over.is_set():
            await asyncio.sleep(self.chance.uniform(0.5, 3.5))
            workers = self.server.process.children()
            if workers:
                with suppress(psutil.NoSuchProcess):
                    self.chance.choice(workers).send_signal(self.chance.choice((signal.SIGKILL, signal.SIGSTOP)))

    async def load_and_unload(self) -> None:
        while not self.over.is_set():
            await asyncio.sleep(self.chance.uniform(1, 4))
            where, model = self.chance.choice(("load", "unload")), self.chance.choice(MODELS)
            async with self.session.post(f"{self.server.url}/models/{where}", json={"model": model}) as response:
                await response.read()

    async def settled(self) -> tuple[int, int]:
        """Asks each model once; the gateway's memory and descriptors when nothing else runs."""
        for model in MODELS:
            for _ in range(3):  # what was frozen last is noticed first
                async with asyncio.timeout(ANSWERED_WITHIN):
                    await self.ask(model, PROMPTS[0])
        return self.server.process.memory_info().rss, self.server.process.num_fds()

    async def run(self, seconds: float) -> None:
        self.over.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self.client())
            tasks.create_task(self.besiege())
            tasks.create_task(self.load_and_unload())
            await asyncio.sleep(seconds)
            self.over.set()


@pytest.mark.accept("R1", "R2", "R11")
async def test_nothing_is_wrong_nothing_leaks_and_nothing_waits_for_ever(tmp_path: Path) -> None:
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        running(tmp_path, environment=ENVIRONMENT) as server,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        soak = Soak(session, server, random.Random(5))
        for model in MODELS:
            for prompt in PROMPTS:
                await soak.ask(model, prompt)
        await soak.run(SECONDS / 2)  # the first half warms up
        memory, descriptors = await soak.settled()
        await soak.run(SECONDS / 2)
        memory_after, descriptors_after = await soak.settled()
        whole = soak.ended["whole"]
        await soak.settled()
        assert soak.wrong == []
        assert soak.ended["whole"] == whole + 3 * len(MODELS), soak.ended
        assert len(server.process.children()) == len(MODELS)
        assert len(list(server.sockets())) == len(MODELS)
        assert descriptors_after <= descriptors * 1.05 + 2
        assert memory_after <= memory * 1.05, (memory, memory_after)
        assert soak.ended["whole"] > sum(soak.ended[code] for code in HONEST), soak.ended
