"""Several workers of one model: who is chosen, and what becomes of requests when one of them fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.errors import LoadFailed, NoRoom
from dovetail.core.events import Event, Finished, Queued, TextDelta
from dovetail.core.model import LoadOptions, Model, Policy
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, TextPart
from dovetail.engines.base import Machine
from dovetail.fleet import calibration
from dovetail.fleet.measured import Measured
from dovetail.fleet.pool import Pool
from dovetail.fleet.replicas import LONGER, Candidate, Replicas, choose
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import CALLER, FakeEngine, FakeLauncher, Plan, Recorder, model, until

pytestmark = pytest.mark.anyio

A = replace(model("a"), size=calibration.SMALL)
QUICK = Plan(Script(tokens=100_000, interval_ms=0.1, slots=2))
candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(("ready", "startable", "failing")),
        st.integers(0, 12),
        st.integers(1, 8),
        st.booleans(),
        st.floats(0, 1000),
    ),
    min_size=1,
    max_size=6,
)


@given(candidates)
def test_one_that_runs_is_chosen_unless_all_are_full_and_one_that_fails_last(found: list[Candidate]) -> None:
    chosen = found[choose(found)]
    standings = {candidate.standing for candidate in found}
    if any(candidate.standing == "ready" and candidate.free for candidate in found):
        assert chosen.standing == "ready"
    if chosen.standing == "failing":
        assert standings == {"failing"}
    if chosen.standing == "startable" and "ready" in standings:
        assert chosen.free


@given(candidates)
def test_nobody_waits_while_another_is_free_nor_much_longer_than_elsewhere(found: list[Candidate]) -> None:
    chosen = found[choose(found)]
    ready = [candidate for candidate in found if candidate.standing == "ready"]
    if chosen.standing == "ready":
        shortest = min(candidate.line for candidate in ready)
        assert chosen.free or not any(candidate.free for candidate in ready)
        assert chosen.line == shortest or (chosen.home and (chosen.free or chosen.line < shortest + LONGER))


def test_a_conversation_stays_until_its_line_is_clearly_longer() -> None:
    def home(load: int, other: int) -> int:
        return choose([Candidate("ready", other, 2), Candidate("ready", load, 2, home=True)])

    assert home(1, 0) == 1, "a slot is free there"
    assert home(2, 1) == 0, "it would wait, and elsewhere not"
    assert home(3, 2) == 1, "half a turn more"
    assert home(4, 2) == 0, "a whole turn more"


def test_of_equal_ones_that_unused_longest_and_what_is_starting_before_what_is_not() -> None:
    assert choose([Candidate("ready", last_used=2), Candidate("ready", last_used=1)]) == 1
    assert choose([Candidate("startable"), Candidate("startable", 1, 2)]) == 1
    assert choose([Candidate("startable", 2, 2), Candidate("startable")]) == 1


def test_what_is_remembered_is_bounded_and_each_model_has_its_own() -> None:
    homes = Replicas(most=2)
    first, second, third = b"first", b"second", b"third"
    homes.note("a", (first,), "a")
    homes.note("b", (first,), "b#2")
    assert homes.home("a", (first, second)) == "a"
    assert homes.home("b", (first, second)) == "b#2"
    homes.note("a", (first, second, third), "a#2")
    assert homes.home("a", (first, second)) is None, "the oldest is forgotten"
    assert homes.home("a", (first, second, third)) == "a#2"


def said(*texts: str) -> GenerateRequest:
    roles = ("user", "assistant")
    messages = tuple(Message(roles[at % 2], (TextPart(text),)) for at, text in enumerate(texts))
    return GenerateRequest("r", "a", ChatPrompt(messages), max_tokens=3)


class Count:
    """How many workers the settings say, which the test may change."""

    def __init__(self) -> None:
        self.replicas = 2


@pytest.fixture
def count() -> Count:
    return Count()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "PAUSE", 0.0)
    monkeypatch.setattr(calibration, "_TOKENS", (12, 12))
    monkeypatch.setattr(calibration, "UNSTEADY", 1e9)  # the machine may be busy with other tests


@pytest.fixture
def making(tmp_path: Path) -> Making:
    measured = Measured(tmp_path / "measured.json", "this machine")
    return Making({"gguf": FakeEngine()}, lambda _: LoadOptions(parallel=2), Machine(8), measured=measured)


@pytest.fixture
async def pool(launcher: FakeLauncher, recorder: Recorder, making: Making, count: Count) -> AsyncIterator[Pool]:
    settings = FleetSettings(max_models=3, idle_ttl=0, stop_timeout=0.05, calibrate=False)
    made = Pool(making, launcher, settings, recorder, policy_for=lambda _: Policy(replicas=count.replicas))
    yield made
    await made.aclose()


async def ask(pool: Pool, request: GenerateRequest, wanted: Model = A) -> tuple[str, list[Event]]:
    """Which worker answered, and what."""
    async with pool.lease(wanted, caller=CALLER, request=request) as lease:
        async for _ in lease.ready():
            pass
        events = [event async for event in lease.generate(request)]
        return lease.worker.model, events


async def test_load_and_unload_are_of_all_and_their_status_is_one(pool: Pool, launcher: FakeLauncher) -> None:
    await pool.load(A)
    assert [state.model for state in pool.states()] == ["a", "a#2"]
    async with AsyncExitStack() as stack:
        for _ in range(2):
            lease = await stack.enter_async_context(pool.lease(A))
            stream = lease.generate(replace(said("long"), max_tokens=None))
            stack.push_async_callback(stream.aclose)
            await anext(stream)
        assert [state.active for state in pool.states()] == [1, 1]
        both = pool.status("a")
        assert (both.model, both.state, both.slots, both.active) == ("a", "ready", 4, 2)
        assert [model.model for model in pool.models()] == ["a"]
    assert await pool.unload("a")
    assert pool.status("a").state == "unloaded"
    assert [launcher.process(name).signals for name in ("a", "a#2")] == [["TERM"], ["TERM"]]


async def test_a_conversation_comes_back_to_its_worker_and_another_goes_elsewhere(pool: Pool) -> None:
    await pool.load(A)
    texts = ["What is the capital of France?"]
    home, _ = await ask(pool, said(*texts))
    other, _ = await ask(pool, said("Something else, quite long, for another worker"))
    assert {home, other} == {"a", "a#2"}
    for answer in ("Paris.", "Still Paris.", "It has not moved."):
        texts += [answer, "And now?"]
        assert (await ask(pool, said(*texts)))[0] == home


async def test_another_worker_starts_only_when_those_that_run_are_full(pool: Pool, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = Plan(Script(tokens=100_000, interval_ms=1, slots=2))
    await ask(pool, said("one"))
    await ask(pool, said("two"))
    assert launcher.starts("a#2") == 0
    async with pool.lease(A), pool.lease(A):
        assert (await ask(pool, said("three")))[0] == "a#2"


async def test_a_worker_that_died_is_passed_over_until_it_is_well(pool: Pool, launcher: FakeLauncher) -> None:
    await pool.load(A)
    launcher.plans["a"] = Plan(listens=False)  # its successor starts, and does not answer yet
    launcher.process("a").exit(-9)
    await until(lambda: pool.states()[0].state == "starting")
    for number in range(4):
        worker, events = await ask(pool, said(f"question {number}"))
        assert worker == "a#2"
        assert isinstance(events[-1], Finished)
    assert pool.status("a").state == "ready"


async def test_who_stood_in_the_line_of_one_that_dies_goes_on_elsewhere(pool: Pool, launcher: FakeLauncher) -> None:
    launcher.plans["a"] = Plan(Script(tokens=100_000, interval_ms=1, slots=1))
    await pool.load(A)
    launcher.plans["a"] = Plan(listens=False)
    request = replace(said("long"), max_tokens=None)
    async with pool.lease(A, request=request) as lease:
        assert lease.worker.model == "a"
        running = lease.generate(request)
        while not isinstance(await anext(running), TextDelta):
            pass
        stream = lease.generate(said("short"))
        assert isinstance(await anext(stream), Queued)
        launcher.process("a").exit(-9)
        await until(lambda: pool.states()[0].state == "starting")
        await running.aclose()
        async with asyncio.timeout(5):
            events = [event async for event in stream]
    assert isinstance(events[-1], Finished)
    assert lease.worker.model == "a#2"
    await until(lambda: all(state.active == 0 for state in pool.states()))


async def test_one_that_cannot_be_loaded_leaves_its_requests_to_the_other(pool: Pool, launcher: FakeLauncher) -> None:
    launcher.plans["a#2"] = Plan(cannot_start=True)
    with pytest.raises(LoadFailed):
        await pool.load(A)
    async with pool.lease(A), pool.lease(A):
        worker, events = await ask(pool, said("hello"))
    assert worker == "a"
    assert isinstance(events[-1], Finished)


async def test_no_worker_makes_room_for_another_of_its_model(pool: Pool, count: Count) -> None:
    count.replicas = 4  # and there are three places
    with pytest.raises(NoRoom):
        await pool.load(A)
    assert [state.state for state in pool.states()] == ["ready", "ready", "ready", "unloaded"]
    async with AsyncExitStack() as stack:
        for _ in range(6):
            await stack.enter_async_context(pool.lease(A))
        assert isinstance((await ask(pool, said("hello")))[1][-1], Finished)


async def test_idle_workers_of_a_model_make_room_one_by_one(pool: Pool, count: Count) -> None:
    await pool.load(A)
    count.replicas = 1
    await pool.load(model("b"))
    await pool.load(model("c"))
    assert {state.model: state.state for state in pool.states()} == {
        "a": "unloaded",
        "a#2": "ready",
        "b": "ready",
        "c": "ready",
    }


async def test_fewer_are_wanted_while_the_server_runs(pool: Pool, making: Making, count: Count) -> None:
    await pool.load(A)
    async with pool.lease(A, request=said("one")), pool.lease(A, request=said("two")) as second:
        count.replicas = 1
        pool.reconfigure(making, FleetSettings(max_models=3, idle_ttl=0))
        assert second.worker.state == "ready", "it goes when its last request ends"
    await until(lambda: [state.state for state in pool.states()] == ["ready", "unloaded"])
    count.replicas = 2
    await pool.load(A)
    assert pool.status("a").slots == 4


async def test_what_one_measured_all_know(launcher: FakeLauncher, recorder: Recorder, making: Making) -> None:
    launcher.plans = {"a": QUICK, "a#2": QUICK}
    settings = FleetSettings(idle_ttl=0, stop_timeout=0.05)
    made = Pool(making, launcher, settings, recorder, policy_for=lambda _: Policy(replicas=2))
    try:
        await made.load(A)
        async with made.lease(A) as first, made.lease(A) as second:
            for lease in (first, second):
                async for _ in lease.generate(said("hello")):
                    pass
        await until(lambda: any(state.widths.rates for state in made.states()))
        await until(lambda: not any(state.calibrating for state in made.states()))
        await ask(made, said("again"))
        await until(lambda: all(state.widths.rates for state in made.states()))
        one, other = made.states()
        assert one.widths == other.widths, "measured twice they would differ"
    finally:
        await made.aclose()
