"""Leases, room and time, with workers that live in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from dovetail.core.errors import Busy, LoadFailed, NoRoom, QueueFull, WorkerCrashed
from dovetail.core.events import Event, Finished, Loading, Queued, TextDelta
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest
from dovetail.engines.base import Engine, Machine, WorkerCall
from dovetail.fleet import lease as lease_module
from dovetail.fleet import pool as pool_module
from dovetail.fleet import run as run_module
from dovetail.fleet.client import Stream, WorkerClient, WorkerUnreachable
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, Clock, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

A, B, C = model("a"), model("b"), model("c")
LONG = Plan(Script(tokens=100_000, interval_ms=1, slots=2))
Pools = Callable[..., Pool]


@pytest.fixture
async def pools(launcher: FakeLauncher, recorder: Recorder) -> AsyncIterator[Pools]:
    made: list[Pool] = []

    def make(clock: Clock | None = None, **settings: Any) -> Pool:
        fleet = FleetSettings.model_validate({"stop_timeout": 0.05, "idle_ttl": 0, **settings})
        timed: dict[str, Any] = {} if clock is None else {"clock": clock}
        options = LoadOptions(parallel=2)
        made.append(
            Pool(Making({"gguf": FakeEngine()}, lambda _: options, Machine(2)), launcher, fleet, recorder, **timed)
        )
        return made[-1]

    yield make
    for pool in made:
        await pool.aclose()


async def answer(pool: Pool, wanted: Model = A) -> list[Event]:
    events: list[Event] = []
    async with pool.lease(wanted) as lease:
        events += [progress async for progress in lease.ready()]
        events += [event async for event in lease.generate(HELLO)]
    return events


async def test_a_lease_loads_tells_and_answers(pools: Pools) -> None:
    pool = pools()
    events = await answer(pool)
    assert events[0] == Loading("a")
    assert [type(event) for event in events[-4:]] == [TextDelta, TextDelta, TextDelta, Finished]
    again = await answer(pool)
    assert not any(isinstance(event, Loading) for event in again)


async def test_many_requests_one_start(pools: Pools, launcher: FakeLauncher) -> None:
    pool = pools()
    answers = await asyncio.gather(*(answer(pool) for _ in range(20)))
    assert launcher.starts("a") == 1
    assert all(isinstance(events[-1], Finished) for events in answers)
    assert any(isinstance(event, Queued) for events in answers for event in events)


async def test_the_status_is_a_snapshot(pools: Pools) -> None:
    pool = pools()
    assert pool.status("a").state == "unloaded"
    assert pool.states() == []
    await pool.load(A)
    status = pool.status("a")
    assert (status.state, status.slots, status.context, status.active, status.pid) == ("ready", 2, 4096, 0, 4242)
    assert [status.model for status in pool.states()] == ["a"]
    await pool.unload("a")
    gone = pool.status("a")
    assert (gone.state, gone.context, gone.slots) == ("unloaded", 0, 0)  # the next may have others


async def test_a_third_request_waits_for_a_slot_and_knows_its_position(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        running = [lease.generate(HELLO, index) for index in range(2)]
        for stream in running:
            await anext(stream)
        third, fourth = lease.generate(HELLO), lease.generate(HELLO)
        assert (await anext(third), await anext(fourth)) == (Queued(1), Queued(2))
        assert (pool.status("a").active, pool.status("a").waiting) == (2, 2)
        await third.aclose()
        assert await anext(fourth) == Queued(1)
        await running[0].aclose()
        assert not isinstance(await anext(fourth), Queued)
        for stream in (running[1], fourth):
            await stream.aclose()
    assert (pool.status("a").active, pool.status("a").waiting) == (0, 0)


async def test_the_line_for_slots_has_an_end_in_room_and_time(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools(queue_timeout=0.2)
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        streams = [lease.generate(HELLO) for _ in range(66)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(QueueFull):
            await anext(lease.generate(HELLO))
        with pytest.raises(Busy) as refused:
            _ = [event async for event in streams[-1]]
        assert refused.value.code == "queue_timeout"
        for stream in streams:
            await stream.aclose()


async def test_a_crowd_that_waits_for_a_load_is_bounded_too(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = Plan(listens=False)
    pool = pools()

    async def knock() -> None:
        async with pool.lease(A) as lease:
            async for _ in lease.ready():
                pass

    crowd = [asyncio.ensure_future(knock()) for _ in range(66)]
    await until(lambda: bool(launcher.launched))
    with pytest.raises(QueueFull):
        await knock()
    for waiter in crowd:
        waiter.cancel()
    await until(lambda: pool.status("a").state == "unloaded", within=1)


async def test_a_long_load_is_told_about_again_and_again(
    pools: Pools, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "TELL_EVERY", 0.01)
    launcher.plans["a"] = Plan(listens=False)
    pool = pools()
    async with pool.lease(A) as lease, aclosing(lease.ready()) as progress:
        assert [await anext(progress) for _ in range(4)] == [Loading("a")] * 4
    await until(lambda: pool.status("a").state == "unloaded", within=1)


async def test_the_longest_unused_model_makes_room(pools: Pools, clock: Clock) -> None:
    pool = pools(clock, max_models=2)
    for wanted in (A, B):
        await pool.load(wanted)
        clock.now += 1
    await pool.load(A)
    clock.now += 1
    await pool.load(C)
    assert {status.model: status.state for status in pool.states()} == {"a": "ready", "b": "unloaded", "c": "ready"}


async def test_the_one_that_makes_room_is_gone_before_the_other_starts(
    pools: Pools, launcher: FakeLauncher, recorder: Recorder
) -> None:
    launcher.plans["a"] = Plan(heeds_sigterm=False)
    pool = pools(max_models=1)
    await pool.load(A)
    await asyncio.gather(pool.load(B), pool.load(B))
    assert recorder.states[-4:] == [("a", "stopping"), ("a", "unloaded"), ("b", "starting"), ("b", "ready")]


async def test_a_busy_model_is_waited_for(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "TELL_EVERY", 0.01)
    pool = pools(max_models=1)
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        waiting = asyncio.ensure_future(answer(pool, B))
        await until(lambda: pool.status("b").last_used is not None)
        assert pool.status("b").state == "unloaded"
    assert isinstance((await waiting)[-1], Finished)
    assert pool.status("a").state == "unloaded"


async def test_room_is_not_waited_for_without_end(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "TELL_EVERY", 0.01)
    monkeypatch.setattr(lease_module, "PLACE_WITHIN", 0.05)
    pool = pools(max_models=1)
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        with pytest.raises(NoRoom, match="all 1 places are taken by models in use \\(a\\)"):
            await answer(pool, B)


async def test_models_compete_for_one_place_and_all_are_served(pools: Pools, launcher: FakeLauncher) -> None:
    pool = pools(max_models=1)
    answers = await asyncio.gather(*(answer(pool, wanted) for wanted in (A, B, C) * 3))
    assert all(isinstance(events[-1], Finished) for events in answers)
    assert sum(status.state == "ready" for status in pool.states()) == 1
    assert max(launcher.starts(name) for name in "abc") <= 3


async def test_an_idle_model_is_unloaded_and_a_used_one_is_not(pools: Pools) -> None:
    pool = pools(idle_ttl=0.1)
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        await asyncio.sleep(0.2)
        assert pool.status("a").state == "ready"
    await until(lambda: pool.status("a").state == "unloaded", within=1)
    assert isinstance((await answer(pool))[-1], Finished)


async def test_a_use_puts_the_unloading_off(pools: Pools) -> None:
    pool = pools(idle_ttl=0.2)
    for _ in range(4):
        await answer(pool)
        await asyncio.sleep(0.1)
    assert pool.status("a").state == "ready"


async def test_a_request_in_line_survives_a_crash_of_the_worker(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        running = [lease.generate(HELLO), lease.generate(HELLO)]
        for stream in running:
            await anext(stream)
        third = lease.generate(HELLO)
        assert await anext(third) == Queued(1)
        launcher.process("a").exit(-9)
        launcher.plans["a"] = Plan()
        for stream in running:
            with pytest.raises(WorkerCrashed):
                _ = [event async for event in stream]
        events = [event async for event in third]
    assert isinstance(events[-1], Finished)


async def test_unload_lets_requests_finish(pools: Pools) -> None:
    pool = pools()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        unloading = asyncio.ensure_future(pool.unload("a"))
        events = [event async for event in lease.generate(HELLO)]
    assert isinstance(events[-1], Finished)
    assert await unloading
    assert pool.status("a").state == "unloaded"
    assert not await pool.unload("a")
    assert not await pool.unload("never heard of")


async def test_unload_does_not_wait_for_ever(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "UNLOAD_WITHIN", 0.05)
    pool = pools()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        assert await pool.unload("a")
        assert lease.worker.state == "unloaded"


async def test_a_draining_pool_takes_nothing_and_waits_for_the_rest(pools: Pools) -> None:
    pool = pools()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        draining = asyncio.ensure_future(pool.drain(5))
        await until(lambda: pool._draining)
        with pytest.raises(Busy) as refused:
            await answer(pool)
        assert refused.value.code == "shutting_down"
        assert not draining.done()
    async with asyncio.timeout(1):
        await draining
    await pool.aclose()
    assert pool.status("a").state == "unloaded"


async def test_a_closed_pool_starts_nothing_for_those_who_still_wait(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    launcher.plans["b"] = Plan(heeds_sigterm=False)
    pool = pools()
    await pool.load(B)
    async with pool.lease(A) as lease, pool.lease(B) as stopping:
        async for _ in lease.ready():
            pass
        running = [lease.generate(HELLO), lease.generate(HELLO)]
        for stream in running:
            await anext(stream)
        in_line = lease.generate(HELLO)
        assert await anext(in_line) == Queued(1)
        stopping.worker.begin_stop()
        starting_again = asyncio.ensure_future(stopping.worker.ensure_ready())
        await asyncio.gather(pool.aclose(), *(stream.aclose() for stream in running))
        with pytest.raises(Busy, match="shutting down"):
            _ = [event async for event in in_line]
        with pytest.raises(Busy, match="shutting down"):
            await starting_again
    assert (launcher.starts("a"), launcher.starts("b")) == (1, 1)
    assert not any(status.state == "ready" for status in pool.states())


async def test_draining_has_a_deadline(pools: Pools) -> None:
    pool = pools()
    async with pool.lease(A), asyncio.timeout(1):
        await pool.drain(0.05)


async def test_loading_by_hand_tries_a_failed_model_again(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = Plan(last_words="E load: no")
    pool = pools()
    with pytest.raises(LoadFailed):
        await pool.load(A)
    with pytest.raises(LoadFailed):
        await answer(pool)
    assert launcher.starts("a") == 1
    assert pool.status("a").state == "failed"
    launcher.plans["a"] = Plan()
    await pool.load(A)


async def test_a_failed_model_holds_no_place(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = Plan(last_words="E load: no")
    pool = pools(max_models=1)
    with pytest.raises(LoadFailed):
        await pool.load(A)
    await pool.load(B)
    assert pool.status("b").state == "ready"


async def test_a_file_known_to_be_broken_is_not_tried(pools: Pools, launcher: FakeLauncher) -> None:
    with pytest.raises(LoadFailed, match="truncated header") as refused:
        await answer(pools(), replace(A, invalid="truncated header"))
    assert (refused.value.status, refused.value.code) == (422, "invalid_model_file")
    assert not launcher.launched


async def test_a_format_without_an_engine_is_refused(pools: Pools) -> None:
    with pytest.raises(LoadFailed, match="no engine for MLX"):
        await answer(pools(), replace(A, format="mlx"))


async def test_a_file_that_changed_is_loaded_as_it_is_now(pools: Pools) -> None:
    pool = pools()
    await pool.load(A)
    larger = replace(A, size=99)
    await pool.load(larger)
    assert pool._seats["a"].model == A, "what runs stays"
    await pool.unload("a")
    await pool.load(larger)
    assert pool._seats["a"].model == larger


async def test_an_idle_unload_that_meets_a_request_serves_it(pools: Pools) -> None:
    pool = pools(idle_ttl=0.01)
    for _ in range(30):
        assert isinstance((await answer(pool))[-1], Finished)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("successor_too", [False, True])
async def test_a_death_that_nobody_has_noticed_yet_costs_one_retry(
    pools: Pools, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch, successor_too: bool
) -> None:
    opened = 0
    real_open = WorkerClient.open

    async def refuse(
        self: WorkerClient, engine: Engine, request: GenerateRequest, index: int = 0, call: WorkerCall | None = None
    ) -> Stream:
        nonlocal opened
        opened += 1
        if opened == 1 or successor_too:
            launcher.process("a").exit(-9)
            raise WorkerUnreachable("connection refused")
        return await real_open(self, engine, request, index, call)

    monkeypatch.setattr(WorkerClient, "open", refuse)
    pool = pools()
    if successor_too:
        with pytest.raises(WorkerCrashed, match=r"connection refused .*SIGKILL"):
            await answer(pool)
    else:
        assert isinstance((await answer(pool))[-1], Finished)
    assert launcher.starts("a") == (run_module.UNSEEN if successor_too else 2)
