from dataclasses import dataclass, field
from typing import cast

import pytest

from dovetail.bench.course import Parts
from dovetail.bench.figures import Peak, Plan
from dovetail.bench.order import guess
from dovetail.bench.run import Run
from dovetail.core.model import Model, ModelState, Policy
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.serving.requests import Requests

from ..fleet.fakes import FakeLauncher, Recorder  # noqa: TID252
from ..fleet.test_places import Bench, large  # noqa: TID252
from ..serving.fakes import model  # noqa: TID252  one set of stand-ins

pytestmark = pytest.mark.anyio


@dataclass
class Models:
    """A pool that knows states, and what it was told to do."""

    known: dict[str, WorkerStatus]
    told: list[str] = field(default_factory=list[str])

    def status(self, name: str) -> WorkerStatus:
        return self.known.get(name, WorkerStatus(name))

    async def unload(self, name: str) -> bool:
        self.told.append(f"unload {name}")
        return True

    async def load(self, wanted: Model) -> None:
        self.told.append(f"load {wanted.id}")

    def says(self, name: str, state: ModelState, active: int = 0) -> None:
        self.known[name] = WorkerStatus(name, state, active=active)


async def looks(pid: int) -> Peak:
    return Peak(pid)


async def test_models_are_left_as_they_were() -> None:
    pool = Models({})
    pool.says("here", "ready")
    pool.says("stays", "ready")
    names = ("here", "stays", "gone", "used")
    parts = Parts(cast("Pool", pool), Requests(), looks, lambda _: 0, "a text")
    models = [model(name) for name in names]
    run = Run(Plan(names), models, parts, {m.id: guess(m) for m in models}, lambda: None)
    pool.says("here", "unloaded")  # it had to make room
    pool.says("gone", "ready")
    pool.says("used", "ready", active=1)
    await run.tidy()
    assert sorted(pool.told) == ["load here", "unload gone"]
    assert run.progress.done == 0
    assert run.progress.total == len(names) * 5


@pytest.mark.parametrize(
    ("measured", "said"),
    [(("mine",), "unload another model"), (("mine", "other"), "unload other")],
)
async def test_why_there_is_no_room_is_told_in_words_for_whoever_may_read_it(
    measured: tuple[str, ...], said: str
) -> None:
    launcher = FakeLauncher()
    bench = Bench(launcher, Recorder())
    bench.policies["other"] = Policy(pin=True)
    pool = bench.pool(memory="1.5 GiB")
    try:
        await pool.load(large("other"))
        models = [large(name) for name in measured]
        parts = Parts(pool, Requests(), looks, lambda _: 0, "a text")
        run = Run(Plan(measured), models, parts, {m.id: guess(m) for m in models}, lambda: None)
        await run.measure()
        failed = run.results()[0].failed or ""
        assert said in failed
        assert ("other" in failed.replace("another", "")) is ("other" in measured)
    finally:
        await pool.aclose()
        await launcher.aclose()
