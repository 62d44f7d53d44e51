"""Every broken worker does what it does, and the fleet lives on."""

import asyncio
import os
import signal
import time
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from dovetail.core.errors import EngineFailure, LoadFailed, WorkerCrashed, WorkerStalled
from dovetail.core.events import Finished, Loading
from dovetail.fleet import watch
from dovetail.fleet.process import KEPT_LINES, LINES_A_SECOND

from .pools import Recorder, animal, answer, ask, crashes, text, zoo

pytestmark = pytest.mark.anyio

HELLO = ask("hello")


async def test_one_that_dies_on_load_says_why(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        with pytest.raises(LoadFailed, match="dies_on_load could not be loaded: the script says") as failed:
            await answer(pool, animal("dies_on_load"), HELLO)
        assert len(failed.value.log_tail) == 1
        assert pool.status("dies_on_load").state == "failed"


@pytest.mark.bad_input("35")
async def test_one_that_hangs_on_load_is_given_up(run_dir: Path) -> None:
    async with zoo(run_dir, load_timeout=0.5) as pool:
        with pytest.raises(LoadFailed, match=r"not ready within 0\.5 s"):
            await answer(pool, animal("hangs_on_load"), HELLO)
        assert pool.status("hangs_on_load").pid is None


async def test_a_load_that_nobody_waits_for_is_stopped_within_a_second(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        waiters = [asyncio.ensure_future(answer(pool, animal("hangs_on_load"), HELLO)) for _ in range(3)]
        async with asyncio.timeout(5):
            while (pid := pool.status("hangs_on_load").pid) is None:
                await asyncio.sleep(0.01)
        for waiter in waiters:
            waiter.cancel()
        started = time.monotonic()
        async with asyncio.timeout(5):
            while psutil.pid_exists(pid):
                await asyncio.sleep(0.01)
        assert time.monotonic() - started < 1
        assert pool.status("hangs_on_load").state == "unloaded"


async def test_one_that_loads_slowly_is_waited_for(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        events = await answer(pool, animal("slow_load"), HELLO)
    assert events[0] == Loading("slow_load")
    assert isinstance(events[-1], Finished)


@pytest.mark.accept("E5")
async def test_one_that_dies_in_mid_stream_is_noticed_and_started_again(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        for _ in range(2):
            error = await crashes(pool, animal("dies_mid_stream"), HELLO)
            assert error.code == "worker_crashed"
            assert "SIGKILL" in error.message
        async with asyncio.timeout(10):  # started again without being asked for
            while pool.status("dies_mid_stream").state != "ready":
                await asyncio.sleep(0.01)


@pytest.mark.bad_input("57")
async def test_a_crash_leaves_other_models_alone(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        async with pool.lease(animal("endless")) as held:
            async for _ in held.ready():
                pass
            async with aclosing(held.generate(HELLO)) as stream:
                await anext(stream)
                crash = asyncio.ensure_future(crashes(pool, animal("dies_mid_stream"), HELLO))
                longest, last = 0.0, time.monotonic()
                async for _ in stream:
                    longest, last = max(longest, time.monotonic() - last), time.monotonic()
                    if crash.done():
                        break
        assert isinstance(crash.result(), WorkerCrashed)
        assert longest < 1


async def test_one_that_hangs_in_mid_stream_is_not_waited_for(run_dir: Path) -> None:
    async with zoo(run_dir, token_timeout=0.2) as pool:
        with pytest.raises(WorkerStalled):
            await answer(pool, animal("hangs_mid_stream"), HELLO)


@pytest.mark.bad_input("58")
async def test_one_that_is_frozen_is_replaced(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EXAMINED_WITHIN", 0.2)
    async with zoo(run_dir, token_timeout=0.3, stop_timeout=0.2) as pool:
        await pool.load(animal("endless"))
        frozen = pool.status("endless").pid
        assert frozen is not None
        asyncio.get_running_loop().call_later(0.2, os.kill, frozen, signal.SIGSTOP)
        with pytest.raises(WorkerStalled):
            await answer(pool, animal("endless"), HELLO)
        assert isinstance((await answer(pool, animal("endless"), ask("hello", max_tokens=4)))[-1], Finished)
        assert pool.status("endless").pid != frozen
        assert not psutil.pid_exists(frozen)


async def test_one_that_closes_in_mid_stream_has_crashed(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        await crashes(pool, animal("closes_mid_stream"), HELLO)


async def test_one_that_ignores_sigterm_is_killed(run_dir: Path) -> None:
    async with zoo(run_dir, stop_timeout=0.3) as pool:
        assert isinstance((await answer(pool, animal("ignores_sigterm"), HELLO))[-1], Finished)
        pid = pool.status("ignores_sigterm").pid
        started = time.monotonic()
        assert await pool.unload("ignores_sigterm")
        assert 0.3 <= time.monotonic() - started < 2
        assert pid
        assert not psutil.pid_exists(pid)


async def test_one_that_floods_stderr_is_heard_in_measure(run_dir: Path) -> None:
    recorder = Recorder()
    async with zoo(run_dir, recorder=recorder) as pool:
        started = time.monotonic()
        events = await answer(pool, animal("floods_stderr"), HELLO)
        assert text(events) == "tok " * 200
        assert recorder.lines <= LINES_A_SECOND * (time.monotonic() - started + 2)
        assert len(pool._seats["floods_stderr"].worker.last_lines) == KEPT_LINES


async def test_one_that_leaves_a_child_takes_it_along(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        await answer(pool, animal("leaves_a_child"), HELLO)
        (child,) = psutil.Process(pool.status("leaves_a_child").pid).children()
        await pool.unload("leaves_a_child")
        assert psutil.wait_procs([child], timeout=2)[1] == []


@pytest.mark.parametrize("behaviour", ["junk_frames", "error_frame", "wrong_status"])
async def test_one_that_talks_nonsense_fails_that_request_alone(run_dir: Path, behaviour: str) -> None:
    async with zoo(run_dir) as pool:
        with pytest.raises(EngineFailure):
            await answer(pool, animal(behaviour), HELLO)
        status = pool.status(behaviour)
        assert (status.state, status.active) == ("ready", 0)


@pytest.mark.accept("E14")
async def test_many_streams_run_at_once(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        answers = await asyncio.gather(*(answer(pool, animal("well"), HELLO) for _ in range(64)))
    assert all(text(events) == "tok " * 16 for events in answers)
