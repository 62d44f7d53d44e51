"""How fast files come, and how long is waited before the next try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.catalog.delivery import wait_before
from dovetail.catalog.transfer import Pace, Stop


class Clock(Stop):
    """A stop that is never set, whose waiting moves a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


@given(st.lists(st.integers(1, 1 << 20), min_size=1, max_size=50), st.integers(1024, 1 << 24))
def test_no_more_than_the_rate_moves(pieces: list[int], rate: int) -> None:
    clock = Clock()
    pace = Pace(lambda: rate, lambda: clock.now)
    for piece in pieces:
        pace.take(piece, clock)
    assert clock.now == pytest.approx(sum(pieces[:-1]) / rate, rel=1e-6, abs=1e-6)


def test_waits_grow_and_end() -> None:
    assert [wait_before(n) for n in range(2, 6)] == [1, 2, 4, 8]
    assert (wait_before(50), wait_before(3, 7.0), wait_before(3, 1e9)) == (60, 7, 60)
