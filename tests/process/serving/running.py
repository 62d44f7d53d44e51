"""A real `dovetail serve` in a process of its own."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from ... import canaries  # noqa: TID252

READY_WITHIN = 30.0
GONE_WITHIN = 40.0
WORKER_WITHIN = 30.0


@dataclass
class Running:
    url: str
    process: psutil.Process
    home: Path

    def sockets(self) -> Iterator[Path]:
        for worker in self.process.children(recursive=True):
            argv = worker.cmdline()
            if "--socket" in argv:
                yield Path(argv[argv.index("--socket") + 1])

    async def worker(self, session: aiohttp.ClientSession, model: str) -> psutil.Process:
        """The process that serves `model`, waited for until it is ready."""
        async with asyncio.timeout(WORKER_WITHIN):
            while True:
                async with session.get(f"{self.url}/v1/models/{model}") as response:
                    ready = (await response.json())["state"] == "ready"
                if ready and (found := self._child(model)):
                    return found
                await asyncio.sleep(0.02)

    def _child(self, model: str) -> psutil.Process | None:
        """A GGUF model has more processes than the one that generates, for embeddings and adapters: it is preferred."""
        other: psutil.Process | None = None
        for child in self.process.children():
            try:
                command = " ".join(child.cmdline())
            except psutil.NoSuchProcess:
                continue  # it died this moment
            if re.search(rf"/{re.escape(model)}(/|$| )", command):
                if "--pooling" not in command and "--adapter" not in command:
                    return child
                other = child
        return other


@asynccontextmanager
async def running(
    home: Path,
    flags: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = (sys.executable, "-m", "dovetail"),
) -> AsyncGenerator[Running]:
    """Starts `program` on a free port, stops by SIGTERM; what it logged, at every level, is in `home`/serve.log.

    Before it stops it meets the canaries: the end of the run looks for them in all logs.
    """
    log = home / "serve.log"
    told = {**os.environ, "DOVETAIL_LOG__LEVEL": "debug", "HF_TOKEN": canaries.TOKEN, **(environment or {})}
    argv = [*program, "serve", "--port", "0", "--home", str(home), "--log-format", "json", *flags]
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(*argv, stdout=output, stderr=output, env=told)
    try:
        url = await _address(child, log)
        yield Running(url, psutil.Process(child.pid), home)
        await canaries.fly(url)
    finally:
        if child.returncode is None:
            child.terminate()
        async with asyncio.timeout(GONE_WITHIN):
            await child.wait()


async def _address(child: asyncio.subprocess.Process, log: Path) -> str:
    async with asyncio.timeout(READY_WITHIN), aiohttp.ClientSession() as session:
        while child.returncode is None:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
                try:
                    async with session.get(f"{found[0]}/health") as response:
                        if response.status == 200:
                            return found[0]
                except aiohttp.ClientError:
                    pass
            await asyncio.sleep(0.02)
    raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
