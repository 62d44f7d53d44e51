"""Room given up under load: a model that waits for it is not shut out by one that is asked again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from dovetail.core.errors import Busy
from dovetail.core.events import Event, Loading, TextDelta
from dovetail.core.model import LoadOptions, Model, Policy
from dovetail.engines.base import Machine
from dovetail.fleet.lease import Lease
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

A, B = model("a"), model("b")
LONG = Plan(Script(tokens=100_000, interval_ms=1, slots=2))
Pools = Callable[..., Pool]


@pytest.fixture
async def pools(launcher: FakeLauncher, recorder: Recorder) -> AsyncIterator[Pools]:
    made: list[Pool] = []

    def make(policies: dict[str, Policy] | None = None, **settings: Any) -> Pool:
        fleet = FleetSettings.model_validate({"stop_timeout": 0.05, "idle_ttl": 0, "max_models": 1, **settings})
        making = Making({"gguf": FakeEngine()}, lambda _: LoadOptions(parallel=2), Machine(2))
        chosen = policies or {}
        made.append(Pool(making, launcher, fleet, recorder, policy_for=lambda wanted: chosen.get(wanted.id, Policy())))
        return made[-1]

    yield make
    for pool in made:
        await pool.aclose()


async def ready(lease: Lease) -> None:
    async with asyncio.timeout(5):
        async for _ in lease.ready():
            pass


async def answer(pool: Pool, wanted: Model) -> list[Event]:
    async with pool.lease(wanted) as lease:
        await ready(lease)
        return [event async for event in lease.generate(HELLO)]


def asked_for(pool: Pool, wanted: Model) -> bool:
    return any(status.model == wanted.id for status in pool.states())


async def _one_after_the_other(pool: Pool, wanted: Model, until_set: asyncio.Event, answered: list[str]) -> None:
    while not until_set.is_set():
        await answer(pool, wanted)
        answered.append(wanted.id)


@pytest.mark.accept("E6")
async def test_a_model_that_waits_for_room_gets_it_however_busy_the_other_is(
    pools: Pools, launcher: FakeLauncher
) -> None:
    launcher.plans["a"] = Plan(Script(tokens=20, interval_ms=1, slots=2))
    pool = pools(max_hold=0.05)
    over, answered = asyncio.Event(), list[str]()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(_one_after_the_other(pool, A, over, answered))
        await until(lambda: len(answered) >= 4)
        for _ in range(3):
            async with asyncio.timeout(5):
                await answer(pool, B)
            before = len(answered)
            await until(lambda count=before: len(answered) >= count + 4)
        over.set()
    assert launcher.starts("b") == 3


async def test_a_model_of_higher_priority_does_not_yield(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools({"a": Policy(priority=1)}, max_hold=0)
    async with pool.lease(A) as running:
        await ready(running)
        async with aclosing(running.generate(HELLO)) as stream:
            await anext(stream)
            waiting = asyncio.create_task(answer(pool, B))
            await until(lambda: asked_for(pool, B))
            async with pool.lease(A) as second:
                await ready(second)
        waiting.cancel()
        await asyncio.wait({waiting})


async def test_requests_that_are_held_go_on_when_nobody_waits_any_more(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools(max_hold=0)
    async with pool.lease(A) as running:
        await ready(running)
        async with aclosing(running.generate(HELLO)) as stream:
            await anext(stream)
            waiting = asyncio.create_task(answer(pool, B))
            await until(lambda: asked_for(pool, B))
            async with pool.lease(A) as second, aclosing(second.ready()) as held:
                assert await anext(held) == Loading("a")
                await pool.load(A)  # it is: nobody who only wants that waits
                waiting.cancel()
                async with asyncio.timeout(0.9):  # told at once, not at the next look
                    async for _ in held:
                        pass
                assert second.worker.state == "ready"
            assert isinstance(await anext(stream), TextDelta)
    assert launcher.starts("a") == 1


async def test_a_held_request_waits_no_longer_than_one_in_line(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = LONG
    pool = pools(max_hold=0, queue_timeout=0.01)
    async with pool.lease(A) as running:
        await ready(running)
        async with aclosing(running.generate(HELLO)) as stream:
            await anext(stream)
            waiting = asyncio.create_task(answer(pool, B))
            await until(lambda: asked_for(pool, B))
            with pytest.raises(Busy) as failure:
                await answer(pool, A)
            assert failure.value.code == "queue_timeout"
            waiting.cancel()
            await asyncio.wait({waiting})
