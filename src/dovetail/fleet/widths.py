"""How many requests to run at once: chosen from what a worker was measured to write at each width."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

MEASURED = (1, 2, 4, 8)
CLEARLY = 1.2  # fewer than could run at once do so only where they write that much more in all


@dataclass(frozen=True, slots=True)
class Widths:
    """`rates`: tokens a second over all streams, by how many there are, ascending; empty where nothing is known."""

    rates: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, rates: Mapping[int, float]) -> Widths:
        return cls(tuple(sorted((width, rate) for width, rate in rates.items() if width > 0 and rate > 0)))

    def rate(self, width: int) -> float | None:
        """What `width` streams write in all: measured, or between two that were; None beyond the widest.

        The widest of all that are ever measured says the same of those beyond: there a batch no longer loses.
        """
        widths = [known for known, _ in self.rates]
        at = bisect_left(widths, width)
        if at == len(widths):
            return self.rates[-1][1] if widths and widths[-1] == MEASURED[-1] else None
        (upper, most) = self.rates[at]
        if upper == width:
            return most
        if not at:
            return None
        lower, least = self.rates[at - 1]
        return least + (most - least) * (width - lower) / (upper - lower)

    def choose(self, demand: int, slots: int) -> int:
        """How many of `demand` requests to run at once, at least one and at most `slots`.

        As many as there are, unless fewer write clearly more in all: on a CPU a batch of two to six can be slower than
        one after the other, and eight faster than both.
        """
        most = max(1, min(demand, slots))
        all_at_once = self.rate(most)
        if all_at_once is None:
            return most
        narrower = [(rate, width) for width, rate in self.rates if width < most]
        best, width = max(narrower, default=(0.0, most))
        return width if best >= CLEARLY * all_at_once else most


UNMEASURED = Widths()
