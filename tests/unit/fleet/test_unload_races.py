"""An idle model's unload and a request for it, in every order: the request is served, or told at once that it is not.

`UNLOAD_RACES` sets the number of races; the suite runs a share of the ten thousand of a release.
"""

import asyncio
import os
import random
from collections import Counter

import pytest

from dovetail.core.errors import DovetailError
from dovetail.core.events import Finished
from dovetail.core.model import LoadOptions
from dovetail.engines.base import Machine
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings
from dovetail.workers.scripted import Script

from .fakes import HELLO, FakeEngine, FakeLauncher, Plan, Recorder, model

pytestmark = pytest.mark.anyio

RACES = int(os.environ.get("UNLOAD_RACES", "400"))
A = model("a")
WITHIN = 10.0  # seconds after which nobody moves any more
AT_ONCE = 1e-9  # seconds that a model may be idle
STEPS = 60  # rounds of the event loop that an unload takes, and more


async def served(pool: Pool) -> str:
    """What becomes of a request: `served`, or the code of its refusal."""
    try:
        async with pool.lease(A) as lease:
            async for _ in lease.ready():
                pass
            events = [event async for event in lease.generate(HELLO)]
    except DovetailError as error:
        if error.status != 503:
            raise
        return error.code
    assert isinstance(events[-1], Finished)
    return "served"


async def race(pool: Pool, chance: random.Random) -> list[str]:
    """One or two requests, some rounds after the last one gave the model back and its unload began."""
    requests: list[asyncio.Task[str]] = []
    async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as tasks:
        for _ in range(chance.choice((1, 1, 2))):
            for _ in range(chance.randrange(STEPS)):
                await asyncio.sleep(0)
            requests.append(tasks.create_task(served(pool)))
        if chance.random() < 0.1:  # and somebody unloads it by hand
            tasks.create_task(pool.unload(A.id))
    return [request.result() for request in requests]


@pytest.mark.bad_input("67")
async def test_a_request_and_an_unload_never_wait_for_each_other(launcher: FakeLauncher) -> None:
    chance = random.Random(67)
    fleet = FleetSettings(stop_timeout=0.05, idle_ttl=AT_ONCE, good_service=1e-6, calibrate=False)
    options = LoadOptions(parallel=2)
    pool = Pool(Making({"gguf": FakeEngine()}, lambda _: options, Machine(2)), launcher, fleet, Recorder())
    ended: Counter[str] = Counter()
    try:
        for number in range(RACES):
            # Every other process takes a moment to leave.
            leaves_after = chance.choice((0.0, 0.0, 0.0005, 0.002)) if number % 2 else 0.0
            launcher.plans["a"] = Plan(Script(tokens=1, interval_ms=0.1, slots=2), leaves_after=leaves_after)
            ended.update(await race(pool, chance))
        assert set(ended) <= {"served", "model_unloaded", "worker_crashed", "model_failed"}, ended
        assert ended["served"] > 0.9 * ended.total(), ended
        assert RACES / 10 < launcher.starts("a") < ended.total(), "some found it gone, some found it there"
        assert await served(pool) == "served"
    finally:
        await pool.aclose()
