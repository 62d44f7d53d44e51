from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.fleet.widths import CLEARLY, MEASURED, Widths

# Tokens a second over all streams of a 0.4 B Q8_0 model on one CPU thread: a batch loses from two to six streams.
Q8_0 = Widths.of({1: 60, 2: 32, 4: 42, 8: 78})
Q4_K_M = Widths.of({1: 39, 2: 42, 4: 51, 8: 56})

rates = st.dictionaries(st.sampled_from(MEASURED), st.floats(0.1, 1e4), max_size=len(MEASURED))
demands, slots = st.integers(0, 100), st.integers(1, 64)


@pytest.mark.parametrize(
    ("demand", "width"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (6, 6), (7, 7), (8, 8), (30, 16)]
)
def test_where_a_batch_loses_requests_run_one_by_one_until_enough_want_to(demand: int, width: int) -> None:
    assert Q8_0.choose(demand, 16) == width


def test_without_the_slots_for_a_batch_that_wins_they_run_one_by_one() -> None:
    assert Q8_0.choose(30, 4) == 1


@given(demands, slots)
def test_where_batches_win_all_slots_are_used(demand: int, slots: int) -> None:
    assert Q4_K_M.choose(demand, slots) == max(1, min(demand, slots))


@given(demands, slots)
def test_nothing_known_means_all_slots(demand: int, slots: int) -> None:
    assert Widths().choose(demand, slots) == max(1, min(demand, slots))


@given(rates, demands, slots)
def test_what_is_chosen_can_be_had_and_is_narrower_only_where_it_clearly_wins(
    known: dict[int, float], demand: int, slots: int
) -> None:
    widths, most = Widths.of(known), max(1, min(demand, slots))
    chosen = widths.choose(demand, slots)
    assert 1 <= chosen <= most
    if chosen != most:
        at_once = widths.rate(most)
        assert at_once is not None
        assert known[chosen] >= CLEARLY * at_once
        assert known[chosen] == max(rate for width, rate in known.items() if width < most)


@given(rates, demands, slots)
def test_never_much_slower_than_any_narrower_width(known: dict[int, float], demand: int, slots: int) -> None:
    widths = Widths.of(known)
    got = widths.rate(widths.choose(demand, slots))
    if got is not None:
        for width, rate in known.items():
            if width <= min(demand, slots):
                assert got * CLEARLY >= rate * (1 - 1e-9)


@given(rates, st.integers(1, 8))
def test_between_two_measured_widths_it_is_between_them(known: dict[int, float], width: int) -> None:
    rate = Widths.of(known).rate(width)
    if rate is not None:
        below = [known[known_width] for known_width in known if known_width <= width]
        above = [known[known_width] for known_width in known if known_width >= width]
        assert below
        assert above
        near = known[max(w for w in known if w <= width)], known[min(w for w in known if w >= width)]
        assert min(near) * (1 - 1e-9) <= rate <= max(near) * (1 + 1e-9)


def test_beyond_what_was_measured_is_only_known_of_the_widest() -> None:
    assert Q8_0.rate(40) == 78
    assert Widths.of({1: 60, 2: 32}).rate(4) is None
    assert Widths.of({2: 32}).rate(1) is None
    assert Widths.of({1: 0, 2: -1}) == Widths()
