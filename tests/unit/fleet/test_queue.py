import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dovetail.core.errors import QueueFull
from dovetail.fleet.queue import Queue, Turn


@pytest.mark.anyio
async def test_turns_come_in_order_and_know_their_position() -> None:
    queue = Queue(slots=1)
    first, second, third = queue.enter(), queue.enter(), queue.enter()
    assert [turn.position for turn in (first, second, third)] == [0, 1, 2]
    first.leave()
    async with asyncio.timeout(1):
        await second.moved()
        await third.moved()
    assert [turn.position for turn in (second, third)] == [0, 1]


@pytest.mark.anyio
async def test_a_move_between_two_looks_is_not_missed() -> None:
    queue = Queue(slots=1)
    first, second = queue.enter(), queue.enter()
    first.leave()
    async with asyncio.timeout(1):
        await second.moved()
    assert second.position == 0


def test_who_leaves_the_line_is_gone_at_once() -> None:
    queue = Queue(slots=1, waiting=2)
    first, second, third = queue.enter(), queue.enter(), queue.enter()
    second.leave()
    second.leave()
    assert third.position == 1
    first.leave()
    assert (third.position, queue.active, len(queue)) == (0, 1, 0)


def test_the_line_has_an_end() -> None:
    queue = Queue(slots=1, waiting=1)
    queue.enter()
    queue.enter()
    with pytest.raises(QueueFull) as refused:
        queue.enter()
    assert refused.value.status == 429
    assert refused.value.retry_after


def test_more_slots_let_more_run() -> None:
    queue = Queue(slots=1)
    turns = [queue.enter() for _ in range(3)]
    queue.resize(3)
    assert [turn.position for turn in turns] == [0, 0, 0]


class QueueMachine(RuleBasedStateMachine):
    """Whatever happens, slots are neither lost nor given twice, and nobody overtakes."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(slots=2, waiting=3)
        self.turns: list[Turn] = []

    @rule()
    def enter(self) -> None:
        try:
            self.turns.append(self.queue.enter())
        except QueueFull:
            assert len(self.queue) == self.queue.waiting

    @precondition(lambda self: bool(self.turns))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.turns.pop(data.draw(st.integers(0, len(self.turns) - 1))).leave()

    @rule(slots=st.integers(1, 4))
    def resize(self, slots: int) -> None:
        self.queue.resize(slots)

    @invariant()
    def order_and_count_hold(self) -> None:
        positions = [turn.position for turn in self.turns]
        running = positions.count(0)
        assert running == self.queue.active
        assert positions[running:] == list(range(1, len(self.turns) - running + 1))
        assert not len(self.queue) or self.queue.active >= self.queue.slots


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
