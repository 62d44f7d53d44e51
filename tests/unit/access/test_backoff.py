from contextlib import ExitStack

import pytest

from dovetail.access.backoff import Backoff, network
from dovetail.core.errors import RateLimited

from .parts import Clock


def waits(backoff: Backoff, address: str) -> float:
    try:
        backoff.check(address)
    except RateLimited as error:
        return error.retry_after or 0
    return 0


def test_waits_double_to_a_bound_and_are_forgotten() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    seen: list[float] = []
    for _ in range(20):
        clock.now += waits(backoff, "10.0.0.1")
        backoff.failed("10.0.0.1", "a")
        seen.append(waits(backoff, "10.0.0.1"))
    assert seen[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert seen[-1] == 300
    assert waits(backoff, "10.0.0.2") == 0
    clock.now += 901
    assert waits(backoff, "10.0.0.1") == 0


def test_an_account_that_many_attack_is_slow_never_shut() -> None:
    backoff = Backoff(Clock())
    for number in range(1000):
        backoff.failed(f"10.0.{number // 250}.{number % 250}", "a")
    assert backoff.delay("a") == 0.5
    assert backoff.delay("b") == 0
    assert waits(backoff, "10.9.9.9") == 0


def test_guesses_at_once_are_no_more_than_one_by_one() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    with ExitStack() as under_way:
        for _ in range(5):
            under_way.enter_context(backoff.attempt("10.0.0.1"))
        with pytest.raises(RateLimited, match="at once"):
            under_way.enter_context(backoff.attempt("10.0.0.1"))
        under_way.enter_context(backoff.attempt("10.0.0.2"))
    for _ in range(9):
        backoff.failed("10.0.0.1", "a")
    clock.now += 300
    with backoff.attempt("10.0.0.1"), pytest.raises(RateLimited, match="at once"), backoff.attempt("10.0.0.1"):
        raise AssertionError
    with backoff.attempt("10.0.0.1"):
        pass


def test_success_forgives_the_address() -> None:
    backoff = Backoff(Clock())
    for _ in range(9):
        backoff.failed("10.0.0.1", "a")
    backoff.succeeded("10.0.0.1")
    assert waits(backoff, "10.0.0.1") == 0


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("local", "local"),
    ],
)
def test_one_party_has_one_name(address: str, party: str) -> None:
    assert network(address) == party


def test_addresses_are_forgotten_not_gathered() -> None:
    backoff = Backoff(Clock())
    for number in range(30_000):
        backoff.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"a{number}")
    assert max(len(backoff._addresses), len(backoff._accounts)) <= 10_000
