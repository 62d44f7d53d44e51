"""How the next token is drawn: penalties, filters and temperature, in llama.cpp's order and by its formulas.

Order (llama.cpp `common_sampler_init`): logit bias, penalties, DRY, top_n_sigma, top_k, typical_p, top_p, min_p, XTC,
temperature; but min_p before a typical_p, as Dovetail asks llama.cpp for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import mlx.core as mx

from dovetail.workers.mlx.dry import DryOptions
from dovetail.workers.mlx.mirostat import MirostatOptions

# History of a sequence without its last token, that last token (lazy, shape (1,)), logits (1, vocabulary).
Processor: TypeAlias = Callable[[Sequence[int], mx.array, mx.array], mx.array]

_SEED_BITS = 32
_COLDEST = 1e-5  # here the best token alone is left
_TINY = 1e-30  # top_p = 0 keeps the best token


class Chain(NamedTuple):
    """The filters of one request. Rows with equal chains are drawn together."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = -1.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0

    @property
    def hot(self) -> bool:
        """Whether anything but the best of what is left can be drawn."""
        return self.temperature > 0 or self.dynatemp_range > 0

    @property
    def greedy(self) -> bool:
        """Whether the best logit is always drawn: at temperature 0, where no filter can drop it."""
        return not self.hot and self.typical_p >= 1 and self.xtc_probability <= 0


