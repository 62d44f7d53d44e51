"""Mirostat 1 and 2 (Basu et al., arXiv 2007.14966): each draw corrects the next towards a surprise of `tau` bits.

As in llama.cpp it takes the place of all other filters and of the penalties; logit bias and temperature stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import mlx.core as mx

_ESTIMATED_FROM = 100  # tokens that mirostat 1 fits the distribution's slope to


@dataclass(frozen=True, slots=True)
class MirostatOptions:
    """Version, target surprise in bits a token, and how fast an error is corrected."""

    mode: Literal[1, 2]
    tau: float = 5.0
    eta: float = 0.1


class Mirostat:
    """One row's sampler. What it remembers is an array, so that no step waits for the token before it."""

    def __init__(self, options: MirostatOptions, temperature: float) -> None:
        self._options = options
        self._temperature = temperature
        self._bound = mx.array(2 * options.tau)

    def draw(self, logits: mx.array, noise: mx.array) -> mx.array:
        """The token id, shape (1,), for logits (1, vocabulary) and Gumbel noise of the same shape."""
        if self._temperature <= 0:
            return mx.argmax(logits, axis=-1)
        ids = mx.argsort(-logits, axis=-1)
        kept = self.kept(mx.take_along_axis(logits, ids, axis=-1)[0] / self._temperature)
        at = mx.argmax(kept + noise[0])
        surprise = -mx.take(kept - mx.logsumexp(kept), at) / math.log(2)
        self._bound = self._bound - self._options.eta * (surprise - self._options.tau)
        return mx.take(ids[0], at)[None]

    def kept(self, values: mx.array) -> mx.array:
        """`values`, the best first, with those that would surprise too much at -inf; the best one always stays."""
        log_p = values - mx.logsumexp(values)
        rank = mx.arange(values.shape[0])
        if self._options.mode == 2:
            keep = -log_p / math.log(2) <= self._bound
        else:
            keep = rank < self._count(log_p, values.shape[0])
        return mx.where(keep | (rank == 0), values, -math.inf)

    def _count(self, log_p: mx.array, vocabulary: int) -> mx.array:
        """How many tokens mirostat 1 keeps: a Zipf distribution is fitted to the likeliest ones."""
        best = log_p[:_ESTIMATED_FROM]
        rank = mx.arange(1, best.shape[0])
        t = mx.log((rank + 1) / rank)
        b = best[:-1] - best[1:]
        slope = mx.sum(t * b) / mx.sum(t * t)
        excess = slope - 1
        count = mx.power((excess * mx.power(2.0, self._bound)) / (1 - mx.power(float(vocabulary), -excess)), 1 / slope)
        return mx.floor(mx.where(mx.isfinite(count), count, float(vocabulary)))
