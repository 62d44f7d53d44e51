"""The pool under any order of leases, crashes, unloads and expiries: nothing gets stuck, nothing is counted wrong."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from dovetail.core.errors import DovetailError
from dovetail.core.events import Finished
from dovetail.core.model import LoadOptions, Model
from dovetail.engines.base import Machine
from dovetail.fleet.lease import Lease
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings

from .fakes import HELLO, FakeEngine, FakeLauncher, Recorder, model, until

T = TypeVar("T")
MODELS = [model("a"), model("b"), model("c")]
NAMES = [one.id for one in MODELS]
WITHIN = 10.0  # seconds in which anything must have ended


class Use:
    """A lease that is held, and what runs in it."""

    def __init__(self, lease: Lease, stack: AsyncExitStack) -> None:
        self.lease = lease
        self.stack = stack
        self.tasks: list[asyncio.Task[bool]] = []


class Fleet(RuleBasedStateMachine):
    """Two places for three models; workers crash and freeze as the test says, and start again by themselves."""

    uses = Bundle("uses")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.held: list[Use] = []
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asyncio.wait_for(work, WITHIN))

    async def _begin(self) -> None:
        self.launcher = FakeLauncher()
        fleet = FleetSettings(max_models=2, stop_timeout=0.02, idle_ttl=30, good_service=1e-6)
        options = LoadOptions(parallel=2)
        making = Making({"gguf": FakeEngine()}, lambda _: options, Machine(2))
        self.pool = Pool(making, self.launcher, fleet, Recorder())

    @rule(target=uses, wanted=st.sampled_from(MODELS))
    def lease(self, wanted: Model) -> Use | MultipleResults[Use]:
        async def take() -> Use:
            stack = AsyncExitStack()
            return Use(await stack.enter_async_context(self.pool.lease(wanted)), stack)

        if len({use.lease.worker.model for use in self.held} | {wanted.id}) > 2:  # it would wait for a place
            nothing: MultipleResults[Use] = multiple()
            return nothing  # it would wait for a place until one is given back
        use = self.run(take())
        self.held.append(use)
        return use

    @rule(use=uses)
    def generate(self, use: Use) -> None:
        async def answer() -> bool:
            try:
                async for _ in use.lease.ready():
                    pass
                return isinstance([event async for event in use.lease.generate(HELLO)][-1], Finished)
            except DovetailError:
                return False

        async def begin() -> None:
            use.tasks.append(asyncio.get_running_loop().create_task(answer()))
            await asyncio.sleep(0)

        self.run(begin())

    @rule(use=consumes(uses))
    def give_back(self, use: Use) -> None:
        async def leave() -> None:
            await asyncio.gather(*use.tasks)
            await use.stack.aclose()

        self.run(leave())
        self.held.remove(use)

    @rule(use=consumes(uses))
    def leave_in_the_middle(self, use: Use) -> None:
        async def leave() -> None:
            for task in use.tasks:
                task.cancel()
            await asyncio.gather(*use.tasks, return_exceptions=True)
            await use.stack.aclose()

        self.run(leave())
        self.held.remove(use)

    @rule(name=st.sampled_from(NAMES), status=st.sampled_from([-9, -11, 1]))
    def crash(self, name: str, status: int) -> None:
        async def die() -> None:
            if self.launcher.starts(name):
                self.launcher.process(name).exit(status)
            await asyncio.sleep(0)

        self.run(die())

    @rule(name=st.sampled_from(NAMES))
    def find_ill(self, name: str) -> None:
        async def give_up() -> None:
            for seat in self.pool._seats.of(name):
                if seat.worker.state == "ready":
                    seat.worker.give_up(seat.worker.client, "the test says so")
            await asyncio.sleep(0)

        self.run(give_up())

    @rule(name=st.sampled_from(NAMES))
    def unload(self, name: str) -> None:
        if not any(use.lease.worker.model == name for use in self.held):
            self.run(self.pool.unload(name))

    @rule(name=st.sampled_from(NAMES))
    def expire(self, name: str) -> None:
        async def expire() -> None:
            for seat in self.pool._seats.of(name):
                if not seat.uses:
                    seat.worker.begin_stop()
            await asyncio.sleep(0)

        self.run(expire())

    @rule()
    def wait(self) -> None:
        self.run(asyncio.sleep(0.003))

    @invariant()
    def uses_are_counted(self) -> None:
        for seat in self.pool._seats:
            assert seat.uses == sum(use.lease.worker is seat.worker for use in self.held)
            assert 0 <= seat.queue.active <= seat.queue.slots

    @invariant()
    def no_seat_has_two_workers(self) -> None:
        for name in NAMES:
            living = [
                process
                for launched, process in self.launcher.launched
                if launched == name and not process.status.done()
            ]
            assert len(living) <= 1

    def teardown(self) -> None:
        async def end() -> None:
            for use in self.held:
                await asyncio.gather(*use.tasks)
                await use.stack.aclose()
            for wanted in MODELS:  # whatever has happened, each model can be had
                await self.pool.load(wanted)
                async with self.pool.lease(wanted) as lease:
                    assert isinstance([event async for event in lease.generate(HELLO)][-1], Finished)
            await self.pool.drain(1)
            await self.pool.aclose()
            await until(lambda: all(process.status.done() for _, process in self.launcher.launched))

        async def clean() -> None:
            await self.pool.aclose()
            await self.launcher.aclose()

        try:
            self.run(end())
        finally:
            self.run(clean())
            self.runner.close()


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
