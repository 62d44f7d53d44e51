"""What is known of a request under way, and how it is ended."""

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.errors import DovetailError
from dovetail.core.events import Finished, Loading, Prefill, Queued, TextDelta, Timings, Usage
from dovetail.serving.requests import Requests, Ticket


def ticket(worker: str = "m", began: float | None = None) -> Ticket:
    made = Ticket("generation", LOCAL, "m")
    made.worker = worker
    if began is not None:
        made.began = began
    return made


def test_a_ticket_follows_what_happens() -> None:
    one = ticket()
    assert one.phase == "starting"
    one.note(Loading("m"))
    assert one.phase == "loading"
    one.note(Queued(4, 9.0))
    one.note(Queued(3, 7.0))
    assert (one.phase, one.position, one.wait, one.arrival) == ("queued", 3, 7.0, 4)
    one.note(Prefill(100, 10, 50))
    assert (one.phase, one.prompt, one.prefilled) == ("prefill", 100, 50)
    for event in (TextDelta("a"), TextDelta("b"), Finished("stop", Usage(), Timings())):
        one.note(event)
    assert (one.phase, one.tokens) == ("decoding", 2)


def test_what_is_under_way_is_listed_and_ended_by_its_id() -> None:
    requests, ended = Requests(), list[tuple[str, DovetailError]]()
    first, second = ticket(), ticket()
    with (
        requests.under_way(first, "one", lambda error: ended.append(("first", error))),
        requests.under_way(second, "two", lambda error: ended.append(("second", error))),
    ):
        assert list(requests) == [first, second]
        assert requests.cancel("three") == 0
        assert requests.cancel("two") == 1
        assert [(who, error.code) for who, error in ended] == [("second", "cancelled")]
        requests.cut()
        assert [(who, error.code) for who, error in ended[1:]] == [
            ("first", "shutting_down"),
            ("second", "shutting_down"),
        ]
    assert not list(requests)


def test_it_is_forgotten_however_it_ends() -> None:
    requests = Requests()
    with pytest.raises(RuntimeError), requests.under_way(ticket(), "one", lambda _: None):
        raise RuntimeError
    assert not list(requests)


def test_a_clean_up_ends_what_is_old_enough_on_the_workers_meant() -> None:
    requests, ended = Requests(), list[str]()
    old, new, other = ticket(began=0), ticket(), ticket("n", began=0)
    with (
        requests.under_way(old, "old", lambda _: ended.append("old")),
        requests.under_way(new, "new", lambda _: ended.append("new")),
        requests.under_way(other, "other", lambda _: ended.append("other")),
    ):
        assert requests.clean_up(frozenset({"m"}), 60) == 1
        assert ended == ["old"]
        assert requests.clean_up(frozenset({"m", "n"}), 0) == 3
