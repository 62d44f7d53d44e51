"""Loads that are killed or frozen, with processes that exist only in the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dovetail.core.errors import Busy, LoadFailed, NoRoom
from dovetail.engines.base import Command
from dovetail.fleet import backoff, life, process
from dovetail.fleet.process import Worker
from dovetail.settings import FleetSettings

from .fakes import Clock, FakeLauncher, Plan, Recorder, until

pytestmark = pytest.mark.anyio

SETTINGS = FleetSettings(load_timeout=600, stop_timeout=0.05, heartbeat=5)
DEAF = Plan(listens=False)
Start = Callable[..., Worker]


@pytest.fixture
async def start(launcher: FakeLauncher, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Makes the worker of `m`, whose processes do not get ready by themselves; stopped when the test ends."""
    monkeypatch.setattr(backoff, "DELAYS", (0.0, 0.05, 0.05, 0.05))
    launcher.plans["m"] = DEAF
    workers: list[Worker] = []

    def start(**timed: Any) -> Worker:
        def launch(on_line: Callable[[str], None]):  # noqa: ANN202  Launcher.launch says it
            return launcher.launch("m", lambda _: Command(("m",)), on_line)

        workers.append(Worker("m", launch, SETTINGS, recorder, **timed))
        return workers[-1]

    yield start
    for worker in workers:
        await worker.stop()


async def kill(launcher: FakeLauncher, number: int, status: int = -9) -> None:
    """Ends the process that was started as the `number`th."""
    await until(lambda: launcher.starts("m") == number)
    launcher.process("m").exit(status)


@pytest.mark.parametrize("status", [-9, -11, -6])
async def test_a_load_that_is_killed_is_tried_again_unseen(start: Start, launcher: FakeLauncher, status: int) -> None:
    worker = start()
    waiting = [asyncio.ensure_future(worker.ensure_ready()) for _ in range(3)]
    await until(lambda: launcher.starts("m") == 1)
    launcher.plans["m"] = Plan()
    await kill(launcher, 1, status)
    await asyncio.gather(*waiting)
    assert (worker.state, launcher.starts("m")) == ("ready", 2)


@pytest.mark.bad_input("38")
async def test_of_the_second_death_it_is_told_and_who_comes_later_waits(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await kill(launcher, 1)
    await kill(launcher, 2, -11)
    with pytest.raises(LoadFailed, match="SIGSEGV") as failed:
        await waiting
    assert failed.value.code == "model_failed"
    assert (worker.state, worker.alive) == ("failed", False), "nobody asks for it"
    launcher.plans["m"] = Plan()
    await worker.ensure_ready()
    assert launcher.starts("m") == 3


async def test_a_start_that_is_put_off_is_dropped_when_nobody_waits_for_it(
    start: Start, launcher: FakeLauncher
) -> None:
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await kill(launcher, 1)
    await kill(launcher, 2)
    with pytest.raises(LoadFailed):
        await waiting
    late = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: worker.state == "starting")
    late.cancel()
    await until(lambda: not worker.alive)
    assert launcher.starts("m") == 2


async def test_an_unload_while_a_start_is_put_off_makes_nobody_fail(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await kill(launcher, 1)
    await kill(launcher, 2)
    with pytest.raises(LoadFailed):
        await waiting
    late = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: worker.state == "starting")
    await worker.stop()
    with pytest.raises(LoadFailed, match="unloaded"):
        await late
    launcher.plans["m"] = Plan()
    await worker.ensure_ready()
    assert launcher.starts("m") == 3


