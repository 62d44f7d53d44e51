"""A crowd that waits: what an idle stream weighs, and how soon /health answers beside a thousand of them."""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.gateway import scripted_server
from benchmarks.load import Target
from benchmarks.options import Options
from benchmarks.server import Server, serve

STREAMS = 1000
QUEUED = 200
PROBES = 600
WITHIN = 120.0
_FILES = 8192  # descriptors: each stream has two in the gateway
_WARM = 20


@dataclass(frozen=True, slots=True)
class Idle:
    """Bytes of the gateway for each stream, and milliseconds of /health: median, 99th percentile, worst."""

    stream: float
    queued: float
    median: float
    p99: float
    worst: float


def section(options: Options) -> str:
    """The text of "A crowd that waits"."""
    with tempfile.TemporaryDirectory() as folder:
        found = idle(options.models, Path(folder))
    stream, queued = found.stream / 1000, found.queued / 1000
    return f"""\
{STREAMS} streams on which nothing comes and {QUEUED} requests in line behind them, each with its own connection, on
a scripted worker. The gateway grows by **{stream:.0f} kB a stream** (to reach: 60),
its connection to the worker among them, and by {queued:.0f} kB a request in line.
{PROBES} times `/health` from another process meanwhile: p50 {found.median:.1f} ms,
**p99 {found.p99:.1f} ms** (to reach: 50), at most {found.worst:.1f} ms.
"""


def idle(models: Path, folder: Path) -> Idle:
    """Blocks for about a minute. Needs twice as many file descriptors as there are streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    script = {"tokens": 2, "interval_ms": 3_600_000, "slots": STREAMS}
    with scripted_server(folder, sys.executable, script) as scripted:
        environment = {
            "DOVETAIL_ENGINES__GGUF__BINARY": str(scripted),
            "DOVETAIL_SERVER__MAX_CONNECTIONS": str(2 * (STREAMS + QUEUED)),
            "DOVETAIL_FLEET__MAX_WAITING": str(QUEUED + STREAMS),
            "DOVETAIL_FLEET__FIRST_TOKEN_TIMEOUT": "86400",
            "DOVETAIL_FLEET__TOKEN_TIMEOUT": "86400",
        }
        with serve(models, environment) as server:
            return asyncio.run(_measured(server))


async def _measured(server: Server) -> Idle:
    target = Target(server.url, "tiny-gguf")
    crowd = await _streams(target, _WARM)
    await _settled(server.url, _WARM, 0)  # the model is loaded, the code is warm
    before = server.rss()
    crowd += await _streams(target, STREAMS - _WARM)
    await _settled(server.url, STREAMS, 0)
    with_streams = server.rss()
    crowd += await _streams(target, QUEUED)
    await _settled(server.url, STREAMS, QUEUED)
    with_queue = server.rss()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        times = await asyncio.get_running_loop().run_in_executor(other, probe, server.url, PROBES)
    for _, writer in crowd:
        writer.close()
    times.sort()
    return Idle(
        stream=(with_streams - before) / (STREAMS - _WARM),
        queued=(with_queue - with_streams) / QUEUED,
        median=statistics.median(times) * 1e3,
        p99=times[math.ceil(0.99 * len(times)) - 1] * 1e3,
        worst=times[-1] * 1e3,
    )


def probe(url: str, count: int) -> list[float]:
    """Seconds that each of `count` questions for /health took, ten milliseconds apart. Runs in a process of its own."""
    address = urlsplit(url)
    times: list[float] = []
    for _ in range(count):
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=WITHIN)
        started = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - started)
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"/health answered {answer.status}")
        time.sleep(0.01)
    return times


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _streams(target: Target, count: int) -> list[Connection]:
    return [await _stream(target) for _ in range(count)]


async def _stream(target: Target) -> Connection:
    """A chat whose answer is asked for as a stream; nothing of it is waited for."""
    address = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    messages = [{"role": "user", "content": "Tell me a story of ships and hills, and of a town by the river."}]
    body = json.dumps({"model": target.model, "messages": messages, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def _settled(url: str, running: int, waiting: int) -> None:
    """Returns once so many streams run and so many requests are in line, with the headers of all of them sent."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        state = await asyncio.to_thread(_state, url)
        busy = state["slots_total"] - state["slots_available"] if state["model_loaded"] else 0
        if (busy, state["waiting"]) == (running, waiting):
            await asyncio.sleep(8)  # headers are held for 5 s at most
            return
        await asyncio.sleep(0.2)
    raise RuntimeError(f"the crowd did not assemble within {WITHIN:g} s")


def _state(url: str) -> dict[str, int]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=WITHIN)
    connection.request("GET", "/health?model=tiny-gguf")
    state: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return state
