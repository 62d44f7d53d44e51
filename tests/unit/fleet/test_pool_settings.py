from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from dovetail.core.events import Finished
from dovetail.core.model import LoadOptions, Model
from dovetail.engines.base import Machine
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import CALLER, HELLO, Clock, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio
A, B = model("a"), model("b")
ENGINE = FakeEngine()


class Told:
    """What the settings say, which the test may change."""

    def __init__(self) -> None:
        self.options = {"a": LoadOptions(context=1024), "b": LoadOptions(context=1024)}

    def making(self) -> Making:
        said = dict(self.options)
        return Making({"gguf": ENGINE}, lambda asked: said[asked.id], Machine(2))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def pool(launcher: FakeLauncher, recorder: Recorder, clock: Clock, told: Told) -> AsyncIterator[Pool]:
    made = Pool(told.making(), launcher, FleetSettings(max_models=2, idle_ttl=0), recorder, clock)
    yield made
    await made.aclose()


async def answer(pool: Pool, asked: Model) -> list[object]:
    async with pool.lease(asked, caller=CALLER) as lease:
        async for _ in lease.ready():
            pass
        async with aclosing(lease.generate(HELLO)) as events:
            return [event async for event in events]


async def test_an_idle_model_goes_when_its_options_change_and_others_stay(
    pool: Pool, launcher: FakeLauncher, told: Told
) -> None:
    await pool.load(A)
    await pool.load(B)
    told.options["a"] = LoadOptions(context=2048)
    pool.reconfigure(told.making(), FleetSettings(max_models=2, idle_ttl=0))
    await until(lambda: pool.status("a").state == "unloaded")
    assert pool.status("b").state == "ready"
    assert isinstance((await answer(pool, A))[-1], Finished)
    await pool.load(B)
    assert (launcher.starts("a"), launcher.starts("b")) == (2, 1)
    assert pool._seats["a"].options.context == 2048


async def test_a_busy_model_finishes_first_and_new_requests_get_the_next_worker(
    pool: Pool, launcher: FakeLauncher, told: Told
) -> None:
    launcher.plans["a"] = Plan(Script(tokens=3, interval_ms=0.1, slots=2))
    async with pool.lease(A, caller=CALLER) as lease:
        async for _ in lease.ready():
            pass
        events = lease.generate(HELLO)
        await anext(events)
        told.options["a"] = LoadOptions(context=2048)
        pool.reconfigure(told.making(), FleetSettings(max_models=2, idle_ttl=0))
        later = asyncio.create_task(answer(pool, A))
        await until(lambda: pool._seats["a"].uses == 1)
        assert launcher.starts("a") == 1, "one worker of a model at a time"
        assert isinstance([event async for event in events][-1], Finished)
    assert isinstance((await later)[-1], Finished)
    assert launcher.starts("a") == 2
    assert len(list(pool._seats)) == 1, "nothing is kept of the one that has gone"


async def test_a_second_change_does_not_forget_who_is_still_there(
    pool: Pool, launcher: FakeLauncher, told: Told
) -> None:
    async with pool.lease(A, caller=CALLER) as lease:
        async for _ in lease.ready():
            pass
        first = lease.worker
        for context in (2048, 4096):
            told.options["a"] = LoadOptions(context=context)
            pool.reconfigure(told.making(), FleetSettings(max_models=2, idle_ttl=0))
            async with pool.lease(A):
                pass
        assert first in pool._seats["a"].after
    await pool.load(A)
    assert launcher.starts("a") == 2


async def test_a_change_that_changes_nothing_touches_nothing(pool: Pool, launcher: FakeLauncher, told: Told) -> None:
    await pool.load(A)
    pool.reconfigure(told.making(), FleetSettings(max_models=2, idle_ttl=0))
    await pool.load(A)
    assert launcher.starts("a") == 1


async def test_fewer_places_let_idle_models_go_at_once(pool: Pool, told: Told) -> None:
    await pool.load(A)
    await pool.load(B)
    pool.reconfigure(told.making(), FleetSettings(max_models=1, idle_ttl=0))
    await until(lambda: [pool.status(name).state for name in ("a", "b")].count("ready") == 1)


async def test_a_shorter_life_holds_for_what_is_idle_already(pool: Pool, clock: Clock, told: Told) -> None:
    await pool.load(A)
    clock.now += 100
    pool.reconfigure(told.making(), FleetSettings(max_models=2, idle_ttl=50))
    await until(lambda: pool.status("a").state == "unloaded")


async def test_another_engine_makes_another_worker(pool: Pool, launcher: FakeLauncher, told: Told) -> None:
    await pool.load(A)
    making = Making({"gguf": FakeEngine()}, told.making().options, Machine(2))
    pool.reconfigure(making, FleetSettings(max_models=2, idle_ttl=0))
    await pool.load(A)
    assert launcher.starts("a") == 2


async def test_what_guesses_ahead_makes_another_worker(pool: Pool, launcher: FakeLauncher) -> None:
    await pool.load(A)
    await pool.load(replace(A, ngram="mod"))
    await pool.load(replace(A, ngram="mod"))
    assert launcher.starts("a") == 2
    async with pool.lease(replace(A, ngram="mod")):
        later = asyncio.create_task(pool.load(A))
        await asyncio.sleep(0)
        assert not later.done(), "the one before is still in use"
    await later
    assert launcher.starts("a") == 3


async def test_what_a_client_says_of_how_long_a_model_stays_holds_until_it_goes(pool: Pool) -> None:
    def left() -> float | None:
        return pool.status("a").expires_in

    pool.keep(A, None, 1000)
    for _ in range(2):
        await answer(pool, A)
        assert left() == pytest.approx(1000, abs=30)
    pool.keep(A, None, math.inf)
    for _ in range(2):
        await answer(pool, A)
        assert pool.status("a").state == "ready"
        assert left() is None
    pool.keep(A, None, 1000)
    await pool.unload("a")
    await answer(pool, A)
    assert left() is None, "as the settings say"
    pool.keep(A, None, 0)
    await answer(pool, A)
    await until(lambda: pool.status("a").state == "unloaded")
    await answer(pool, A)
    assert pool.status("a").state == "ready"
