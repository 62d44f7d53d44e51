"""When the next start may be, on a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from dovetail.fleet.backoff import PAUSE, Backoff

from .fakes import Clock


def waits(clock: Clock, backoff: Backoff, *served: float | None) -> list[float]:
    found: list[float] = []
    for seconds in served:
        backoff.failed(seconds, enough=60)
        found.append(backoff.wait)
        clock.now += backoff.wait
    return found


def test_a_load_that_fails_has_had_its_first_try(clock: Clock) -> None:
    assert waits(clock, Backoff(clock), *[None] * 6) == [1, 2, 4, 8, PAUSE, PAUSE]


def test_a_crash_is_followed_by_a_start_at_once(clock: Clock) -> None:
    assert waits(clock, Backoff(clock), *[3.0] * 7) == [0, 1, 2, 4, 8, PAUSE, PAUSE]
    assert waits(clock, Backoff(clock), 3.0, None, None) == [0, 1, 2]


def test_it_is_broken_only_while_the_pause_lasts(clock: Clock) -> None:
    backoff = Backoff(clock)
    waits(clock, backoff, *[None] * 4)
    assert not backoff.broken
    backoff.failed(None, enough=60)
    assert backoff.broken
    clock.now += PAUSE
    assert not backoff.broken
    backoff.failed(None, enough=60)
    assert backoff.broken
    backoff.forget()
    assert (backoff.broken, backoff.wait) == (False, 0)


@given(st.lists(st.none() | st.floats(0, 59), min_size=1, max_size=40))
def test_never_more_than_six_starts_in_ten_minutes(failures: list[float | None]) -> None:
    clock = Clock()
    backoff = Backoff(clock)
    starts = [clock.now]
    for served in failures:
        clock.now += served or 0
        backoff.failed(served, enough=60)
        clock.now += backoff.wait
        starts.append(clock.now)
    for at, start in enumerate(starts):
        assert sum(start <= later < start + PAUSE for later in starts[at:]) <= 6
