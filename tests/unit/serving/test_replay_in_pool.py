"""Workers that die at any token of a story that depends on the seed alone: it is told to its end, once."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.events import Event, Finished, TextDelta
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest, Sampling, TextPrompt
from dovetail.engines.base import Machine
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.serving.generate import Generator
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script, word

from ..fleet.fakes import HELLO, FakeEngine, FakeLauncher, Plan  # noqa: TID252  the same fleet as its own tests
from ..fleet.fakes import model as fake_model  # noqa: TID252
from .fakes import Recorder

pytestmark = pytest.mark.anyio

TOKENS = 12
SEED = 7
ASKED = replace(HELLO, sampling=Sampling(seed=SEED))
TEXT = replace(ASKED, prompt=TextPrompt(("hello",)))
STORY = "".join(word(SEED, place) for place in range(TOKENS))


class Shelf:
    """A catalog of the one model."""

    def known(self, name: str) -> Model | None:
        return fake_model(name)

    def find(self, name: str, adapter: object = None, caller: object = None) -> Model:
        del adapter, caller
        return fake_model(name)


@pytest.fixture
async def launcher() -> AsyncIterator[FakeLauncher]:
    launcher = FakeLauncher()
    launcher.plans["m"] = Plan(Script(story=True, tokens=TOKENS, interval_ms=1, slots=4))
    yield launcher
    await launcher.aclose()


@pytest.fixture
async def serving(launcher: FakeLauncher) -> AsyncIterator[Generator]:
    options = LoadOptions(parallel=4)
    making = Making({"gguf": FakeEngine()}, lambda _: options, Machine(2))
    pool = Pool(making, launcher, FleetSettings(stop_timeout=0.05, good_service=1e-6), Recorder())
    yield Generator(Shelf(), pool, Recorder())
    await pool.aclose()


async def told(events: AsyncGenerator[Event, None], launcher: FakeLauncher, deaths: set[int]) -> list[Event]:
    """All events; the worker dies when as many deltas have come as `deaths` says."""
    got: list[Event] = []
    deltas = 0
    async with aclosing(events) as stream:
        async for event in stream:
            got.append(event)
            deltas += isinstance(event, TextDelta)
            if deltas in deaths:
                deaths.discard(deltas)
                launcher.process("m").exit(-9)
    return got


def text(events: list[Event], index: int = 0) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta) and event.index == index)


@pytest.mark.parametrize("asked", [ASKED, TEXT])
@pytest.mark.parametrize("place", range(1, TOKENS))
async def test_a_story_is_told_whole_wherever_its_worker_dies(
    serving: Generator, launcher: FakeLauncher, asked: GenerateRequest, place: int
) -> None:
    got = await told(serving.run(asked, LOCAL), launcher, {place})
    assert text(got) == STORY
    (last,) = [event for event in got if isinstance(event, Finished)]
    assert last.usage.completion == TOKENS


async def test_of_two_choices_each_is_told_whole(serving: Generator, launcher: FakeLauncher) -> None:
    got = await told(serving.run(replace(ASKED, n=2), LOCAL), launcher, {5})
    for index in range(2):
        assert text(got, index) == "".join(word(SEED + index, place) for place in range(TOKENS))
