"""No worker outlives its gateway, and nothing is left of one that has gone."""

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dovetail.core.events import Finished
from dovetail.core.model import LoadOptions
from dovetail.engines.gguf import GgufEngine

from .pools import TINY, ZOO, animal, answer, ask, descendants, gguf, pool_of, zoo

HELLO = ask("hello", max_tokens=4)

GATEWAY = """
import asyncio, sys
from pathlib import Path
from dovetail.engines.base import Command
from dovetail.fleet.launch import LocalLauncher
from dovetail.fleet.client import WorkerClient

def command(endpoint):
    argv = [socket if part == "SOCKET" else part for part in sys.argv[2:] for socket in [str(endpoint.socket)]]
    return Command((sys.executable, *argv))

async def main():
    launched = await LocalLauncher(Path(sys.argv[1])).launch("m", command, lambda line: print(line, flush=True))
    async with WorkerClient(launched.endpoint) as client:
        while not await client.health():
            await asyncio.sleep(0.02)
    print("ready", launched.process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def wait_until(condition: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A binary that takes llama-server's flags."""
    path = tmp_path / "llama-server"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m dovetail.workers.scripted "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.accept("E6")
@pytest.mark.parametrize("kind", ["scripted", "gguf", "external"])
def test_a_killed_gateway_leaves_no_orphan(run_dir: Path, stand_in: Path, kind: str) -> None:
    scripted = ["--model", str(ZOO / "leaves_a_child.json"), "--socket", "SOCKET"]
    argv = {
        "scripted": ["-m", "dovetail.workers.scripted", *scripted],
        "gguf": ["-m", "dovetail.workers.gguf", "--model", str(TINY), "--socket", "SOCKET", "--context", "512"],
        "external": ["-m", "dovetail.workers.lifeline", str(stand_in), *scripted[:2], "--host", "SOCKET"],
    }[kind]
    if kind == "gguf" and not TINY.exists():
        pytest.skip("the demo model is not built")
    gateway = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(GATEWAY), str(run_dir), *argv], stdout=subprocess.PIPE, text=True
    )
    with gateway:
        assert gateway.stdout is not None
        pid = next(int(line.split()[1]) for line in gateway.stdout if line.startswith("ready"))
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        workers = family if kind == "external" else family[:1]
        gateway.send_signal(signal.SIGKILL)
        gateway.wait(5)
        try:
            wait_until(lambda: not any(worker.is_running() for worker in workers), within=5)
        finally:
            for left in family:
                if left.is_running():
                    left.kill()


@pytest.mark.anyio
async def test_an_external_server_is_served_and_stopped(run_dir: Path, stand_in: Path) -> None:
    options = LoadOptions(context=512, parallel=2, batch=64, ubatch=64, threads=1)
    async with pool_of(GgufEngine(stand_in), run_dir, options=options) as pool:
        model = animal("well")
        assert isinstance((await answer(pool, model, HELLO))[-1], Finished)
        wrapper = psutil.Process(pool.status("well").pid)
        (server,) = wrapper.children()
        started = time.monotonic()
        await pool.unload("well")
        assert time.monotonic() - started < 1.5, "SIGTERM must reach the binary"
        assert not wrapper.is_running()
        assert not server.is_running()


@pytest.mark.anyio
async def test_twenty_lives_leave_nothing(run_dir: Path) -> None:
    def open_files() -> int:
        return psutil.Process().num_fds()

    async with zoo(run_dir) as pool:

        async def live() -> None:
            await answer(pool, animal("well"), HELLO)
            await pool.unload("well")

        await live()
        before = open_files()
        for _ in range(20):
            await live()
        assert open_files() <= before
        assert not list(run_dir.glob("*.sock"))
        assert not [child for child in descendants() if "scripted" in " ".join(child.cmdline())]
        assert threading.active_count() < 20


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_the_standard_loop_will_do(run_dir: Path) -> None:
    async with zoo(run_dir, stop_timeout=0.3) as pool:
        for name in ("well", "ignores_sigterm", "leaves_a_child"):
            assert isinstance((await answer(pool, animal(name), HELLO))[-1], Finished)
            assert await pool.unload(name)
    assert not list(run_dir.glob("*.sock"))


@pytest.mark.anyio
async def test_a_closing_pool_ends_starts_and_streams_alike(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        loading = asyncio.ensure_future(answer(pool, animal("hangs_on_load"), HELLO))
        streaming = asyncio.ensure_future(answer(pool, animal("endless"), ask("hello")))
        async with asyncio.timeout(10):
            while not (pool.status("endless").active and pool.status("hangs_on_load").pid):
                await asyncio.sleep(0.01)
        pids = [status.pid for status in pool.states()]
        await pool.aclose()
        ended = await asyncio.gather(loading, streaming, return_exceptions=True)
    assert [getattr(error, "code", None) for error in ended] == ["model_failed", "shutting_down"], ended
    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)


@pytest.mark.skipif(not TINY.exists(), reason="the demo model is not built")
@pytest.mark.anyio
async def test_only_its_owner_may_touch_a_workers_socket(run_dir: Path) -> None:
    async with pool_of(GgufEngine(), run_dir) as pool:
        await pool.load(gguf(TINY))
        (socket,) = run_dir.glob("*.sock")
        assert socket.stat().st_mode & 0o777 == 0o600
        assert run_dir.stat().st_mode & 0o777 == 0o700


def test_the_lifeline_passes_the_exit_status_on() -> None:
    lifeline = [sys.executable, "-m", "dovetail.workers.lifeline"]
    shell = shutil.which("sh")
    assert shell is not None
    for script, status in (("exit 7", 7), ("kill -9 $$", 137)):
        worker = subprocess.Popen([*lifeline, shell, "-c", script], stdin=subprocess.PIPE)
        with worker:
            assert worker.wait(10) == status
