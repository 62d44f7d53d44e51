"""How many threads a worker computes with: fixed at its start, so that another number takes another start."""

from __future__ import annotations

from dovetail.fleet.widths import CLEARLY, Widths

LOAD_WITHIN = 3.0  # seconds: only a model that is loaded so fast is started again for a try


class Threads:
    """`usual` by the rule or the settings (None: the engine's affair), `other` what is worth a try, if anything is.

    chosen   what the worker is to have
    wanted   what it gets at its next start
    running  what it got at its last
    """

    def __init__(self, usual: int | None, other: int | None = None) -> None:
        self.usual = self.chosen = self.wanted = self.running = usual
        self.other = other

    def start(self) -> int | None:
        """What the worker that now starts gets."""
        self.running = self.wanted
        return self.running

    def choose(self, count: int | None) -> None:
        """From the next start on."""
        self.chosen = self.wanted = count


def pays(other: Widths, usual: Widths) -> bool:
    """Whether `other` writes clearly more, alone or at its best, and clearly less at neither; with what both know."""
    if not other.rates or not usual.rates:
        return False
    best = max(rate for _, rate in other.rates) / max(rate for _, rate in usual.rates)
    mine, theirs = other.rate(1), usual.rate(1)
    alone = mine / theirs if mine and theirs else best
    return max(best, alone) >= CLEARLY and min(best, alone) * CLEARLY >= 1
