"""Queues of several workers on one processor, on a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.fleet.cores import Cores
from dovetail.fleet.queue import Bounds, Queue, Turn

from .timers import Time


@pytest.fixture
def time() -> Time:
    return Time()


def queues(time: Time, cores: int, *threads: int, slots: int = 2) -> list[Queue]:
    shared = Cores(cores)
    made = [Queue(slots, Bounds(max_hold=5, timeout=60), None, time, time.later) for _ in threads]
    for queue, count in zip(made, threads, strict=True):
        queue.compete(shared, count)
    return made


def test_workers_whose_threads_fit_run_beside_each_other(time: Time) -> None:
    a, b = queues(time, 4, 2, 2)
    assert [a.enter().position, b.enter().position] == [0, 0]


def test_one_waits_for_the_others_last_answer_and_is_called_at_once(time: Time) -> None:
    a, b = queues(time, 4, 3, 3)
    first, second, other = a.enter(), a.enter(), b.enter()
    assert [first.position, second.position, other.position] == [0, 0, 1]
    first.leave()
    assert other.position == 1
    second.leave()
    assert other.position == 0


def test_while_somebody_has_waited_longer_elsewhere_nobody_new_is_let_in(time: Time) -> None:
    a, b = queues(time, 4, 3, 3)
    first, other = a.enter(), b.enter()
    time.pass_on(0.1)
    late = a.enter()
    assert late.position == 1
    first.leave()
    assert (other.position, late.position) == (0, 1)
    other.leave()
    assert late.position == 0


def test_who_leaves_the_line_makes_way(time: Time) -> None:
    a, b = queues(time, 4, 3, 3)
    first, other = a.enter(), b.enter()
    time.pass_on(0.1)
    late = a.enter()
    assert (first.position, late.position) == (0, 1)
    other.leave()
    assert late.position == 0


def test_nobody_waits_for_a_turn_longer_than_max_hold(time: Time) -> None:
    a, b = queues(time, 4, 3, 3)
    a.enter()
    other = b.enter()
    time.pass_on(4.9)
    assert other.position == 1
    time.pass_on(0.2)
    assert other.position == 0


def test_long_lines_take_turns_all_the_same(time: Time) -> None:
    a, b = queues(time, 4, 3, 3, slots=1)
    lines = [[queue.enter() for _ in range(10)] for queue in (a, b)]
    while a.active or b.active:
        assert a.active + b.active == 1
        time.pass_on(2)
        for line in lines:
            if not line[0].position:
                line.pop(0).leave()
                break
        lines = [line for line in lines if line]
    assert not lines


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_never_too_many_threads_at_once_nor_an_idle_processor_before_a_line(data: st.DataObject) -> None:
    time = Time()
    threads = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    made = queues(time, 4, *threads)
    turns: list[Turn] = []
    for _ in range(data.draw(st.integers(1, 25))):
        time.pass_on(0.01)
        if turns and data.draw(st.booleans()):
            turns.pop(data.draw(st.integers(0, len(turns) - 1))).leave()
        else:
            turns.append(made[data.draw(st.integers(0, len(made) - 1))].enter())
        running = [count for queue, count in zip(made, threads, strict=True) if queue.active]
        assert sum(running) <= 4 or len(running) == 1
        assert running or not any(len(queue) for queue in made)
    for turn in turns:
        turn.leave()
    assert not time.pending
