"""Calibration of workers that live in the test's own loop: when it runs, when it stops, what it leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.events import Event, Finished, Queued, TextDelta
from dovetail.core.model import LoadOptions, Model
from dovetail.engines.base import Machine
from dovetail.fleet import calibration
from dovetail.fleet.measured import Measured
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.fleet.widths import Widths
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

BIG = replace(model("big"), size=calibration.SMALL)
QUICK = Plan(Script(tokens=100_000, interval_ms=0.1, slots=4))
SLOW = Plan(Script(tokens=100_000, interval_ms=20, slots=4))
SERIAL = {"1": 60.0, "2": 32.0, "4": 42.0}
ASKED = replace(HELLO, max_tokens=3)
Pools = Callable[..., Pool]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "PAUSE", 0.0)
    monkeypatch.setattr(calibration, "_TOKENS", (12, 12))  # scripted workers say the same time for every answer


@pytest.fixture
async def pools(launcher: FakeLauncher, recorder: Recorder, tmp_path: Path) -> AsyncIterator[Pools]:
    made: list[Pool] = []

    def make(**settings: Any) -> Pool:
        options = LoadOptions(parallel=4)
        fleet = FleetSettings.model_validate({"stop_timeout": 0.05, "idle_ttl": 0, **settings})
        measured = Measured(tmp_path / "measured.json", "this machine")
        making = Making({"gguf": FakeEngine()}, lambda _: options, Machine(2), measured=measured)
        made.append(Pool(making, launcher, fleet, recorder))
        return made[-1]

    yield make
    for pool in made:
        await pool.aclose()


async def ask(pool: Pool, wanted: Model = BIG) -> list[Event]:
    async with pool.lease(wanted) as lease:
        async for _ in lease.ready():
            pass
        return [event async for event in lease.generate(ASKED)]


async def text(stream: AsyncGenerator[Event, None]) -> None:
    """Reads up to the next token."""
    while not isinstance(await anext(stream), TextDelta):
        pass


def widths(pool: Pool) -> list[int]:
    return [width for width, _ in pool.status("big").widths.rates]


async def test_an_idle_model_is_measured_once_at_each_width_it_has_slots_for(
    pools: Pools, launcher: FakeLauncher
) -> None:
    launcher.plans["big"] = QUICK
    pool = pools()
    await ask(pool)
    await until(lambda: pool.status("big").calibrating)
    await until(lambda: not pool.status("big").calibrating)
    known = pool.status("big").widths
    assert widths(pool) == [1, 2, 4]
    again = pools()
    await again.load(BIG)
    assert [width for width, _ in again.status("big").widths.rates] == [1, 2, 4]
    assert again.status("big").widths.rate(4) == pytest.approx(known.rate(4), rel=0.01)
    await ask(again)
    assert not again.status("big").calibrating


@pytest.mark.parametrize(
    ("wanted", "settings"), [(replace(BIG, size=calibration.SMALL - 1), {}), (BIG, {"calibrate": False})]
)
async def test_small_models_and_those_of_an_unwilling_user_are_not_measured(
    pools: Pools, launcher: FakeLauncher, wanted: Model, settings: dict[str, Any]
) -> None:
    launcher.plans["big"] = QUICK
    pool = pools(**settings)
    await ask(pool, wanted)
    assert not pool.status("big").calibrating
    assert pool.status("big").widths == Widths()


async def test_a_load_alone_measures_nothing(pools: Pools) -> None:
    pool = pools()
    await pool.load(BIG)
    assert not pool.status("big").calibrating


async def test_a_request_interrupts_it_and_it_goes_on_afterwards(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["big"] = SLOW
    pool = pools()
    await ask(pool)
    await until(lambda: widths(pool) == [1])
    assert pool.status("big").calibrating
    async with pool.lease(BIG) as lease:
        async for _ in lease.ready():
            pass
        assert not pool.status("big").calibrating
        async with aclosing(lease.generate(ASKED)) as stream:
            await text(stream)
    assert pool.status("big").calibrating
    await until(lambda: widths(pool) == [1, 2, 4], within=20)


async def test_a_request_for_another_model_interrupts_it_too(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["big"] = SLOW
    pool = pools()
    await ask(pool)
    await until(lambda: pool.status("big").calibrating)
    async with pool.lease(model("other")) as lease:
        async for _ in lease.ready():
            pass
        assert not pool.status("big").calibrating
        assert isinstance([event async for event in lease.generate(ASKED)][-1], Finished)
        assert not pool.status("big").calibrating
    assert pool.status("big").calibrating


async def test_it_stops_in_time_with_what_it_has(
    pools: Pools, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "WITHIN", 0.6)
    launcher.plans["big"] = Plan(Script(tokens=100_000, interval_ms=20, slots=4))
    pool = pools()
    await ask(pool)
    await until(lambda: pool.status("big").calibrating)
    await until(lambda: not pool.status("big").calibrating)
    assert widths(pool)[:1] == [1]
    assert widths(pool) != [1, 2, 4]
    assert [width for width, _ in (await reloaded(pools())).rates] == widths(pool)


async def reloaded(pool: Pool) -> Widths:
    await pool.load(BIG)
    return pool.status("big").widths


async def test_a_worker_that_dies_meanwhile_costs_nothing(pools: Pools, launcher: FakeLauncher) -> None:
    launcher.plans["big"] = SLOW
    pool = pools()
    await ask(pool)
    await until(lambda: pool.status("big").calibrating)
    launcher.process("big").exit(1)
    await until(lambda: not pool.status("big").calibrating)
    assert isinstance((await ask(pool))[-1], Finished)


@pytest.mark.parametrize("end", ["unload", "close"])
async def test_a_model_leaves_while_it_is_measured(pools: Pools, launcher: FakeLauncher, end: str) -> None:
    launcher.plans["big"] = SLOW
    pool = pools()
    await ask(pool)
    await until(lambda: pool.status("big").calibrating)
    await (pool.unload("big") if end == "unload" else pool.aclose())
    assert pool.status("big").state == "unloaded"
    await until(lambda: not pool.status("big").calibrating)


async def test_figures_that_contradict_each_other_are_measured_again_at_the_next_load(
    pools: Pools, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = iter([60.0, 32.0, 42.0, 20.0, 32.0, 42.0])

    async def measure(_self: calibration.Calibration, _width: int) -> float:
        return next(rates)

    monkeypatch.setattr(calibration.Calibration, "_measure", measure)
    launcher.plans["big"] = QUICK
    pool = pools()
    await ask(pool)
    await until(lambda: widths(pool) == [1, 2, 4] and not pool.status("big").calibrating)
    assert pool.status("big").widths.rate(1) == 60, "the better one counts"
    assert await reloaded(pools()) == Widths()
    await pool.unload("big")
    assert await reloaded(pool) == Widths()


async def known(tmp_path: Path) -> None:
    """Leaves what a Q8_0 model is like, for the pools that are made afterwards."""
    measured = Measured(tmp_path / "measured.json", "this machine")
    await measured.put(measured.key(BIG, "gguf", "", None, 4, None, None, None), "widths", dict(SERIAL))


async def test_requests_run_one_by_one_where_a_batch_loses(
    pools: Pools, launcher: FakeLauncher, tmp_path: Path
) -> None:
    launcher.plans["big"] = QUICK
    await known(tmp_path)
    pool = pools()
    events = await asyncio.gather(*(ask(pool) for _ in range(4)))
    assert sum(isinstance(event, Queued) for told in events for event in told) >= 3
    assert all(isinstance(told[-1], Finished) for told in events)


async def test_nobodys_first_token_is_held_longer_than_max_hold(
    pools: Pools, launcher: FakeLauncher, tmp_path: Path
) -> None:
    launcher.plans["big"] = SLOW
    await known(tmp_path)
    pool = pools(max_hold=0.1)
    async with pool.lease(BIG) as lease:
        async for _ in lease.ready():
            pass
        endless = replace(HELLO, max_tokens=None)
        async with aclosing(lease.generate(endless)) as first, aclosing(lease.generate(endless)) as second:
            await text(first)
            assert isinstance(await anext(second), Queued)
            await text(second)
            await text(first)
