"""Bounds, order, held slots and the one timer of a queue, on a clock of the test's own."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dovetail.core.caller import LOCAL, Caller, Limits
from dovetail.core.errors import Busy, QueueFull
from dovetail.core.events import Finished, Prefill, TextDelta, Timings, Usage
from dovetail.fleet.crowd import Crowd
from dovetail.fleet.queue import Bounds, Queue, Turn

from .timers import Time

pytestmark = pytest.mark.anyio

A, B = Caller("a"), Caller("b")


@pytest.fixture
def time() -> Time:
    return Time()


def queue_of(
    time: Time, slots: int = 1, waiting: int = 64, width: int | None = None, crowd: Crowd | None = None
) -> Queue:
    queue = Queue(slots, Bounds(waiting, max_hold=5, timeout=60), crowd, time, time.later)
    queue.widen(fixed(width))
    return queue


def fixed(width: int | None) -> Callable[[int, int], int] | None:
    return None if width is None else lambda _demand, slots: min(width, slots)


async def has_moved(turn: Turn) -> bool:
    try:
        async with asyncio.timeout(0):
            await turn.moved()
    except TimeoutError:
        return False
    return True


async def test_turns_come_in_order_and_know_their_position(time: Time) -> None:
    queue = queue_of(time)
    first, second, third = queue.enter(), queue.enter(), queue.enter()
    assert [turn.position for turn in (first, second, third)] == [0, 1, 2]
    assert not await has_moved(third), "nobody is told twice what it knows"
    first.leave()
    assert await has_moved(second)
    assert await has_moved(third)
    assert [turn.position for turn in (second, third)] == [0, 1]


async def test_who_has_lost_its_worker_stands_before_all_others(time: Time) -> None:
    queue = queue_of(time, slots=2, waiting=1, width=1)
    running, waiting = queue.enter(), queue.enter()
    first, second = queue.enter(ahead=True), queue.enter(ahead=True)
    assert [turn.position for turn in (first, second, waiting)] == [0, 1, 2], "it takes a slot beyond the width too"
    running.leave()
    assert [turn.position for turn in (second, waiting)] == [0, 1]
    for turn in (queue.enter(ahead=True), first, second, waiting):
        turn.leave()
    assert (queue.active, len(queue)) == (0, 0)


async def test_a_queue_uses_the_running_loops_timer() -> None:
    queue = Queue(1, Bounds(timeout=0.01))
    queue.enter()
    late = queue.enter()
    async with asyncio.timeout(1):
        with pytest.raises(Busy) as refused:
            await late.moved()
    assert (refused.value.code, refused.value.status, len(queue)) == ("queue_timeout", 503, 0)


def test_who_leaves_the_line_is_gone_at_once(time: Time) -> None:
    queue = queue_of(time, waiting=2)
    first, second, third = queue.enter(), queue.enter(), queue.enter()
    second.leave()
    second.leave()
    assert third.position == 1
    first.leave()
    assert (third.position, queue.active, len(queue)) == (0, 1, 0)


def test_the_line_has_an_end(time: Time) -> None:
    queue = queue_of(time, waiting=1)
    queue.enter()
    queue.enter()
    with pytest.raises(QueueFull) as refused:
        queue.enter()
    assert refused.value.status == 429
    assert refused.value.retry_after


def test_a_full_line_still_lets_in_who_has_nobody_there(time: Time) -> None:
    queue = queue_of(time, waiting=2)
    for _ in range(3):
        queue.enter(A, 300)
    assert queue.enter(B).position in {1, 2}, "and is no longer behind all of another's"
    with pytest.raises(QueueFull):
        queue.enter(B)
    queue.enter(Caller("c"))
    with pytest.raises(QueueFull):
        queue.enter(Caller("d"))


def test_more_slots_let_more_run(time: Time) -> None:
    queue = queue_of(time)
    turns = [queue.enter() for _ in range(3)]
    queue.resize(3)
    assert [turn.position for turn in turns] == [0, 0, 0]


def test_width_is_kept_until_somebody_has_waited_too_long(time: Time) -> None:
    queue = queue_of(time, slots=3, width=1)
    _, second, third, fourth = (queue.enter() for _ in range(4))
    time.pass_on(4.9)
    assert (queue.active, second.position) == (1, 1)
    time.pass_on(0.2)
    assert queue.active == 3
    assert (second.position, third.position, fourth.position) == (0, 0, 1)
    time.pass_on(20)
    assert queue.active == 3, "slots are a hard bound"


def test_who_waits_behind_a_full_worker_is_not_held(time: Time) -> None:
    queue = queue_of(time, slots=2, width=1)
    running, second, third = queue.enter(), queue.enter(), queue.enter()
    time.pass_on(4)
    running.leave()  # the first of whom a slot is kept is the third from here on
    time.pass_on(4.9)
    assert (second.position, third.position, queue.active) == (0, 1, 1)
    time.pass_on(0.2)
    assert (third.position, queue.active) == (0, 2)


def test_a_long_line_does_not_undo_the_width(time: Time) -> None:
    queue = queue_of(time, slots=4, width=1)
    turns = [queue.enter() for _ in range(20)]
    for turn in turns:
        assert (turn.position, queue.active) == (0, 1)
        time.pass_on(1)
        turn.leave()


def test_a_width_beyond_the_slots_is_the_slots(time: Time) -> None:
    queue = queue_of(time, slots=2, width=8)
    assert queue.width == 2
    queue.resize(16)
    assert queue.width == 8
    queue.widen(None)
    assert queue.width == 16


async def test_waiting_has_an_end_and_gives_the_place_back(time: Time) -> None:
    queue = queue_of(time)
    queue.enter()
    second = queue.enter()
    time.pass_on(30)
    third = queue.enter()
    time.pass_on(30.1)
    with pytest.raises(Busy, match="no slot became free within 60 s"):
        await second.moved()
    assert (third.position, len(queue)) == (1, 1)


def test_one_timer_however_many_wait_and_none_when_nobody_does(time: Time) -> None:
    queue = queue_of(time, slots=2, width=1)
    turns = [queue.enter() for _ in range(40)]
    assert len(time.pending) == 1
    for turn in turns:
        turn.leave()
    assert not time.pending


async def test_a_long_line_is_told_at_most_once_a_second(time: Time) -> None:
    queue = queue_of(time)
    turns = [queue.enter() for _ in range(5)]
    turns[0].leave()
    assert await has_moved(turns[4])
    turns[1].leave()
    assert await has_moved(turns[2]), "whose turn it is, is told at once"
    assert not await has_moved(turns[4])
    time.pass_on(1.1)
    assert await has_moved(turns[4])
    assert turns[4].position == 2


def test_the_wait_is_guessed_from_what_answers_took(time: Time) -> None:
    queue = queue_of(time, slots=1)
    first = queue.enter(cost=100)
    assert queue.enter(cost=100).wait is None
    first.note([Prefill(50, 0, 50), TextDelta("x"), Finished("stop", Usage(50, 50), Timings())])
    time.pass_on(10)
    first.leave()
    last = queue.enter(cost=100)
    assert last.wait == pytest.approx(10)
    time.pass_on(4)
    assert queue.enter(cost=1).wait == pytest.approx(16)
    assert queue.retry_after() == pytest.approx(10)


def test_what_was_found_in_a_cache_is_not_charged(time: Time) -> None:
    turn = queue_of(time).enter(cost=100)
    turn.note([Prefill(50, 40, 45)])
    assert turn.used == 5
    turn.note([TextDelta("x"), TextDelta("y")])
    assert turn.used == 7
    turn.note([Finished("stop", Usage(50, 3, 40), Timings())])
    assert (turn.used, turn.answer) == (13, 3)


def test_a_callers_cap_holds_over_all_queues_and_takes_no_slot_from_others(time: Time) -> None:
    crowd = Crowd()
    capped = Caller("a", limits=Limits(concurrency=1))
    one, other = queue_of(time, slots=2, crowd=crowd), queue_of(time, slots=2, crowd=crowd)
    running = one.enter(capped)
    waiting, third = other.enter(capped), other.enter(capped)
    assert (waiting.position, third.position) == (1, 2)
    assert other.enter(B).position == 0
    time.pass_on(20)
    assert waiting.position == 1, "no hold ends a cap"
    running.leave()
    assert (waiting.position, third.position) == (0, 1)


def test_a_cap_for_all_is_what_a_caller_without_its_own_has(time: Time) -> None:
    queue = queue_of(time, slots=4, crowd=Crowd(cap=2))
    assert [queue.enter(A).position for _ in range(3)] == [0, 0, 1]
    assert [queue.enter(Caller("b", limits=Limits(concurrency=3))).position for _ in range(3)] == [0, 0, 1], (
        "who may not run is passed by"
    )


def test_those_who_wait_for_a_load_are_bounded_too(time: Time) -> None:
    queue = queue_of(time, slots=1, waiting=1)
    with queue.loading(LOCAL), queue.loading(LOCAL):
        with pytest.raises(QueueFull), queue.loading(LOCAL):
            pass
        with queue.loading(B):
            pass
    with queue.loading(LOCAL):
        pass


class QueueMachine(RuleBasedStateMachine):
    """Slots are neither lost nor given twice, nobody overtakes within a caller, nobody is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.crowd = Crowd()
        self.queue = queue_of(self.time, slots=2, waiting=3, crowd=self.crowd)
        self.turns: list[Turn] = []
        self.given: dict[str, int] = {}

    @rule(
        caller=st.sampled_from([A, B, Caller("high", priority=5), Caller("capped", limits=Limits(concurrency=1))]),
        cost=st.integers(0, 3000),
    )
    def enter(self, caller: Caller, cost: int) -> None:
        waits = [turn for turn in self.turns if turn.position and turn.caller == caller]
        try:
            self.turns.append(self.queue.enter(caller, cost))
        except QueueFull:
            assert len(self.queue) >= self.queue.bounds.waiting * (1 if waits else 2)

    @precondition(lambda self: bool(self.turns))
    @rule(data=st.data(), used=st.none() | st.integers(0, 5000))
    def leave(self, data: st.DataObject, used: int | None) -> None:
        turn = self.turns.pop(data.draw(st.integers(0, len(self.turns) - 1)))
        turn.used = used
        turn.leave()

    @rule(slots=st.integers(1, 4), width=st.none() | st.integers(1, 4))
    def resize(self, slots: int, width: int | None) -> None:
        self.queue.widen(fixed(width))
        self.queue.resize(slots)

    @rule(seconds=st.sampled_from([0.1, 1, 5, 30]))
    def pass_on(self, seconds: float) -> None:
        waiting = [turn for turn in self.turns if turn.position]
        self.time.pass_on(seconds)
        for turn in waiting:
            if turn.arrived + 60 <= self.time.now and not turn.position and turn.began == turn.arrived:
                self.turns.remove(turn)

    @invariant()
    def count_and_order_hold(self) -> None:
        waiting = sorted(turn.position for turn in self.turns if turn.position)
        assert waiting == list(range(1, len(self.queue) + 1))
        assert len(self.turns) - len(waiting) == self.queue.active
        assert len(waiting) <= 2 * self.queue.bounds.waiting

    @invariant()
    def nobody_overtakes_within_a_caller(self) -> None:
        for caller in {turn.caller for turn in self.turns}:
            own = [turn.position for turn in self.turns if turn.caller == caller]
            running = own.count(0)
            assert own[running:] == sorted(own[running:])
            assert not any(own[:running])
            if caller.limits.concurrency:
                assert running <= caller.limits.concurrency

    @invariant()
    def no_slot_lies_idle_while_somebody_may_run(self) -> None:
        able = [turn for turn in self.turns if turn.position and not self.crowd.full(turn.caller)]
        if able and self.queue.active < self.queue.slots:
            assert self.queue.active >= self.queue.width
            first = sorted(able, key=lambda turn: turn.arrived)[: self.queue.slots - self.queue.active]
            assert all(turn.kept is not None for turn in first)
            assert all(turn.kept is None or self.time.now < turn.kept + 5 for turn in able)

    @invariant()
    def one_timer_while_somebody_waits(self) -> None:
        assert len(self.time.pending) == bool(len(self.queue))


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
