from dataclasses import dataclass, field
from typing import cast

import pytest

from dovetail.bench.course import Parts
from dovetail.bench.figures import Peak, Plan
from dovetail.bench.order import guess
from dovetail.bench.run import Run
from dovetail.core.model import Model, ModelState
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.serving.requests import Requests

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
