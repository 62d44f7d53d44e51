import asyncio
from typing import cast

import pytest

from dovetail.bench import quiet
from dovetail.bench.quiet import Quiet, busy_with
from dovetail.core.caller import LOCAL, Caller, Scope
from dovetail.core.errors import Busy
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.serving.requests import Requests, Ticket

pytestmark = pytest.mark.anyio
CALLER = Caller("bench", scope=Scope(models=("big",)))


class States:
    def __init__(self) -> None:
        self.calibrating = False

    def states(self) -> list[WorkerStatus]:
        return [WorkerStatus("m", calibrating=self.calibrating)]


class Desk:
    """A quiet to be had, and what it says."""

    def __init__(self) -> None:
        self.requests = Requests()
        self.states = States()
        self.said: list[str | None] = []
        self.heard = asyncio.Event()
        self.quiet = Quiet(self.requests, cast("Pool", self.states), CALLER, self._hear)

    def _hear(self, why: str | None) -> None:
        self.said.append(why)
        self.heard.set()


async def test_undisturbed_work_is_done_once() -> None:
    desk = Desk()

    async def work() -> str:
        return "done"

    assert await desk.quiet.run(work) == ("done", 0)
    assert desk.said == [None]


async def test_it_waits_for_others_and_says_for_whom() -> None:
    desk = Desk()

    async def work() -> bool:
        return not list(desk.requests)

    with desk.requests.under_way(Ticket("generation", LOCAL, "big"), "id", lambda _: None):
        running = asyncio.ensure_future(desk.quiet.run(work))
        await desk.heard.wait()
        assert not running.done()
    assert await running == (True, 0)
    assert desk.said == ["1 request is under way: generation on big", None]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (("big",), "1 request is under way: generation on big"),
        (("big", "secret", "hidden"), "3 requests are under way: generation on another model, generation on big"),
        (("",), "1 request is under way: generation on no model yet"),
    ],
)
def test_models_that_are_not_measured_are_not_named(models: tuple[str, ...], said: str) -> None:
    assert busy_with([Ticket("generation", LOCAL, each) for each in models], CALLER) == said


async def test_who_comes_ends_the_work_which_is_done_again() -> None:
    desk, begun, cut = Desk(), asyncio.Event(), list[int]()

    async def work() -> int:
        begun.set()
        if not cut:
            try:
                await asyncio.Event().wait()
            finally:
                cut.append(1)
        return 7

    running = asyncio.ensure_future(desk.quiet.run(work))
    await begun.wait()
    desk.heard.clear()
    with desk.requests.under_way(Ticket("load", LOCAL, "m"), "id", lambda _: None):
        await desk.heard.wait()
        assert cut == [1]
    assert await running == (7, 1)


async def test_it_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "TRIES", 3)
    desk = Desk()
    tried: list[int] = []

    async def work() -> None:
        tried.append(1)
        with desk.requests.under_way(Ticket("load", LOCAL, "m"), "id", lambda _: None):
            await asyncio.Event().wait()

    with pytest.raises(Busy, match="3 times"):
        await desk.quiet.run(work)
    assert len(tried) == 3


async def test_a_model_that_measures_itself_is_let() -> None:
    desk = Desk()
    desk.states.calibrating = True

    async def work() -> bool:
        return desk.states.calibrating

    running = asyncio.ensure_future(desk.quiet.run(work))
    await desk.heard.wait()
    assert desk.said[0] is not None
    desk.states.calibrating = False
    assert await running == (False, 0)


async def test_cancelled_it_leaves_no_work_behind() -> None:
    desk, begun, cut = Desk(), asyncio.Event(), list[int]()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.append(1)

    running = asyncio.ensure_future(desk.quiet.run(work))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cut == [1]


async def test_what_fails_fails_at_once() -> None:
    desk = Desk()

    async def work() -> None:
        raise Busy("no room")

    with pytest.raises(Busy, match="no room"):
        await desk.quiet.run(work)
