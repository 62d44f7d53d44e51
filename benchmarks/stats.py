"""Paired ratios: two things measured in turn, compared round by round, so that a machine's drift cancels."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of paired ratios with its bootstrap 95 % interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Difference:
    """The median of paired differences with its bootstrap 95 % interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Median of ours[i] - theirs[i], with its interval as `paired_ratio` has it."""
    return Difference(*_median([a - b for a, b in zip(ours, theirs, strict=True)]))


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Median of ours[i] / theirs[i]; the interval is the percentile bootstrap of that median (Efron 1979)."""
    return Ratio(*_median([a / b for a, b in zip(ours, theirs, strict=True)]))


def _median(values: Sequence[float], resamples: int = 4000) -> tuple[float, float, float]:
    """The median and its interval."""
    rng = random.Random(0)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(resamples))
    return statistics.median(values), medians[int(0.025 * resamples)], medians[int(0.975 * resamples) - 1]
