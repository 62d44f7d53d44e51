"""Who is next, without time and without tasks."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.caller import Caller
from dovetail.fleet.line import PASSED_OVER, QUANTUM, Line

A, B, LOW = Caller("a"), Caller("b"), Caller("low", priority=-1)


@dataclass(eq=False)
class One:
    caller: Caller
    cost: int = 100
    number: int = 0


def line_of(*waiting: One) -> Line[One]:
    line: Line[One] = Line()
    for one in waiting:
        line.join(one)
    return line


def served(line: Line[One]) -> list[One]:
    found: list[One] = []
    while one := line.take():
        found.append(one)
    return found


def test_one_caller_is_served_in_order_of_arrival() -> None:
    crowd = [One(A, cost) for cost in (900, 1, 50, 3000, 1)]
    assert served(line_of(*crowd)) == crowd


def test_a_caller_with_one_request_does_not_wait_for_another_with_many() -> None:
    crowd = [One(A, QUANTUM) for _ in range(50)]
    newcomer = One(B)
    line = line_of(*crowd, newcomer)
    assert served(line).index(newcomer) <= 1


def test_tokens_are_shared_not_turns() -> None:
    long = [One(A, 1000) for _ in range(40)]
    short = [One(B, 100) for _ in range(400)]
    first = served(line_of(*long, *short))[:110]
    tokens = Counter({"a": 0, "b": 0})
    for one in first:
        tokens[one.caller.id] += one.cost
    assert abs(tokens["a"] - tokens["b"]) <= QUANTUM + 2 * 1000


def test_what_an_answer_really_took_is_made_up_for() -> None:
    line = line_of(*(One(A) for _ in range(20)), *(One(B) for _ in range(20)))
    line.charge(A, 1000)
    assert [one.caller for one in served(line)[:10]].count(A) <= 1


def test_a_debt_outlives_those_who_made_it_while_others_wait() -> None:
    line = line_of(*(One(B) for _ in range(20)))
    line.charge(A, 1000)
    latecomer = One(A)
    line.join(latecomer)
    assert served(line).index(latecomer) >= 8


def test_nobody_owes_anything_once_the_line_was_empty() -> None:
    line = line_of(One(B))
    line.charge(A, 100_000)
    served(line)
    newcomer = One(A)
    for one in (newcomer, One(B), One(B)):
        line.join(one)
    assert served(line)[0] is newcomer


def test_a_higher_priority_goes_first_but_not_for_ever() -> None:
    line = line_of(One(LOW), *(One(A) for _ in range(50)))
    order = [one.caller for one in served(line)]
    assert order.index(LOW) == PASSED_OVER


def test_three_priorities_share_the_bound() -> None:
    lowest = Caller("lowest", priority=-2)
    line = line_of(*(One(caller) for caller in (A, LOW, lowest) for _ in range(60)))
    order = [one.caller.id for one in served(line)[:60]]
    assert all(name in order[start : start + PASSED_OVER + 3] for name in ("low", "lowest") for start in range(40))


def test_who_is_barred_is_passed_by_and_keeps_its_place() -> None:
    first, second, third = One(A), One(B), One(A)
    line = line_of(first, second, third)
    assert line.take(lambda caller: caller == A) is second
    assert line.take(lambda caller: caller == A) is None
    assert served(line) == [first, third]


def test_who_is_barred_for_long_saves_no_credit() -> None:
    line = line_of(*(One(A) for _ in range(30)), *(One(B) for _ in range(60)))
    for _ in range(30):
        line.take(lambda caller: caller == A)
    assert [one.caller for one in served(line)[:12]].count(A) <= 9


Crowd = st.lists(
    st.builds(One, st.sampled_from([A, B, LOW, Caller("c", priority=3)]), st.integers(0, 5000)), max_size=40
)


@given(Crowd)
def test_the_order_foretold_is_the_order_that_comes(crowd: list[One]) -> None:
    line = line_of(*crowd)
    foretold = list(line.order())
    assert len(foretold) == len(line) == len(crowd)
    assert served(line) == foretold


@given(Crowd, st.data())
def test_everybody_is_served_once_whoever_leaves_and_is_charged(crowd: list[One], data: st.DataObject) -> None:
    line = line_of(*crowd)
    left = data.draw(st.lists(st.sampled_from(crowd), unique_by=id)) if crowd else []
    for one in left:
        line.remove(one)
        line.charge(one.caller, data.draw(st.integers(-5000, 5000)))
    stay = [one for one in crowd if one not in left]
    order = served(line)
    assert Counter(map(id, order)) == Counter(map(id, stay))
    for caller in {one.caller for one in stay}:
        assert [one for one in order if one.caller == caller] == [one for one in stay if one.caller == caller]
