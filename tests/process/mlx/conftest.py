"""A real MLX worker over a Unix socket, and a client that reads its frames."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiohttp
import pytest

import dovetail
from dovetail.core.request import Json, JsonObject

pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

SOURCES = Path(dovetail.__file__).parents[1]
TINY = SOURCES / "dovetail" / "demo" / "models" / "tiny-mlx"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("worker", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Reply:
    """A whole answer: its status, its frames and what they add up to."""

    status: int
    frames: list[JsonObject]
    finished: bool

    @property
    def deltas(self) -> list[JsonObject]:
        choices = [cast("list[JsonObject]", frame["choices"]) for frame in self.frames if "choices" in frame]
        return [cast("JsonObject", choice[0]["delta"]) for choice in choices if choice]

    def joined(self, field: str) -> str:
        return "".join(cast("str", delta.get(field) or "") for delta in self.deltas)

    @property
    def text(self) -> str:
        native = "".join(cast("str", frame.get("content") or "") for frame in self.frames)
        return native or self.joined("content")

    @property
    def reason(self) -> Json:
        for frame in reversed(self.frames):
            choices = cast("list[JsonObject]", frame.get("choices") or [])
            if choices and choices[0]["finish_reason"]:
                return choices[0]["finish_reason"]
        return None

    @property
    def last(self) -> JsonObject:
        return self.frames[-1]

    @property
    def cached(self) -> int:
        return cast("int", cast("JsonObject", self.last["timings"])["cache_n"])

    @property
    def error(self) -> JsonObject:
        return cast("JsonObject", self.frames[-1]["error"])


class Worker:
    """One worker process; stdin is held open, and closing it ends the worker."""

    def __init__(self, folder: Path, stderr: Path, model: Path, *options: str) -> None:
        self.socket = folder / "w.sock"
        self.stderr = stderr
        argv = [sys.executable, "-m", "dovetail.workers.mlx", "--model", str(model), "--socket", str(self.socket)]
        with stderr.open("wb") as output:
            self.process = subprocess.Popen(
                [*argv, *options],
                stdin=subprocess.PIPE,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(SOURCES)},
            )

    def health(self) -> tuple[int, JsonObject] | None:
        """Status and body; None while there is no socket."""
        connection = _UnixConnection(self.socket)
        try:
            connection.request("GET", "/health")
            response = connection.getresponse()
            return response.status, cast("JsonObject", json.loads(response.read()))
        except OSError:
            return None
        finally:
            connection.close()

    def wait_ready(self, limit: float = 30.0) -> None:
        deadline = time.monotonic() + limit
        while (health := self.health()) is None or health[0] != 200:
            assert self.process.poll() is None, self.stderr.read_text()
            assert time.monotonic() < deadline, f"not ready: {health}"
            time.sleep(0.05)

    def end(self) -> int:
        """Close stdin and wait."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    @asynccontextmanager
    async def open(self, path: str, body: JsonObject) -> AsyncGenerator[aiohttp.ClientResponse]:
        connector = aiohttp.UnixConnector(str(self.socket), force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.post(f"http://worker{path}", json=body) as response,
        ):
            yield response

    async def ask(self, path: str, body: JsonObject) -> Reply:
        async with self.open(path, body) as response:
            text = await response.text()
        if response.content_type == "application/json":
            return Reply(response.status, [cast("JsonObject", json.loads(text))], finished=True)
        lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
        frames = [cast("JsonObject", json.loads(line)) for line in lines if line != "[DONE]"]
        return Reply(response.status, frames, finished=lines[-1] == "[DONE]")

    async def chat(self, text: str, **fields: Json) -> Reply:
        messages: Json = [{"role": "user", "content": text}]
        body: JsonObject = {"messages": messages, "temperature": 0, "stream": True, "max_tokens": 48, **fields}
        return await self.ask("/v1/chat/completions", body)

    async def complete(self, prompt: object, **fields: Json) -> Reply:
        return await self.ask(
            "/completion", {"prompt": cast("Json", prompt), "temperature": 0, "n_predict": 24, **fields}
        )


Start = Callable[..., Worker]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Generator[Start]:
    """Start workers of one's own; all of them end with the session, and what they said is kept."""
    workers: list[Worker] = []
    folders: list[Path] = []

    def launch(*options: str, model: Path = TINY, ready: bool = True) -> Worker:
        folders.append(Path(tempfile.mkdtemp(prefix="dt")))
        worker = Worker(folders[-1], tmp_path_factory.mktemp("worker") / "stderr", model, *options)
        workers.append(worker)
        if ready:
            worker.wait_ready()
        return worker

    yield launch
    for worker in workers:
        worker.end()
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def worker(start: Start) -> Worker:
    """The worker that most tests share."""
    return start("--context", "1024", "--prefill-step", "64", "--parallel", "4")
