"""What the record of a request says of its times, on a clock that the test moves."""

import asyncio
from dataclasses import dataclass

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.errors import Cancelled, QueueFull
from dovetail.core.events import Event, Finished, Loading, Prefill, Queued, TextDelta, Timings, Usage
from dovetail.core.observe import GAPS, RequestRecord
from dovetail.serving.course import Course
from dovetail.serving.requests import Requests, Ticket


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def run(*steps: tuple[float, Event | str], ticket: Ticket | None = None, end: float = 0.0) -> RequestRecord:
    """The record of events at their times; "ready" is the end of the wait for the model."""
    clock = Clock()
    course = Course("id", ticket or Ticket("generation", LOCAL, "m"), clock)
    for when, event in steps:
        clock.now = when
        if isinstance(event, str):
            course.ready()
        else:
            course.note(event)
    clock.now = end or clock.now
    return course.record("m")


def finished(prompt_ms: float = 0.0, completion: int = 2) -> Finished:
    timings = Timings(cache_n=4, prompt_n=6, prompt_ms=prompt_ms, predicted_n=completion, predicted_ms=500)
    return Finished("stop", Usage(10, completion, 4), timings)


def test_a_request_that_waits_for_nothing_has_waited_for_nothing() -> None:
    record = run((1, Prefill(10, 4, 10)), (2, TextDelta("a")), (3, finished(900)))
    assert (record.queued, record.loading, record.ttft, record.duration) == (0, 0, 2, 3)
    assert (record.prefill, record.decode, record.prompt_speed, record.speed) == (0.9, 0.5, 6 / 0.9, 4)


def test_loading_ends_when_the_model_is_ready_not_with_the_first_sign_of_the_worker() -> None:
    record = run((1, Loading("m")), (2, Loading("m", 0.5)), (4, "ready"), (6, Prefill(1, 0, 1)), (7, finished(2000)))
    assert (record.loading, record.queued) == (3, 0)


def test_the_wait_in_line_leaves_out_what_the_prompt_took() -> None:
    told = (1, Queued(2)), (3, Queued(1)), (7, Prefill(8, 0, 4)), (9, TextDelta("a")), (10, finished(3000))
    assert run(*told).queued == 6  # to the first sign; the worker says that of these 9 s three were its own
    slow = run(*told[:-1], (10, finished(4000)))
    assert slow.queued == 5
    assert run((1, Queued(1)), end=5).queued == 4  # left in line
    read = Course("id", Ticket("embedding", LOCAL, "m"), clock := Clock())
    for clock.now, event in ((1.0, Queued(1)), (3.0, Prefill(8, 0, 0))):
        read.note(event)
    assert read.record("m", 8).queued == 2


def test_a_second_load_is_added() -> None:
    record = run((1, Loading("m")), (2, "ready"), (5, TextDelta("a")), (6, Loading("m")), (9, TextDelta("b")), end=20)
    assert record.loading == 4


def test_gaps_between_pieces_are_counted_by_class() -> None:
    record = run(
        (0, TextDelta("a")), (0, TextDelta("b")), (0.015, TextDelta("c")), (9, TextDelta("d")), (9, finished())
    )
    assert len(record.gaps) == len(GAPS) + 1
    assert {place: count for place, count in enumerate(record.gaps) if count} == {0: 1, 2: 1, len(GAPS): 1}
    assert run((0, TextDelta("a"))).gaps == ()


def test_gaps_are_those_of_each_choice_for_itself() -> None:
    one, other = (TextDelta("a", index=index) for index in (0, 1))
    record = run((1, one), (1.5, other), (4, one), (4.5, other), (5, finished()), (9, finished()))
    assert {place: count for place, count in enumerate(record.gaps) if count} == {len(GAPS): 2}
    assert (record.between, record.ttft) == (6, 1)


def test_who_leaves_has_used_what_was_computed() -> None:
    record = run((1, Prefill(10, 0, 10)), (2, TextDelta("a")), (3, TextDelta("b")))
    assert record.usage == Usage()  # it has not failed, and says nothing
    clock = Clock()
    course = Course("id", Ticket("generation", LOCAL, "m"), clock)
    for event in (Prefill(10, 0, 10), TextDelta("a"), TextDelta("b")):
        course.note(event)
    course.failed(GeneratorExit())
    record = course.record("m")
    assert (record.error, record.status, record.usage) == ("client_closed", 499, Usage(10, 2))


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (QueueFull("full"), ("queue_full", 429)),
        (ValueError("a fault of ours"), ("internal_error", 500)),
        (asyncio.CancelledError(), ("client_closed", 499)),
    ],
)
def test_how_it_ended(failure: BaseException, outcome: tuple[str, int]) -> None:
    course = Course("id", Ticket("generation", LOCAL, "m"), Clock())
    course.failed(failure)
    record = course.record("m")
    assert (record.error, record.status) == outcome


def test_what_was_ended_on_the_server_was_not_left_by_its_client() -> None:
    ticket = Ticket("generation", LOCAL, "m")
    course = Course("id", ticket, Clock())
    ticket.endpoint, ticket.trace = "/v1/completions", "00-a-b-01"
    with Requests().under_way(ticket, "req-1", lambda _: None):
        ticket.end(Cancelled("by an admin"))
        ticket.end(QueueFull("too late"))
        course.failed(GeneratorExit())
    record = course.record("m")
    assert (record.error, record.request_id) == ("cancelled", "req-1")
    assert (record.endpoint, record.trace) == ("/v1/completions", "00-a-b-01")


def test_what_is_only_read_is_a_prompt() -> None:
    record = Course("id", Ticket("embedding", LOCAL, "m"), Clock()).record("m", 12)
    assert (record.kind, record.usage, record.choices[0].reason) == ("embedding", Usage(12), "stop")
    assert (record.prefill, record.decode, record.speed, record.prompt_speed) == (None, None, None, None)
