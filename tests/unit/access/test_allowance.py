import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.access.allowance import Allowance, Window
from dovetail.core.caller import Caller, Limits
from dovetail.core.errors import RateLimited

from .parts import Clock


def caller(**limits: int) -> Caller:
    return Caller("a", "key_1", limits=Limits(**limits))


def refused(allowance: Allowance, who: Caller) -> str | None:
    try:
        allowance.use(who)
    except RateLimited as error:
        return error.message
    return None


def test_requests_a_minute_come_back() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    who = caller(requests_minute=3)
    assert [refused(allowance, who) is None for _ in range(5)] == [True, True, True, False, False]
    clock.now += 120
    assert refused(allowance, who) is None


def test_tokens_are_felt_by_the_next_request() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    who = caller(tokens_minute=10, tokens_day=100)
    assert refused(allowance, who) is None
    allowance.spent(who, 50)
    assert "10 tokens a minute" in (refused(allowance, who) or "")
    clock.now += 120
    assert refused(allowance, who) is None
    allowance.spent(who, 60)
    clock.now += 120
    assert "100 tokens a day" in (refused(allowance, who) or "")


def test_each_key_counts_by_itself() -> None:
    allowance = Allowance(Clock())
    who = caller(requests_day=1)
    assert refused(allowance, who) is None
    assert "1 requests a day" in (refused(allowance, who) or "")
    assert refused(allowance, Caller("a", "key_2", limits=who.limits)) is None


def test_without_limits_nothing_is_refused() -> None:
    allowance = Allowance(Clock())
    assert all(refused(allowance, Caller("a")) is None for _ in range(1000))


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(1, 5)), max_size=60), st.integers(1, 20))
def test_no_period_ever_has_more_than_twice_what_is_allowed(steps: list[tuple[float, int]], most: int) -> None:
    clock = Clock()
    window = Window(60.0)
    taken: list[tuple[float, int]] = []
    for pause, amount in steps:
        clock.now += pause
        if window.used(clock.now) + amount <= most:
            window.add(amount, clock.now)
            taken.append((clock.now, amount))
        assert sum(n for when, n in taken if when > clock.now - 60.0) <= 2 * most


@pytest.mark.parametrize("many", [20_000])
def test_callers_are_forgotten_not_gathered(many: int) -> None:
    allowance = Allowance(Clock())
    for number in range(many):
        refused(allowance, Caller(f"c{number}"))
    assert len(allowance._accounts) <= 10_000