GREEDY = Chain(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Everything of a request that decides which token comes next."""

    chain: Chain
    seed: int
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    dry: DryOptions | None = None
    mirostat: MirostatOptions | None = None


def processors(sampling: Sampling) -> tuple[Processor, ...]:
    """The logits processors that `sampling` asks for, in the order in which they apply."""
    found: list[Processor] = []
    if sampling.logit_bias:
        found.append(LogitBias(sampling.logit_bias))
    penalised = sampling.repeat_penalty != 1.0 or sampling.frequency_penalty != 0.0 or sampling.presence_penalty != 0.0
    if penalised and sampling.repeat_last_n != 0 and sampling.mirostat is None:
        found.append(Penalties(sampling))
    return tuple(found)


class LogitBias:
    """Adds a constant to chosen logits; -inf bans a token."""

    def __init__(self, bias: Sequence[tuple[int, float]]) -> None:
        self._ids = mx.array([token for token, _ in bias], dtype=mx.int32)
        self._values = mx.array([value for _, value in bias], dtype=mx.float32)

    def __call__(self, history: Sequence[int], last: mx.array, logits: mx.array) -> mx.array:
        del history, last
        return logits.at[:, self._ids].add(self._values)  # pyright: ignore[reportUnknownMemberType]


class Penalties:
    """Repetition, frequency and presence penalties over the last `repeat_last_n` tokens, prompt included."""

    def __init__(self, sampling: Sampling) -> None:
        self._repeat = sampling.repeat_penalty
        self._frequency = sampling.frequency_penalty
        self._presence = sampling.presence_penalty
        self._window = sampling.repeat_last_n

    def __call__(self, history: Sequence[int], last: mx.array, logits: mx.array) -> mx.array:
        before = history if self._window < 0 else history[len(history) - min(len(history), self._window - 1) :]
        seen = mx.concatenate([mx.array(list(before), dtype=mx.int32), last.astype(mx.int32)]) if before else last
        count = mx.zeros((logits.shape[-1],)).at[seen].add(1.0)[None]  # pyright: ignore[reportUnknownMemberType]
        penalised = mx.where(logits <= 0, logits * self._repeat, logits / self._repeat)
        penalised = penalised - count * self._frequency - self._presence
        return mx.where(count > 0, penalised, logits)


def draw(logits: mx.array, chain: Chain, streams: Sequence[tuple[int, int]]) -> mx.array:
    """One token id for each row of `logits` (rows, vocabulary); `streams` holds each row's (seed, token index).

    The noise of a row depends on its seed and token index alone, so neighbours never change it.
    """
    if chain.greedy:
        return mx.argmax(logits, axis=-1)
    values, ids = shaped(logits, chain, streams)
    if chain.hot:
        values += noise(values.shape[-1], streams)
    picked = mx.argmax(values, axis=-1)
    if ids is None:
        return picked
    return mx.take_along_axis(ids, picked[:, None], axis=-1)[:, 0]


def shaped(logits: mx.array, chain: Chain, streams: Sequence[tuple[int, int]]) -> tuple[mx.array, mx.array | None]:
    """What the filters and the temperature leave, dropped tokens at -inf; the ids where they are in falling order."""
    if chain.top_n_sigma > 0:
        logits = _near_the_best(logits, chain.top_n_sigma)
    vocabulary = logits.shape[-1]
    kept = chain.top_k if 0 < chain.top_k < vocabulary else vocabulary
    if kept == vocabulary and chain.top_p >= 1 and chain.typical_p >= 1 and chain.xtc_probability <= 0:
        filtered, ids = _min_p(logits, chain.min_p), None
        values = filtered
    else:
        filtered, ids = _filtered(logits, chain, kept)
        values = _xtc(filtered, chain, streams)
    if chain.dynatemp_range > 0:
        whole = kept if chain.top_p >= 1 and chain.typical_p >= 1 and chain.min_p <= 0 else None
        return _warmed(values, chain, _candidates(filtered, values, whole)), ids
    return (values / chain.temperature if chain.temperature > 0 else values), ids


def log_softmax(logits: mx.array) -> mx.array:
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def _filtered(logits: mx.array, chain: Chain, kept: int) -> tuple[mx.array, mx.array]:
    """The best `kept` logits in falling order, those that a filter drops at -inf, with their ids."""
    if kept < logits.shape[-1]:
        ids = mx.argpartition(-logits, kth=kept - 1, axis=-1)[:, :kept]
        best = mx.take_along_axis(logits, ids, axis=-1)
        ids = mx.take_along_axis(ids, mx.argsort(-best, axis=-1), axis=-1)
    else:
        ids = mx.argsort(-logits, axis=-1)
    values = mx.take_along_axis(logits, ids, axis=-1)
    if chain.typical_p < 1:
        values = _typical(_min_p(values, chain.min_p), chain.typical_p)
    if chain.top_p < 1:
        before = mx.cumsum(mx.softmax(values, axis=-1), axis=-1, inclusive=False)
        values = mx.where(before < max(chain.top_p, _TINY), values, -math.inf)
    return (values if chain.typical_p < 1 else _min_p(values, chain.min_p)), ids


def _typical(values: mx.array, mass: float) -> mx.array:
    """Locally typical sampling (arXiv 2202.00666): the tokens whose surprise is nearest to the entropy."""
    log_p = log_softmax(values)
    p = mx.exp(log_p)
    entropy = -mx.sum(mx.where(p > 0, p * log_p, 0.0), axis=-1, keepdims=True)
    order = mx.argsort(mx.abs(-log_p - entropy), axis=-1)
    before = mx.cumsum(mx.take_along_axis(p, order, axis=-1), axis=-1, inclusive=False)
    keep = mx.put_along_axis(mx.zeros(values.shape, dtype=mx.bool_), order, before <= mass, axis=-1)
    return mx.where(keep, values, -math.inf)


def _near_the_best(logits: mx.array, n: float) -> mx.array:
    """Top-n-sigma (arXiv 2411.07641): logits within n standard deviations of the best."""
    there = logits > -math.inf
    count = mx.sum(there, axis=-1, keepdims=True)
    mean = mx.sum(mx.where(there, logits, 0.0), axis=-1, keepdims=True) / count
    spread = mx.sqrt(mx.sum(mx.where(there, mx.square(logits - mean), 0.0), axis=-1, keepdims=True) / count)
    return mx.where(logits >= mx.max(logits, axis=-1, keepdims=True) - n * spread, logits, -math.inf)


def _xtc(values: mx.array, chain: Chain, streams: Sequence[tuple[int, int]]) -> mx.array:
    """Exclude top choices (p-e-w, text-generation-webui pull request 6335), by chance for each token.

    Of the tokens at least as likely as the threshold only the least likely one stays. `values` fall.
    """
    if chain.xtc_probability <= 0 or chain.xtc_threshold > 0.5:  # two tokens can never both be that likely
        return values
    chances = [mx.random.uniform(key=mx.random.split(_key(stream))[1]) for stream in streams]
    above = (mx.softmax(values, axis=-1) >= chain.xtc_threshold) & (values > -math.inf)
    below = mx.sum(above, axis=-1, keepdims=True) - mx.cumsum(above, axis=-1)  # likely tokens after this one
    drop = above & (below > 0) & (mx.stack(chances)[:, None] <= chain.xtc_probability)
    return mx.where(drop, -math.inf, values)


def _candidates(filtered: mx.array, values: mx.array, whole: int | None) -> mx.array:
    """How many tokens llama.cpp has left: what a bias or top-n-sigma bars is there until another filter cuts it off."""
    left = mx.sum(values > -math.inf, axis=-1, keepdims=True)
    return left if whole is None else whole - mx.sum(filtered > -math.inf, axis=-1, keepdims=True) + left


def _warmed(values: mx.array, chain: Chain, candidates: mx.array) -> mx.array:
    """Divided by a temperature of each row's own: low where the model is sure, high where it is not (EDT).

    arXiv 2403.14541 and llama.cpp's `llama_sampler_temp_ext`: the entropy as a share of the largest one possible.
    """
    log_p = log_softmax(values)
    p = mx.exp(log_p)
    entropy = -mx.sum(mx.where(p > 0, p * log_p, 0.0), axis=-1, keepdims=True)
    share = mx.clip(entropy / mx.log(mx.maximum(candidates, 2)), 0.0, 1.0)
    low = max(0.0, chain.temperature - chain.dynatemp_range)
    heat = low + (chain.temperature + chain.dynatemp_range - low) * share**chain.dynatemp_exponent
    return (values - mx.max(values, axis=-1, keepdims=True)) / mx.maximum(heat, _COLDEST)


def _min_p(values: mx.array, min_p: float) -> mx.array:
    if min_p <= 0:
        return values
    floor = mx.max(values, axis=-1, keepdims=True) + math.log(min_p)
    return mx.where(values >= floor, values, -math.inf)


def noise(width: int, streams: Sequence[tuple[int, int]]) -> mx.array:
    """Gumbel noise: the largest of logit + noise is a draw from the softmax."""
    return mx.stack([mx.random.gumbel((width,), key=_key(stream)) for stream in streams])


def _key(stream: tuple[int, int]) -> mx.array:
    seed, index = stream
    return mx.random.key(seed << _SEED_BITS | index)
