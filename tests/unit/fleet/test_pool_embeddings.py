"""Workers for embeddings in the pool, beside those that generate."""

import asyncio

import pytest

from dovetail.core.errors import EngineFailure, WorkerCrashed
from dovetail.core.events import Loading
from dovetail.engines.base import WorkerCall
from dovetail.workers.scripted import Script

from .fakes import FakeLauncher, Plan, Recorder
from .test_pool import A, Pools, answer, pools

__all__ = ["pools"]  # the fixture
pytestmark = pytest.mark.anyio


async def test_embeddings_have_a_worker_of_their_own_for_each_pooling(
    pools: Pools, launcher: FakeLauncher, recorder: Recorder
) -> None:
    pool = pools()
    for pooling in ("mean", "mean", "last"):
        async with pool.lease(A, pooling) as lease:
            assert [type(event) async for event in lease.ready()] in ([], [Loading])
    assert pool.status("a").state == "ready"
    assert pool.status("a").context == 0  # of what it generates with, nothing is known yet
    await answer(pool)
    assert [launcher.starts(name) for name in ("a", "a:mean", "a:last")] == [1, 1, 1]
    assert [status.model for status in pool.states()] == ["a:mean", "a:last", "a"]
    assert pool.status("a").context > 0
    assert await pool.unload("a")
    assert {status.state for status in pool.states()} == {"unloaded"}
    assert not await pool.unload("a")
    assert ("a:mean", "ready") in recorder.states


async def test_a_call_waits_for_a_slot_and_gives_it_back(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a:mean"] = Plan(Script(slots=1))
    pool = pools()
    async with pool.lease(A, "mean") as lease:
        _ = [event async for event in lease.ready()]
        calls = [lease.call(WorkerCall("/tokenize", {"content": "ab"}), 5.0) for _ in range(4)]
        assert await asyncio.gather(*calls) == [{"tokens": [97, 98]}] * 4
        with pytest.raises(EngineFailure):
            await lease.call(WorkerCall("/slots", {}), 5.0)
        assert pool.status("a").active == 0


async def test_a_call_to_a_dead_worker_says_why(pools: Pools, launcher: FakeLauncher) -> None:
    pool = pools()
    async with pool.lease(A, "mean") as lease:
        _ = [event async for event in lease.ready()]
        launcher.process("a:mean").exit(-9)
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            await lease.call(WorkerCall("/tokenize", {"content": "ab"}), 5.0)
