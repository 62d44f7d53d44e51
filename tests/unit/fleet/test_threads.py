"""A second number of threads: when it is tried, when it is kept, and that nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.events import Finished
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import JsonObject
from dovetail.engines.base import Command, Endpoint, Machine
from dovetail.fleet import calibration
from dovetail.fleet.measured import Measured
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.fleet.threads import Threads, pays
from dovetail.fleet.widths import Widths
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

BIG = replace(model("big"), size=calibration.SMALL)
USUAL = {1: 60.0, 2: 70.0, 4: 80.0}
BETTER = {1: 75.0, 2: 100.0, 4: 110.0}
WORSE = {1: 65.0, 2: 30.0, 4: 20.0}


class Threaded(FakeEngine):
    """An engine with a rule for threads, that remembers how many its workers were started with."""

    def __init__(self) -> None:
        self.started: list[int | None] = []

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        del model
        return replace(options, threads=options.threads or machine.cores - 1)

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        self.started.append(options.threads)
        return super().command(model, options, endpoint)


@dataclass
class Bench:
    """One model on a machine of two cores, and what it would write with either number of threads."""

    launcher: FakeLauncher
    recorder: Recorder
    measured: Measured
    monkeypatch: pytest.MonkeyPatch
    pools: list[Pool]
    engine: Threaded

    def pool(self, other: dict[int, float], *, threads: int | None = None, gpu: bool = False, cores: int = 2) -> Pool:
        async def measure(self: calibration.Calibration, width: int) -> float:
            await asyncio.sleep(0)
            return (USUAL if self._seat.threads.running == cores - 1 else other)[width]

        self.monkeypatch.setattr(calibration.Calibration, "_measure", measure)
        options = LoadOptions(parallel=4, threads=threads)
        machine = Machine(cores, gpu)
        making = Making({"gguf": self.engine}, lambda _: options, machine, measured=self.measured)
        fleet = FleetSettings.model_validate({"stop_timeout": 0.05, "idle_ttl": 0})
        self.pools.append(Pool(making, self.launcher, fleet, self.recorder))
        return self.pools[-1]


@pytest.fixture
async def bench(
    launcher: FakeLauncher, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(calibration, "PAUSE", 0.0)
    launcher.plans["big"] = Plan(Script(tokens=3, interval_ms=0.1, slots=4))
    made = Bench(launcher, recorder, Measured(tmp_path / "measured.json", "here"), monkeypatch, [], Threaded())
    yield made
    for pool in made.pools:
        await pool.aclose()


async def ask(pool: Pool, wanted: Model = BIG) -> None:
    async with pool.lease(wanted) as lease:
        async for _ in lease.ready():
            pass
        assert isinstance([event async for event in lease.generate(HELLO)][-1], Finished)


async def settled(pool: Pool) -> dict[int, float]:
    """What is known once nothing is left to be measured."""

    def done() -> bool:
        status = pool.status("big")
        return bool(status.widths.rates) and not status.calibrating and status.state == "ready"

    await until(done)
    return dict(pool.status("big").widths.rates)


def kept(bench: Bench) -> JsonObject | None:
    key = bench.measured.key(BIG, "gguf", "", 1, 4, None, None, None)
    return bench.measured.get(key, "widths")


async def test_a_thread_for_each_core_is_kept_where_it_clearly_wins(bench: Bench) -> None:
    pool = bench.pool(BETTER)
    await ask(pool)
    assert await settled(pool) == BETTER
    assert bench.engine.started == [1, 2]
    assert kept(bench) == {"1": 75.0, "2": 100.0, "4": 110.0, "threads": 2}
    await pool.unload("big")
    await ask(pool)
    again = bench.pool(BETTER)
    await ask(again)
    assert await settled(again) == BETTER
    assert bench.engine.started == [1, 2, 2, 2], "it is remembered, and loaded so at once"


async def test_where_it_does_not_the_worker_goes_back_and_it_is_not_tried_again(bench: Bench) -> None:
    pool = bench.pool(WORSE)
    await ask(pool)
    assert await settled(pool) == USUAL
    assert bench.engine.started == [1, 2, 1]
    assert kept(bench) == {"1": 60.0, "2": 70.0, "4": 80.0, "threads": 1}
    again = bench.pool(BETTER)
    await ask(again)
    assert await settled(again) == USUAL
    assert bench.engine.started == [1, 2, 1, 1]


async def test_what_an_earlier_version_has_measured_leaves_only_the_threads_to_be_tried(bench: Bench) -> None:
    key = bench.measured.key(BIG, "gguf", "", 1, 4, None, None, None)
    await bench.measured.put(key, "widths", {"1": 60.0, "2": 70.0, "4": 80.0})
    pool = bench.pool(WORSE)
    await ask(pool)
    await until(lambda: (kept(bench) or {}).get("threads") == 1)
    assert await settled(pool) == USUAL


@pytest.mark.parametrize("how", [{"threads": 1}, {"gpu": True}, {"slow": True}], ids=lambda how: next(iter(how)))
async def test_it_is_not_tried(bench: Bench, how: dict[str, Any]) -> None:
    if how.pop("slow", False):
        bench.monkeypatch.setattr(calibration, "LOAD_WITHIN", 0.0)
    pool = bench.pool({**USUAL, **BETTER}, **how)
    await ask(pool)
    await settled(pool)
    assert len(bench.engine.started) == 1
    assert not {"threads"} & set(kept(bench) or {})


async def test_a_request_takes_the_worker_as_it_is_and_the_try_goes_on_afterwards(bench: Bench) -> None:
    pool = bench.pool(BETTER)
    held = asyncio.Event()
    measure: Callable[[calibration.Calibration, int], Awaitable[float]] = calibration.Calibration._measure

    async def hold(self: calibration.Calibration, width: int) -> float:
        if self._seat.threads.running == 2 and not held.is_set():
            held.set()
            await asyncio.sleep(60)
        return await measure(self, width)

    bench.monkeypatch.setattr(calibration.Calibration, "_measure", hold)
    await ask(pool)
    await until(held.is_set)
    async with pool.lease(BIG) as lease:
        assert [progress async for progress in lease.ready()] == [], "it is ready at once"
        assert isinstance([event async for event in lease.generate(HELLO)][-1], Finished)
        assert bench.engine.started == [1, 2]
    assert await settled(pool) == BETTER


@pytest.mark.parametrize("wanted", [BIG, model("other")], ids=["the same model", "another model"])
async def test_a_request_during_the_restart_leaves_the_model_loaded(bench: Bench, wanted: Model) -> None:
    pool = bench.pool(WORSE)
    await ask(pool)
    await until(lambda: ("big", "stopping") in bench.recorder.states)
    await ask(pool, wanted)
    assert await settled(pool) == USUAL
    assert bench.engine.started[-1] == 1 or wanted is not BIG
    assert pool.status("big").state == "ready"


@pytest.mark.parametrize("end", ["unload", "close"])
async def test_who_is_asked_to_leave_during_the_restart_stays_away(bench: Bench, end: str) -> None:
    pool = bench.pool(WORSE)
    await ask(pool)
    await until(lambda: ("big", "stopping") in bench.recorder.states)
    await (pool.unload("big") if end == "unload" else pool.aclose())
    assert pool.status("big").state == "unloaded"
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert pool.status("big").state == "unloaded"


@pytest.mark.parametrize(
    ("other", "usual", "wins"),
    [
        ({1: 72.0, 4: 80.0}, USUAL, True),
        ({1: 60.0, 4: 96.0}, USUAL, True),
        ({1: 71.0, 4: 95.0}, USUAL, False),
        ({1: 40.0, 4: 96.0}, USUAL, False),
        ({1: 96.0, 4: 40.0}, USUAL, True),
        ({1: 72.0}, {1: 60.0}, True),
        ({}, USUAL, False),
        (BETTER, {}, False),
    ],
)
def test_it_pays_where_it_clearly_wins_and_nowhere_clearly_loses(
    other: dict[int, float], usual: dict[int, float], wins: bool
) -> None:
    assert pays(Widths.of(other), Widths.of(usual)) is wins


def test_a_choice_holds_from_the_next_start_on() -> None:
    threads = Threads(1, 2)
    threads.choose(2)
    assert (threads.running, threads.start(), threads.running) == (1, 2, 2)