async def test_one_that_is_killed_and_killed_is_given_up_for_a_while(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    for number in (1, 3):
        waiting = asyncio.ensure_future(worker.ensure_ready())
        await kill(launcher, number)
        await kill(launcher, number + 1)
        with pytest.raises(LoadFailed):
            await waiting
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await kill(launcher, 5)
    with pytest.raises(LoadFailed, match="again and again"):
        await waiting
    with pytest.raises(LoadFailed, match="load it by hand"):
        await worker.ensure_ready()
    assert launcher.starts("m") == 5


async def test_a_load_that_says_why_it_failed_is_not_repeated(start: Start, launcher: FakeLauncher) -> None:
    waiting = asyncio.ensure_future(start().ensure_ready())
    await kill(launcher, 1, 1)
    with pytest.raises(LoadFailed, match="status 1"):
        await waiting
    assert launcher.starts("m") == 1


@pytest.mark.bad_input("59")
@pytest.mark.parametrize("counted", [True, False])
async def test_a_load_that_got_no_memory_is_not_repeated(
    start: Start, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    kills = iter([7, 8, 8])
    monkeypatch.setattr(life, "out_of_memory_kills", lambda: next(kills) if counted else 7)
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: launcher.starts("m") == 1)
    if not counted:
        worker._note("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 34")
    await kill(launcher, 1, -9 if counted else -6)
    with pytest.raises(LoadFailed) as failed:
        await waiting
    assert (failed.value.code, launcher.starts("m")) == (NoRoom.code, 1)


@pytest.mark.bad_input("40")
async def test_one_that_takes_memory_without_bound_while_it_loads_is_ended(
    start: Start, launcher: FakeLauncher
) -> None:
    clock, taken = Clock(), 1 << 30

    def weigh(pid: int) -> int:
        assert pid == launcher.process("m").pid
        clock.now += 1
        return taken

    worker = start(clock=clock, allowance=lambda: 2 << 30, weigh=weigh)
    waiting = asyncio.ensure_future(worker.ensure_ready())
    began = clock.now
    await until(lambda: clock.now > began + 2)  # it was weighed, and found well
    taken = 3 << 30
    with pytest.raises(LoadFailed, match=r"it took 3\.2 GB while it loaded; 2\.1 GB is the bound") as failed:
        await waiting
    assert (failed.value.code, launcher.starts("m")) == ("model_failed", 1)
    assert launcher.process("m").signals == ["KILL"]


async def test_one_that_is_stopped_while_it_loads_is_replaced(start: Start, launcher: FakeLauncher) -> None:
    clock, frozen = Clock(), True
    seen: list[float] = []

    def stopped(pid: int) -> bool:
        assert pid == launcher.process("m").pid
        seen.append(clock.now)
        return frozen

    worker = start(clock=clock, stopped=stopped)
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: bool(seen))
    clock.now += process.FROZEN * SETTINGS.heartbeat - 1
    await until(lambda: seen[-1] == clock.now)
    frozen = False  # it goes on
    clock.now += 2
    await until(lambda: seen[-1] == clock.now)
    frozen = True
    clock.now += 1
    await until(lambda: seen[-1] == clock.now)
    assert launcher.process("m").signals == []
    launcher.plans["m"] = Plan()
    clock.now += process.FROZEN * SETTINGS.heartbeat
    await waiting
    assert [made.signals for _, made in launcher.launched] == [["KILL"], []]


async def test_a_worker_that_served_well_and_was_unloaded_has_made_earlier_failures_good(
    start: Start, launcher: FakeLauncher
) -> None:
    clock = Clock()
    worker = start(clock=clock)
    for _ in range(3 * len(backoff.DELAYS)):
        launcher.plans["m"] = Plan(last_words="0.1 E load: error: bad magic")
        with pytest.raises(LoadFailed, match=r"bad magic$"):
            await worker.ensure_ready()
        clock.now += 1
        launcher.plans["m"] = Plan()
        await worker.ensure_ready()
        clock.now += SETTINGS.good_service
        await worker.stop()


async def test_one_that_is_ill_and_then_dismissed_has_no_successor(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(heeds_sigterm=False)
    worker = start()
    await worker.ensure_ready()
    worker.give_up(worker.client, "it no longer answered")
    await worker.stop()
    assert (worker.state, worker.alive, launcher.starts("m")) == ("unloaded", False, 1)


async def test_one_that_is_retired_while_it_loads_is_not_tried_again(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: launcher.starts("m") == 1)
    worker.retire()
    with pytest.raises((Busy, LoadFailed)):
        await waiting
    assert launcher.starts("m") == 1
