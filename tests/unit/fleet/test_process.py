"""The life of one worker, with processes that exist only in the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from dovetail.core.errors import LoadFailed, WorkerCrashed
from dovetail.engines.base import Command
from dovetail.fleet import backoff, process
from dovetail.fleet.client import unloaded
from dovetail.fleet.launch import Launched
from dovetail.fleet.process import Worker
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import Clock, FakeLauncher, Plan, Recorder, until

pytestmark = pytest.mark.anyio

SETTINGS = FleetSettings(load_timeout=30, stop_timeout=0.05)
Start = Callable[..., Worker]


@pytest.fixture
async def start(launcher: FakeLauncher, recorder: Recorder) -> AsyncIterator[Start]:
    """Makes the worker of `m`, stopped when the test ends."""
    workers: list[Worker] = []

    def start(clock: Clock | None = None) -> Worker:
        def launch(on_line: Callable[[str], None]):  # noqa: ANN202  Launcher.launch says it
            return launcher.launch("m", lambda _: Command(("m",)), on_line)

        timed: dict[str, Any] = {} if clock is None else {"clock": clock}
        workers.append(Worker("m", launch, SETTINGS, recorder, **timed))
        return workers[-1]

    yield start
    for worker in workers:
        await worker.stop()


async def test_many_waiters_start_one_process(start: Start, launcher: FakeLauncher, recorder: Recorder) -> None:
    worker = start()
    await asyncio.gather(*(worker.ensure_ready() for _ in range(20)))
    assert launcher.starts("m") == 1
    assert (worker.state, worker.pid, worker.props and worker.props.context) == ("ready", 4242, 4096)
    await worker.ensure_ready()
    assert [state for _, state in recorder.states] == ["starting", "ready"]
    assert (recorder.loads, recorder.restarts) == (["m"], [])


async def test_a_stopped_worker_is_asked_first_and_starts_again(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    await worker.ensure_ready()
    await worker.stop()
    assert (worker.state, worker.pid, worker.alive) == ("unloaded", None, False)
    assert launcher.process("m").signals == ["TERM"]
    with pytest.raises(WorkerCrashed):
        _ = worker.client
    await worker.ensure_ready()
    assert launcher.starts("m") == 2


async def test_a_deaf_worker_is_killed(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(heeds_sigterm=False)
    worker = start()
    await worker.ensure_ready()
    await worker.stop()
    assert launcher.process("m").signals == ["TERM", "KILL"]


async def test_who_comes_while_it_stops_gets_the_next_one(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(heeds_sigterm=False)
    worker = start()
    await worker.ensure_ready()
    worker.begin_stop()
    assert worker.state == "stopping"
    await worker.ensure_ready()
    assert (worker.state, launcher.starts("m")) == ("ready", 2)


async def test_a_crash_is_seen_and_healed_at_once(start: Start, launcher: FakeLauncher, recorder: Recorder) -> None:
    worker = start()
    await worker.ensure_ready()
    launcher.process("m").exit(-11)
    await until(lambda: worker.state != "ready", within=1)
    assert worker.reason == "the worker was ended by SIGSEGV"
    with pytest.raises(WorkerCrashed, match="SIGSEGV"):
        _ = worker.client
    await until(lambda: worker.state == "ready", within=1)
    assert launcher.starts("m") == 2
    assert [state for _, state in recorder.states] == ["starting", "ready", "failed", "starting", "ready"]
    assert (recorder.loads, recorder.restarts) == (["m", "m"], ["the worker was ended by SIGSEGV"])


async def test_a_failed_load_has_the_engines_reason_and_is_not_repeated_at_once(
    start: Start, launcher: FakeLauncher, clock: Clock
) -> None:
    launcher.plans["m"] = Plan(last_words="0.1 E load: error: bad magic")
    worker = start(clock)
    for _ in range(3):
        with pytest.raises(LoadFailed, match="bad magic") as failed:
            await worker.ensure_ready()
        assert failed.value.log_tail == ("0.1 E load: error: bad magic",)
        assert failed.value.retry_after == 1
    assert launcher.starts("m") == 1
    clock.now += 1
    launcher.plans["m"] = Plan()
    await worker.ensure_ready()
    assert launcher.starts("m") == 2


async def test_a_model_that_fails_and_fails_is_given_up_for_a_while(recorder: Recorder, clock: Clock) -> None:
    tries: list[float] = []

    async def fail(on_line: Callable[[str], None]) -> Launched:
        del on_line
        tries.append(clock.now)
        raise LoadFailed("no")

    worker = Worker("m", fail, SETTINGS, recorder, clock)
    failures: list[LoadFailed] = []
    for _ in range(1300):
        with pytest.raises(LoadFailed) as failed:
            await worker.ensure_ready()
        failures.append(failed.value)
        clock.now += 0.5
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == [1, 2, 4, 8, backoff.PAUSE]
    assert failures[0].message == "no"
    assert failures[1].retry_after == 0.5
    assert max(failure.retry_after or 0 for failure in failures) == backoff.PAUSE
    assert failures[-1].message.startswith("no; it fails again and again and is not tried for 10 minutes")
    worker.forget_failure()
    with pytest.raises(LoadFailed, match=r"no$"):
        await worker.ensure_ready()
    assert len(tries) == len(gaps) + 2


async def test_a_worker_that_dies_and_dies_is_started_ever_later_and_then_no_more(
    start: Start, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "DELAYS", (0.0, 0.01, 0.02, 0.03))
    worker = start()
    await worker.ensure_ready()
    for starts in range(1, 6):
        await until(lambda starts=starts: launcher.starts("m") == starts and worker.state == "ready")
        launcher.process("m").exit(-11)
        await until(lambda: worker.state != "ready")
    await until(lambda: not worker.alive)
    assert worker.state == "failed"
    assert "SIGSEGV; it fails again and again" in (worker.reason or "")
    with pytest.raises(LoadFailed, match="load it by hand"):
        await worker.ensure_ready()
    assert launcher.starts("m") == 5
    worker.forget_failure()
    await worker.ensure_ready()


async def test_good_service_makes_earlier_failures_good(start: Start, launcher: FakeLauncher, clock: Clock) -> None:
    worker = start(clock)
    await worker.ensure_ready()
    for starts in range(1, 20):
        await until(lambda starts=starts: launcher.starts("m") == starts and worker.state == "ready")
        clock.now += SETTINGS.good_service
        launcher.process("m").exit(-11)
        await until(lambda: worker.state != "ready")
    await until(lambda: worker.state == "ready")


async def test_what_is_ill_is_replaced_and_what_is_dismissed_is_not(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    await worker.ensure_ready()
    first = worker.client
    worker.give_up(first, "it no longer answered")
    await until(lambda: worker.state == "ready")
    assert (launcher.starts("m"), first.dismissed) == (2, None)
    worker.give_up(first, "old news")
    assert worker.state == "ready"
    second = worker.client
    await worker.stop()
    assert (worker.state, worker.reason, second.dismissed) == ("unloaded", None, unloaded)


async def test_an_unload_ends_the_wait_for_the_next_start(start: Start, launcher: FakeLauncher) -> None:
    worker = start()
    await worker.ensure_ready()
    for _ in range(2):
        launcher.process("m").exit(-11)
        await until(lambda: worker.state != "ready")
        await until(lambda: worker.state in {"ready", "starting"})
        if launcher.starts("m") == 1:
            await until(lambda: worker.state == "ready")
    await worker.stop()  # within the second that the next start is put off for
    assert (worker.state, launcher.starts("m")) == ("unloaded", 2)


async def test_a_failure_can_be_forgotten(start: Start, launcher: FakeLauncher, clock: Clock) -> None:
    launcher.plans["m"] = Plan(cannot_start=True)
    worker = start(clock)
    with pytest.raises(LoadFailed, match="no such engine"):
        await worker.ensure_ready()
    worker.forget_failure()
    launcher.plans["m"] = Plan()
    await worker.ensure_ready()


async def test_every_waiter_hears_of_the_failure(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(last_words="E load: no")
    worker = start()
    results = await asyncio.gather(*(worker.ensure_ready() for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {LoadFailed}
    assert len({id(result) for result in results}) == 5


async def test_a_load_has_a_deadline(start: Start, launcher: FakeLauncher, clock: Clock) -> None:
    launcher.plans["m"] = Plan(listens=False)
    worker = start(clock)
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: bool(launcher.launched))
    clock.now += 31
    with pytest.raises(LoadFailed, match="not ready within 30 s"):
        await waiting
    assert launcher.process("m").signals == ["KILL"]


async def test_a_start_nobody_waits_for_is_stopped(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(listens=False)
    worker = start()
    waiters = [asyncio.ensure_future(worker.ensure_ready()) for _ in range(3)]
    await until(lambda: bool(launcher.launched))
    for waiter in waiters:
        waiter.cancel()
    await until(lambda: not worker.alive, within=1)
    assert (worker.state, launcher.process("m").signals) == ("unloaded", ["KILL"])


async def test_one_waiter_is_enough(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(listens=False)
    worker = start()
    stays, leaves = (asyncio.ensure_future(worker.ensure_ready()) for _ in range(2))
    await until(lambda: bool(launcher.launched))
    leaves.cancel()
    done, _ = await asyncio.wait({stays}, timeout=2 * process.ABANDON_AFTER)
    assert not done
    assert worker.state == "starting"
    stays.cancel()


async def test_stopping_a_start_tells_its_waiters(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(listens=False)
    worker = start()
    waiting = asyncio.ensure_future(worker.ensure_ready())
    await until(lambda: bool(launcher.launched))
    await worker.stop()
    with pytest.raises(LoadFailed, match="unloaded before it was ready"):
        await waiting
    assert worker.state == "unloaded"


async def test_a_worker_that_cannot_say_what_it_is_has_failed(
    start: Start, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dovetail.fleet.process.WorkerClient.get", _broken)
    worker = start()
    with pytest.raises(LoadFailed, match="the worker of m is gone"):
        await worker.ensure_ready()
    assert worker.state == "failed"
    assert launcher.process("m").signals == ["KILL"]


async def test_whatever_goes_wrong_the_waiters_are_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(raw: object) -> None:
        del raw
        raise ZeroDivisionError

    monkeypatch.setattr(process, "props_of", explode)
    with pytest.raises(LoadFailed, match="ZeroDivisionError"):
        await start().ensure_ready()


async def test_props_of_an_unknown_shape_are_zero(start: Start, launcher: FakeLauncher) -> None:
    launcher.plans["m"] = Plan(replace(Script(), slots=None, context=None))  # pyright: ignore[reportArgumentType]
    worker = start()
    await worker.ensure_ready()
    assert worker.props is not None
    assert (worker.props.slots, worker.props.context) == (0, 0)


async def test_a_flood_of_lines_is_kept_from_the_observer(start: Start, recorder: Recorder, clock: Clock) -> None:
    worker = start(clock)
    for number in range(1000):
        worker._note(f"line {number}")
    assert len(recorder.lines) == process.LINES_A_SECOND
    assert len(worker.last_lines) == process.KEPT_LINES
    clock.now += 1
    worker._note("later")
    assert recorder.lines[-1] == "later"


async def test_stopping_what_does_not_run_does_nothing(start: Start, recorder: Recorder) -> None:
    await start().stop()
    assert recorder.states == []


async def _broken(*_: object) -> None:
    raise WorkerCrashed("the worker of m is gone")


async def test_a_server_that_somebody_else_started_is_used_and_left_alone(
    launcher: FakeLauncher, recorder: Recorder
) -> None:
    async def elsewhere(on_line: Callable[[str], None]) -> Launched:
        launched = await launcher.launch("m", lambda _: Command(("m",)), on_line)
        return replace(launched, process=None)

    worker = Worker("m", elsewhere, SETTINGS, recorder)
    await worker.ensure_ready()
    assert (worker.state, worker.pid) == ("ready", None)
    assert not await worker.fallen(0.01)
    await worker.stop()
    assert worker.state == "unloaded"
    assert launcher.process("m").signals == []
