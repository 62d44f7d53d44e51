"""The budget at work: who is loaded, who goes, who waits and who is refused, on a machine whose memory a test sets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.errors import LoadFailed, NoRoom
from dovetail.core.events import Event, Finished, Loading
from dovetail.core.model import Attention, LoadOptions, Model, Policy, Shape, Weights
from dovetail.engines.base import Command, Endpoint, Machine
from dovetail.fleet import places
from dovetail.fleet.measured import FILE, Measured
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.hardware.devices import Device
from dovetail.hardware.usage import Usage
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

GIB = 1 << 30
SHAPE = Shape("llama", layers=10, width=512, heads=8, vocabulary=1000, attention=(Attention(10, 256, 256),))
LAYERS = Weights(layers=(GIB // 10,) * 10, output=GIB // 100)


def large(name: str, size: int = GIB) -> Model:
    return replace(model(name), size=size, shape=SHAPE, weights=LAYERS)


A, B, C = large("a"), large("b"), large("c")
STARVED = Plan(last_words="0.00.01.000 E ggml_gallocr_reserve: failed to allocate CPU buffer of size 123")


@dataclass
class FakeGauge:
    """Memory that is as the test says; `taken` by every worker alike, `gpu` is taken by what runs."""

    total: int = 8 * GIB
    available: int = 8 * GIB
    taken: Usage = field(default_factory=Usage)
    gpus: tuple[Device, ...] = ()
    readings: int = 0

    def memory(self) -> tuple[int, int]:
        self.readings += 1
        return self.total, self.available

    def usage(self, pid: int) -> Usage:
        del pid
        return self.taken

    def devices(self) -> tuple[Device, ...]:
        return self.gpus


class Gpu(FakeEngine):
    """An engine that takes `most` layers onto the GPU and no more, and remembers what it was asked for."""

    def __init__(self, launcher: FakeLauncher, gauge: FakeGauge, most: int = 99, takes: int = 0) -> None:
        self.asked: list[int | None] = []
        self._launcher, self._gauge, self._most, self._takes = launcher, gauge, most, takes

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        self.asked.append(options.gpu_layers)
        fits = (options.gpu_layers or 0) <= self._most
        self._launcher.plans[model.id] = Plan() if fits else STARVED
        self._gauge.gpus = tuple(replace(each, free=each.free - self._takes) for each in self._gauge.gpus)
        return super().command(model, options, endpoint)


class Bench:
    """Pools on one fake machine, all closed at the end."""

    def __init__(self, launcher: FakeLauncher, recorder: Recorder) -> None:
        self.launcher = launcher
        self.gauge = FakeGauge()
        self.policies: dict[str, Policy] = {}
        self.engine: FakeEngine = FakeEngine()
        self.options = LoadOptions(context=1024, parallel=2)
        self.made: list[Pool] = []
        self._recorder = recorder

    def pool(self, measured: Measured | None = None, *, gpu: bool = False, **settings: Any) -> Pool:
        fleet = FleetSettings.model_validate({"stop_timeout": 0.05, "idle_ttl": 0, "calibrate": False, **settings})
        making = Making({"gguf": self.engine}, lambda _: self.options, Machine(2, gpu=gpu), measured=measured)
        pool = Pool(
            making,
            self.launcher,
            fleet,
            self._recorder,
            policy_for=lambda model: self.policies.get(model.id, Policy()),
            gauge=self.gauge,
        )
        self.made.append(pool)
        return pool


@pytest.fixture
async def bench(launcher: FakeLauncher, recorder: Recorder) -> AsyncIterator[Bench]:
    bench = Bench(launcher, recorder)
    yield bench
    for pool in bench.made:
        await pool.aclose()


async def answer(pool: Pool, wanted: Model) -> list[Event]:
    async with pool.lease(wanted) as lease:
        events: list[Event] = [progress async for progress in lease.ready()]
        return events + [event async for event in lease.generate(HELLO)]


def running(pool: Pool) -> set[str]:
    return {status.model for status in pool.states() if status.state == "ready"}


@pytest.mark.accept("E5", "E20")
async def test_what_fits_stays_and_what_does_not_makes_room(bench: Bench) -> None:
    pool = bench.pool(memory="2.5 GiB")
    await pool.load(A)
    await pool.load(B)
    assert running(pool) == {"a", "b"}
    await pool.load(C)
    assert running(pool) == {"b", "c"}, "the one that was used longest ago has gone"


@pytest.mark.accept("E6")
async def test_of_models_no_two_of_which_fit_every_request_is_answered(bench: Bench) -> None:
    pool = bench.pool(memory="1.5 GiB")
    answers = await asyncio.gather(*(answer(pool, wanted) for wanted in (A, B, C) * 4))
    assert all(isinstance(events[-1], Finished) for events in answers)
    assert len(running(pool)) == 1


async def test_a_busy_model_is_waited_for(bench: Bench) -> None:
    pool = bench.pool(memory="1.5 GiB")
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        waiting = asyncio.ensure_future(answer(pool, B))
        await until(lambda: bench.gauge.readings >= 2)
        assert running(pool) == {"a"}
    assert isinstance((await waiting)[-1], Finished)


async def test_a_pinned_model_is_never_unloaded_and_the_refusal_has_numbers_and_three_changes(bench: Bench) -> None:
    bench.policies["a"] = Policy(pin=True)
    bench.options = LoadOptions(context=32_768, parallel=4)
    pool = bench.pool(memory="4.5 GiB")
    await pool.load(A)
    with pytest.raises(NoRoom) as refused:
        await answer(pool, B)
    assert (refused.value.status, refused.value.code) == (507, "insufficient_memory")
    for said in ("needs ", " free of 4.5 GiB: lower the context to ", "lower parallel to ", "unload a"):
        assert said in refused.value.message
    assert running(pool) == {"a"}


async def test_nothing_is_refused_on_an_old_reading(bench: Bench) -> None:
    bench.gauge.available = GIB // 2
    pool = bench.pool()
    with pytest.raises(NoRoom, match=r"needs 1\.\d GiB, 409\.6 MiB free of 409\.6 MiB"):
        await answer(pool, A)
    bench.gauge.available = 4 * GIB
    assert isinstance((await answer(pool, A))[-1], Finished)


async def test_the_workers_own_memory_counts_as_free(bench: Bench) -> None:
    bench.gauge.available = 2 * GIB
    pool = bench.pool()
    await pool.load(A)
    bench.gauge.available, bench.gauge.taken = GIB // 2, Usage(memory=2 * GIB, private=GIB + GIB // 2)
    assert isinstance((await answer(pool, B))[-1], Finished), "once a has gone there are 2 GiB again"
    assert running(pool) == {"b"}


async def test_a_setting_above_what_there_is_gives_no_more_than_there_is(bench: Bench) -> None:
    bench.gauge.available = GIB // 2
    with pytest.raises(NoRoom, match=r"free of 512\.0 MiB"):
        await answer(bench.pool(memory="100%"), A)


async def test_without_a_gauge_places_alone_are_counted(bench: Bench) -> None:
    making = Making({"gguf": FakeEngine()}, lambda _: LoadOptions(), Machine(2))
    pool = Pool(making, bench.launcher, FleetSettings(memory=1, stop_timeout=0.05), Recorder())
    bench.made.append(pool)
    await pool.load(A)
    assert running(pool) == {"a"}


async def test_what_was_measured_is_reckoned_with_the_next_time(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / FILE
    bench.gauge.taken = Usage(memory=3 * GIB, private=GIB)
    first = bench.pool(Measured(path))
    await first.load(A)
    await first.aclose()
    second = bench.pool(Measured(path), memory="3 GiB")
    with pytest.raises(NoRoom, match=r"needs 3\.0 GiB, 3\.0 GiB free of 3\.0 GiB"):
        await second.load(A)
    other = bench.pool(Measured(path, "another machine"), memory="3 GiB")
    await other.load(A)


async def test_a_worker_that_grows_is_seen_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dovetail.fleet.places.SAMPLE_EVERY", 0.01)
    bench.gauge.taken = Usage(memory=GIB, private=GIB)
    pool = bench.pool()
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        assert pool.status("a").memory == GIB
        bench.gauge.taken = Usage(memory=2 * GIB, private=GIB)
        await until(lambda: pool.status("a").memory == 2 * GIB)
    bench.gauge.taken = Usage()
    assert pool.status("a").reserved >= 2 * GIB, "the most that was seen is kept for it"


@pytest.mark.accept("E21")
async def test_a_load_that_fails_for_memory_says_what_would_help(bench: Bench) -> None:
    bench.launcher.plans["a"] = STARVED
    bench.options = LoadOptions(context=65_536, parallel=4)
    pool = bench.pool()
    with pytest.raises(LoadFailed) as failed:
        await answer(pool, A)
    assert (failed.value.status, failed.value.code) == (507, "insufficient_memory")
    assert "failed to allocate" in failed.value.message
    for said in ("lower the context to ", "lower parallel to ", "set cache_type_k and cache_type_v to q8_0"):
        assert said in failed.value.message


async def test_how_far_a_load_is_shows_in_the_memory_it_has_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dovetail.fleet.places.SAMPLE_EVERY", 0.01)
    bench.launcher.plans["a"] = Plan(listens=False)
    pool = bench.pool()
    load = asyncio.create_task(pool.load(A))
    bench.gauge.taken = Usage(memory=1, private=1)
    await until(lambda: pool.status("a").progress == 0)
    bench.gauge.taken = Usage(memory=GIB // 4, private=1)
    await until(lambda: 0.1 < (pool.status("a").progress or 0) < 0.9)
    bench.gauge.taken = Usage(memory=99 * GIB, private=1)
    await until(lambda: pool.status("a").progress == 0.99)
    load.cancel()
    await asyncio.wait([load])
    await until(lambda: pool.status("a").state == "unloaded")
    assert pool.status("a").progress is None


async def test_another_failure_is_told_as_it_is(bench: Bench) -> None:
    bench.launcher.plans["a"] = Plan(last_words="0.00.01.000 E load: unknown model architecture: 'x'")
    with pytest.raises(LoadFailed) as failed:
        await answer(bench.pool(), A)
    assert failed.value.code == "model_failed"
    assert "lower" not in failed.value.message


@pytest.mark.accept("E22")
@pytest.mark.parametrize(("free", "layers"), [(8 * GIB, 11), (5 * GIB // 4, 4), (0, 0)])
async def test_as_many_layers_as_fit_go_to_the_gpu(bench: Bench, free: int, layers: int) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, free),)
    bench.engine = engine = Gpu(bench.launcher, bench.gauge, takes=free)
    pool = bench.pool(gpu=True)
    await pool.load(A)
    assert engine.asked == [layers]
    status = pool.status("a")
    assert (status.gpu_layers, status.layers) == (min(layers, 10), 10)
    assert (status.device_memory > 0) == (layers > 0)


@pytest.mark.accept("E22")
async def test_a_load_that_fails_is_tried_with_fewer_layers(bench: Bench) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, 8 * GIB),)
    bench.engine = engine = Gpu(bench.launcher, bench.gauge, most=9, takes=GIB)
    pool = bench.pool(gpu=True)
    answers = await asyncio.gather(*(answer(pool, A) for _ in range(3)))
    assert all(isinstance(events[-1], Finished) for events in answers)
    assert engine.asked == [11, 10, 9]
    assert pool.status("a").gpu_layers == 9


async def test_layers_that_the_user_chose_are_not_touched(bench: Bench) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, 8 * GIB),)
    bench.options = replace(bench.options, gpu_layers=7)
    bench.engine = engine = Gpu(bench.launcher, bench.gauge, most=3)
    with pytest.raises(LoadFailed, match="failed to allocate"):
        await bench.pool(gpu=True).load(A)
    assert engine.asked == [7]


async def test_an_engine_that_uses_no_gpu_is_counted_as_what_it_is(bench: Bench) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, 8 * GIB),)
    bench.engine = Gpu(bench.launcher, bench.gauge, takes=0)
    pool = bench.pool(gpu=True)
    await pool.load(A)
    status = pool.status("a")
    assert (status.gpu_layers, status.device_memory) == (0, 0)
    assert status.reserved > GIB


@pytest.mark.parametrize(
    ("free", "gpu", "why"), [(5 * GIB // 4, True, "needs 1.8 GiB of GPU memory"), (0, False, "no GPU")]
)
async def test_gpu_only_fails_at_once(bench: Bench, free: int, gpu: bool, why: str) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, free),) if gpu else ()
    bench.options = replace(bench.options, gpu_only=True)
    with pytest.raises(NoRoom if gpu else LoadFailed, match=why):
        await bench.pool(gpu=gpu).load(A)
    assert not bench.launcher.launched


async def test_gpu_only_does_not_accept_an_engine_without_one(bench: Bench) -> None:
    bench.gauge.gpus = (Device("gpu", 8 * GIB, 8 * GIB),)
    bench.options = replace(bench.options, gpu_only=True)
    bench.engine = Gpu(bench.launcher, bench.gauge, takes=0)
    pool = bench.pool(gpu=True)
    with pytest.raises(LoadFailed, match="its engine used no GPU"):
        await pool.load(A)
    assert running(pool) == set()


async def test_a_larger_budget_lets_nobody_go_and_a_smaller_one_does(bench: Bench) -> None:
    pool = bench.pool(memory="2.5 GiB")
    await pool.load(A)
    await pool.load(B)
    making = Making({"gguf": bench.engine}, lambda _: bench.options, Machine(2))
    pool.reconfigure(making, FleetSettings(memory=3 * GIB, stop_timeout=0.05, idle_ttl=0))
    assert running(pool) == {"a", "b"}
    pool.reconfigure(making, FleetSettings(memory=3 * GIB // 2, stop_timeout=0.05, idle_ttl=0))
    assert running(pool) == {"b"}


async def test_a_model_that_grows_past_its_share_sends_an_idle_one_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SAMPLE_EVERY", 0.01)
    bench.launcher.plans["b"] = Plan(Script(tokens=100_000, interval_ms=1, slots=2))
    pool = bench.pool(memory="2.5 GiB")
    await pool.load(A)
    async with pool.lease(B) as lease:
        async for _ in lease.ready():
            pass
        assert running(pool) == {"a", "b"}
        bench.gauge.taken = Usage(memory=2 * GIB)
        await until(lambda: running(pool) == {"b"})


async def test_of_many_who_wait_for_one_model_one_looks_for_room(bench: Bench) -> None:
    pool = bench.pool(memory="1.5 GiB")
    async with pool.lease(A) as lease:
        async for _ in lease.ready():
            pass
        before = bench.gauge.readings
        async with AsyncExitStack() as stack:
            others = [await stack.enter_async_context(pool.lease(B)) for _ in range(20)]
            waits = [await stack.enter_async_context(aclosing(other.ready())) for other in others]
            for _ in range(2):  # the second is told once a place was looked for
                assert await asyncio.gather(*map(anext, waits)) == [Loading("b")] * 20
        assert bench.gauge.readings - before < 5
