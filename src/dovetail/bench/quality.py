"""How well a model predicts a text, and how far that is from what its reference predicts: arithmetic alone.

Perplexity as llama.cpp's own tool takes it: tokens of the second half of each window count, so that each is predicted
from at least half a window. Divergence is Kullback and Leibler's, of the reference from the model, in nats.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dovetail.bench.figures import Divergence, Quality, percentile

_LEAST = 1e-9  # of a probability that is what others have left of 1


@dataclass(frozen=True, slots=True)
class Position:
    """What a model thought of the place of token `place` of the text.

    logprob   of the token that stands there
    top       log probabilities of the likeliest tokens by their ids, the likeliest first
    """

    place: int
    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]

    @property
    def known(self) -> dict[int, float]:
        return {**dict(self.top), self.token: self.logprob}


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `start` to `end` of a text; those from `scored` on count."""

    start: int
    scored: int
    end: int


def scored_from(tokens: int, window: int) -> int:
    """The first place that is scored."""
    return min(window, tokens) // 2


def windows(tokens: int, positions: int, window: int) -> list[Window]:
    """Those that score `positions` of a text of so many tokens, each once: every window begins where the last scored.

    Of a short text fewer are scored, from windows as long as it is. `tokens` must be at least 2.
    """
    size, half = min(window, tokens), scored_from(tokens, window)
    found: list[Window] = []
    scored = 0
    for start in range(0, tokens - half, size - half):
        count = min(start + size, tokens) - (start + half)
        count = min(count, positions - scored)
        if count <= 0:
            break
        found.append(Window(start, start + half, start + half + count))
        scored += count
    return found


def quality(positions: Sequence[Position], unscored: int, window: int, size: int, seconds: float) -> Quality:
    """`positions` must not be empty; with the `unscored` they are `size` bytes of text."""
    losses = [-position.logprob for position in positions]
    mean, error = statistics.fmean(losses), _error(losses)
    perplexity = math.exp(mean)
    return Quality(
        positions=len(positions),
        unscored=unscored,
        window=window,
        perplexity=perplexity,
        perplexity_sd=perplexity * error,
        bits_a_byte=mean / math.log(2) * (len(losses) + unscored) / max(size, 1),
        seconds=seconds,
    )


def divergence(name: str, reference: Sequence[Position], model: Sequence[Position]) -> Divergence | None:
    """Over the places that both have scored; None where there is none, or the token there is another."""
    others = {position.place: position for position in model}
    pairs = [(each, others[each.place]) for each in reference if each.place in others]
    if not pairs or any(one.token != other.token for one, other in pairs):
        return None
    found = [distance(one.known, other.known) for one, other in pairs]
    values = [kl for kl, _ in found]
    same = sum(one.top[0][0] == other.top[0][0] for one, other in pairs)
    return Divergence(
        reference=name,
        positions=len(pairs),
        kl=statistics.fmean(values),
        kl_sd=_error(values),
        kl_p95=percentile(values, 0.95),
        same_top=same / len(pairs),
        unseen=statistics.fmean(unseen for _, unseen in found),
    )


def distance(reference: Mapping[int, float], model: Mapping[int, float]) -> tuple[float, float]:
    """The divergence that log probabilities by token show at least, and the reference's probability they leave out.

    Tokens that both name count each by itself, all others as one. Taking tokens together never adds to a divergence
    (the log sum inequality), so the truth is that much or more; where all tokens are named, it is exact.
    """
    shared = reference.keys() & model.keys()
    kl = sum(math.exp(reference[token]) * (reference[token] - model[token]) for token in shared)
    left = 1 - sum(math.exp(reference[token]) for token in shared)
    other = max(1 - sum(math.exp(model[token]) for token in shared), _LEAST)
    if left > _LEAST:
        kl += left * math.log(left / other)
    return max(kl, 0.0), max(left, 0.0)


def _error(values: Sequence[float]) -> float:
    """The standard error of their mean."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
