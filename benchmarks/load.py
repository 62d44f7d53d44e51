"""A load generator for the OpenAI chat dialect: many streams at once, timed from the client's side."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import orjson

WORDS = tuple("the river runs past a quiet town where old friends meet and talk of ships and hills".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: a base URL, over `socket` when it is a worker's own."""

    url: str
    model: str
    socket: Path | None = None


@dataclass(slots=True)
class Round:
    """What one round saw: seconds to the first text and to the end of each answer, output tokens, wall seconds."""

    first: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    tokens: int = 0
    wall: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def throughput(self) -> float:
        """Output tokens a second over the whole round."""
        return self.tokens / self.wall

    @property
    def ttft(self) -> float:
        """Median seconds to the first text."""
        return statistics.median(self.first)


_numbers = count(100_000)


def prompt(words: int, rng: random.Random) -> str:
    """Random text behind a number that is never used twice: the same length for the same `rng`, and never cached."""
    return " ".join([str(next(_numbers)), *(rng.choice(WORDS) for _ in range(words))])


async def run_round(
    target: Target, *, streams: int, requests: int, tokens: int, words: int, seed: int, extra: dict[str, Any]
) -> Round:
    """`requests` requests, `streams` at a time, one connection each; raises RuntimeError if any of them fails."""
    rng = random.Random(seed)
    texts = iter([prompt(words, rng) for _ in range(requests)])
    result = Round()
    connector = (
        aiohttp.UnixConnector(str(target.socket), limit=0, force_close=True)
        if target.socket
        else aiohttp.TCPConnector(limit=0, force_close=True)
    )
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(600)) as session:

        async def stream() -> None:
            for text in texts:
                await _one(session, target, {"max_tokens": tokens, **extra}, text, result)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(stream())
        result.wall = time.perf_counter() - started
    if result.errors:
        raise RuntimeError(f"{len(result.errors)} of {requests} requests failed, the first with: {result.errors[0]}")
    return result


async def _one(session: aiohttp.ClientSession, target: Target, extra: dict[str, Any], text: str, result: Round) -> None:
    body = {"model": target.model, "messages": [{"role": "user", "content": text}], "stream": True}
    body |= {"stream_options": {"include_usage": True}, **extra}
    started = time.perf_counter()
    first = 0.0
    async with session.post(f"{target.url}/v1/chat/completions", json=body) as response:
        if response.status != 200:
            result.errors.append(f"{response.status} {await response.text()}")
            return
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            frame = orjson.loads(line[6:])
            if "error" in frame:
                result.errors.append(str(frame["error"]))
                return
            if not first and frame["choices"] and _text(frame["choices"][0]["delta"]):
                first = time.perf_counter() - started
            if usage := frame.get("usage"):
                result.tokens += usage["completion_tokens"]
    whole = time.perf_counter() - started
    result.first.append(first or whole)
    result.ended.append(whole)


def _text(delta: dict[str, Any]) -> bool:
    return bool(delta.get("content") or delta.get("reasoning_content"))
