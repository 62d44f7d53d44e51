"""Loads by hand, on a real pool over fake workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from dovetail.core.caller import LOCAL, Caller, Scope
from dovetail.core.errors import Cancelled, LoadFailed, NoRoom
from dovetail.core.model import LoadOptions
from dovetail.engines.base import Machine
from dovetail.fleet import lease as lease_module
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.gateway.loads import Loads
from dovetail.serving.requests import Requests, Ticket
from dovetail.settings import FleetSettings

from ..fleet.fakes import FakeEngine, FakeLauncher, Plan, Recorder, model, until  # noqa: TID252

pytestmark = pytest.mark.anyio
M = model("m")


class Bench:
    def __init__(self, launcher: FakeLauncher) -> None:
        making = Making({"gguf": FakeEngine()}, lambda _: LoadOptions(), Machine(2))
        self.launcher = launcher
        settings = FleetSettings(stop_timeout=0.05, calibrate=False, max_models=1)
        self.pool = Pool(making, launcher, settings, Recorder())
        self.requests = Requests()
        self.loads = Loads(self.pool, self.requests)

    def load(self, caller: Caller = LOCAL) -> asyncio.Task[None]:
        return asyncio.create_task(self.loads.load(M, Ticket("load", caller, "m"), "r1"))

    @property
    def state(self) -> str:
        return self.pool.status("m").state


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    launcher = FakeLauncher()
    made = Bench(launcher)
    yield made
    await made.loads.aclose()
    await made.pool.aclose()
    await launcher.aclose()


async def test_it_goes_on_when_nobody_waits_any_more(bench: Bench) -> None:
    waiting = bench.load()
    await until(lambda: bench.state == "starting")
    waiting.cancel()
    await asyncio.wait([waiting])
    await until(lambda: bench.state == "ready")
    await until(lambda: not list(bench.requests))


async def test_all_who_ask_wait_for_one(bench: Bench) -> None:
    await asyncio.gather(bench.load(), bench.load(), bench.load())
    assert (bench.state, len(bench.launcher.launched)) == ("ready", 1)


@pytest.mark.parametrize("way", ["cancel", "request", "close"])
async def test_it_is_ended_from_outside(bench: Bench, way: str) -> None:
    bench.launcher.plans["m"] = Plan(listens=False)
    waiting = bench.load()
    await until(lambda: bench.state == "starting")
    if way == "cancel":
        assert await bench.loads.cancel("m")
    elif way == "request":
        assert bench.requests.cancel("r1") == 1
    else:
        await bench.loads.aclose()
    with pytest.raises(Cancelled):
        await waiting
    await until(lambda: bench.state == "unloaded")
    assert not await bench.loads.cancel("m"), "it is over"


async def test_a_failure_is_told_to_who_waits_and_the_next_tries_again(bench: Bench) -> None:
    bench.launcher.plans["m"] = Plan(last_words="unknown model architecture: 'x'")
    with pytest.raises(LoadFailed, match="could not be loaded"):
        await bench.load()
    bench.launcher.plans["m"] = Plan()
    await bench.load()
    assert bench.state == "ready"


async def test_who_waits_for_another_s_load_is_told_of_no_model_that_only_the_other_may_use(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "TELL_EVERY", 0.01)
    monkeypatch.setattr(lease_module, "PLACE_WITHIN", 0.05)
    narrow = Caller("k", "key_1", scope=Scope(models=("m",)))
    async with bench.pool.lease(model("secret")) as lease:
        async for _ in lease.ready():
            pass
        whole, other, same = bench.load(), bench.load(narrow), bench.load(narrow)
        with pytest.raises(NoRoom, match=r"in use \(secret\)"):
            await whole
        for task in (other, same):
            with pytest.raises(NoRoom, match=r"in use \(another model\)"):
                await task
    assert not await bench.loads.cancel("m")


async def test_all_loads_of_a_model_are_cancelled_whoever_began_them(bench: Bench) -> None:
    bench.launcher.plans["m"] = Plan(listens=False)
    both = [bench.load(), bench.load(Caller("k", "key_1", scope=Scope(models=("m",))))]
    await until(lambda: len(list(bench.requests)) == 2)
    assert await bench.loads.cancel("m")
    for each in both:
        with pytest.raises(Cancelled):
            await each


async def test_a_fault_of_the_server_is_told_though_nobody_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def broken(*_: object) -> None:
        begun.set()
        await go_on.wait()
        raise RuntimeError("a bug")

    monkeypatch.setattr(bench.pool, "load", broken)
    with capture_logs() as lines:
        waiting = bench.load()
        await begun.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        go_on.set()
        await until(lambda: bool(lines))
    assert [(line["log_level"], line["model"], str(line["exc_info"])) for line in lines] == [("error", "m", "a bug")]
