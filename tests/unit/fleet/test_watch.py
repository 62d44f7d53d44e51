"""When an idle worker is asked whether it still could."""

from dataclasses import dataclass, field

import pytest

from dovetail.core.model import LoadOptions, Model
from dovetail.engines.base import Engine
from dovetail.fleet.chain import chain_of
from dovetail.fleet.launch import Launched
from dovetail.fleet.process import Worker
from dovetail.fleet.queue import Bounds, Queue
from dovetail.fleet.slots import Slot, Slots
from dovetail.fleet.watch import IDLE_CANARY, Watch
from dovetail.settings import FleetSettings

from .fakes import Clock, FakeEngine, Recorder, model

pytestmark = pytest.mark.anyio


async def _nowhere(_: object) -> Launched:
    raise AssertionError("nothing is started here")


@dataclass
class Post:
    """A seat that nobody sits on."""

    worker: Worker
    queue: Queue
    model: Model = field(default_factory=lambda: model("m"))
    engine: Engine = field(default_factory=FakeEngine)
    options: LoadOptions = field(default_factory=LoadOptions)
    slots: Slots = field(default_factory=Slots)
    last_used: float = 0.0


async def test_an_idle_worker_is_asked_unless_that_would_cost_somebody_a_conversation(clock: Clock) -> None:
    worker = Worker("m", _nowhere, FleetSettings(), Recorder(), clock)
    post = Post(worker, Queue(1, Bounds()), last_used=clock.now)
    watch = Watch(post)
    assert not watch._long_idle()
    clock.now += IDLE_CANARY + 1
    assert watch._long_idle()
    held = Slot(0, chain=chain_of({"prompt": "a" * 4000}), tokens=1000, saved=False)
    post.slots._slots = [held]
    assert not watch._long_idle()
    held.saved = True
    assert watch._long_idle()
