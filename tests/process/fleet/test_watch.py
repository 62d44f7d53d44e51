"""Workers that live and do not work: found, and replaced by ones that do."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from dovetail.core.errors import WorkerCrashed, WorkerStalled
from dovetail.core.events import Finished
from dovetail.core.model import Model
from dovetail.fleet import watch
from dovetail.fleet.pool import Pool
from dovetail.hardware.usage import Usage, usage

from .pools import animal, answer, ask, zoo

pytestmark = pytest.mark.anyio

HELLO = ask("hello")


def written(tmp_path: Path, behaviour: str, **script: Any) -> Model:
    """An animal of its own, which misbehaves once."""
    path = tmp_path / f"{behaviour}.json"
    path.write_text(json.dumps({"behaviour": behaviour, "once": str(tmp_path / "done"), "tokens": 20, **script}))
    return Model(behaviour, "gguf", path)


async def until(condition: Callable[[], bool], within: float = 15.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


async def loaded(pool: Pool, model: Model) -> int:
    await pool.load(model)
    pid = pool.status(model.id).pid
    assert pid is not None
    return pid


async def replaced(pool: Pool, model: Model, pid: int) -> None:
    await until(lambda: pool.status(model.id).state == "ready" and pool.status(model.id).pid != pid)
    assert not psutil.pid_exists(pid)
    assert isinstance((await answer(pool, model, ask("hello", max_tokens=3)))[-1], Finished)


@pytest.mark.bad_input("58")
async def test_one_that_is_frozen_while_idle_is_replaced_within_three_heartbeats(run_dir: Path) -> None:
    async with zoo(run_dir, heartbeat=0.2, stop_timeout=0.2) as pool:
        pid = await loaded(pool, animal("well"))
        os.kill(pid, signal.SIGSTOP)
        await replaced(pool, animal("well"), pid)


@pytest.mark.bad_input("58")
async def test_one_that_freezes_in_mid_stream_is_a_crash_long_before_its_tokens_are_missed(
    run_dir: Path, tmp_path: Path
) -> None:
    model = written(tmp_path, "freezes_mid_stream")
    async with zoo(run_dir, heartbeat=0.2, stop_timeout=0.2, token_timeout=3600) as pool:
        pid = await loaded(pool, model)
        with pytest.raises(WorkerCrashed, match=r"it did not answer for 0\.6 s"):
            await answer(pool, model, HELLO)
        await replaced(pool, model, pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
async def test_one_that_is_killed_or_frozen_while_it_loads_is_replaced_unseen(
    run_dir: Path, number: signal.Signals
) -> None:
    async with zoo(run_dir, heartbeat=0.2) as pool:
        answering = asyncio.ensure_future(answer(pool, animal("slow_load"), ask("hello", max_tokens=3)))
        await until(lambda: pool.status("slow_load").pid is not None)
        pid = pool.status("slow_load").pid
        assert pid is not None
        os.kill(pid, number)
        assert isinstance((await answering)[-1], Finished)
        assert not psutil.pid_exists(pid)


async def test_one_that_answers_and_generates_nothing_is_replaced(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CANARY_WITHIN", 0.3)
    model = written(tmp_path, "wedged", slots=1)
    async with zoo(run_dir, token_timeout=0.3) as pool:
        pid = await loaded(pool, model)
        with pytest.raises(WorkerStalled):
            await answer(pool, model, HELLO)
        await replaced(pool, model, pid)


async def test_one_that_wedges_while_idle_is_found_by_a_canary(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CANARY_WITHIN", 0.3)
    monkeypatch.setattr(watch, "IDLE_CANARY", 0.2)
    model = written(tmp_path, "wedged", after=0)
    async with zoo(run_dir, heartbeat=0.1) as pool:
        await replaced(pool, model, await loaded(pool, model))


async def test_one_stream_that_hangs_does_not_cost_the_others_their_worker(run_dir: Path, tmp_path: Path) -> None:
    model = written(tmp_path, "hangs_mid_stream")
    async with zoo(run_dir, token_timeout=0.3) as pool:
        pid = await loaded(pool, model)
        with pytest.raises(WorkerStalled):
            await answer(pool, model, HELLO)
        assert pool.status(model.id).pid == pid


async def test_one_that_grows_is_started_anew_when_idle(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed: list[int] = []

    def weigh(pid: int) -> Usage:
        found = usage(pid)
        weighed.append(pid)
        return found

    async def next_time() -> None:
        seen = len(weighed)
        await until(lambda: len(weighed) > seen + 1)  # the one under way does not count

    monkeypatch.setattr(watch, "WEIGHED_EVERY", 0.1)
    monkeypatch.setattr(watch, "usage", weigh)
    model = written(tmp_path, "grows")
    async with zoo(run_dir, heartbeat=0.1, max_growth=40 << 20) as pool:
        pid = await loaded(pool, model)
        await next_time()
        await answer(pool, model, HELLO)
        await next_time()
        assert pool.status(model.id).pid == pid, "32 MiB are allowed"
        await answer(pool, model, HELLO)
        await replaced(pool, model, pid)


async def test_one_that_dies_on_its_second_request_serves_the_first(run_dir: Path) -> None:
    async with zoo(run_dir) as pool:
        assert isinstance((await answer(pool, animal("dies_on_second"), HELLO))[-1], Finished)
        with pytest.raises(WorkerCrashed):
            await answer(pool, animal("dies_on_second"), HELLO)
        await until(lambda: pool.status("dies_on_second").state == "ready")


async def test_one_that_leaves_slowly_is_given_the_time_it_has(run_dir: Path) -> None:
    async with zoo(run_dir, stop_timeout=5) as pool:
        pid = await loaded(pool, animal("dies_slowly"))
        await pool.unload("dies_slowly")
        assert pool.status("dies_slowly").state == "unloaded"
        assert not psutil.pid_exists(pid)
