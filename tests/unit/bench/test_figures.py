import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.bench.figures import Cell, Peak, percentile, spread, together

from .parts import sample

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


@given(VALUES)
def test_a_spread_holds_its_median(values: list[float]) -> None:
    found = spread(values)
    assert found.min <= found.median <= found.max
    assert found.count == len(values)
    assert found.sd >= 0


def test_one_value_has_no_deviation() -> None:
    assert (spread([3.0]).sd, spread([1.0, 3.0]).sd) == (0.0, pytest.approx(2**0.5))


@given(VALUES, st.floats(0.01, 1.0))
def test_a_percentile_is_one_of_the_values_and_that_share_is_not_above_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_repeats_together() -> None:
    found = together(Cell(128, 32), [sample(40.0, 3), sample(60.0, 9), sample(50.0, 5)])
    assert (found.decode.median, found.decode.min, found.decode.max) == (50.0, 40.0, 60.0)
    assert (found.ttft_p95, found.gap_p95, found.peak.ram) == (0.2, 0.02, 9)
    assert (found.input_tokens, found.output_tokens) == (128, 32)


def test_a_peak_without_a_number_says_why() -> None:
    unknown = Peak(5, None, "no GPU is here")
    assert Peak().with_more(unknown) == unknown
    assert unknown.with_more(Peak(4, 7)) == Peak(5, 7)
    assert Peak(4, 7).with_more(unknown) == Peak(5, 7)
