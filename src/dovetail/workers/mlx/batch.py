"""The rows being decoded and the prompts being prefilled: the only module that touches mlx-lm's cache internals.

Pinned to mlx-lm 0.32 (`mlx_lm.models.cache`: merge, extend, filter, extract, trim). All of it runs on one thread.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, cast

import mlx.core as mx

from dovetail.workers.mlx.lora import Applied, applying
from dovetail.workers.mlx.mirostat import Mirostat
from dovetail.workers.mlx.sampling import GREEDY, Chain, Processor, Sampling, draw, log_softmax, noise

_TURN_END = 16  # tokens of a prompt that open the answer: roles, an empty thought
_CLEAR_EVERY = 512  # decode steps between two releases of MLX's buffer pool, as mlx-lm does


class LayerCache(Protocol):
    """What of mlx-lm's per-layer caches is used here."""

    @property
    def nbytes(self) -> int: ...
    @property
    def state(self) -> object: ...
    def is_trimmable(self) -> bool: ...
    def trim(self, n: int) -> int: ...
    def merge(self, caches: Sequence[LayerCache]) -> LayerCache: ...
    def extend(self, other: LayerCache) -> None: ...
    def filter(self, batch_indices: list[int]) -> None: ...
    def extract(self, idx: int) -> LayerCache: ...


Model: TypeAlias = Callable[..., mx.array]


@dataclass(frozen=True, slots=True)
class Cache:
    """One sequence's key/value cache over all layers, outside any batch."""

    layers: tuple[LayerCache, ...]

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    @property
    def trimmable(self) -> bool:
        return all(layer.is_trimmable() and not _beheaded(layer) for layer in self.layers)

    @property
    def mergeable(self) -> bool:
        """Whether sequences with such caches can share a batch."""
        return all(hasattr(layer, "merge") for layer in self.layers)

    @property
    def rewindable(self) -> bool:
        """Whether such a cache stays trimmable at any length: sliding windows and recurrent states do not."""
        return self.trimmable and not any(map(_forgets, self.layers))

    def trimmed(self, drop: int) -> Cache:
        """A view without the last `drop` tokens: arrays are shared, so nothing is copied."""
        layers = tuple(_shallow(layer) for layer in self.layers)
        for layer in layers:
            layer.trim(drop)
        return Cache(layers)


def _forgets(layer: LayerCache) -> bool:
    parts = cast("Sequence[LayerCache]", getattr(layer, "caches", ()))
    return hasattr(layer, "max_size") or hasattr(layer, "chunk_size") or any(map(_forgets, parts))


def _beheaded(layer: LayerCache) -> bool:
    """Whether a chunked cache has dropped its oldest tokens: it calls itself trimmable, but cannot go back to them."""
    parts = cast("Sequence[LayerCache]", getattr(layer, "caches", ()))
    return cast("int", getattr(layer, "start_position", 0)) > 0 or any(map(_beheaded, parts))


def _shallow(layer: LayerCache) -> LayerCache:
    twin = copy.copy(layer)
    inner = cast("Sequence[LayerCache] | None", getattr(layer, "caches", None))
    if inner is not None:  # a CacheList: its parts are trimmed too
        twin.caches = tuple(_shallow(part) for part in inner)  # pyright: ignore[reportAttributeAccessIssue]
    return twin


def _extract(layers: Sequence[LayerCache], index: int) -> Cache:
    """One row out of a batch. Caches that cannot be batched hold one row alone and are handed over as they are."""
    cache = Cache(tuple(layer.extract(index) if hasattr(layer, "extract") else layer for layer in layers))
    # Left lazy, the copy would hold on to the whole batch.
    mx.eval([layer.state for layer in cache.layers])  # pyright: ignore[reportUnknownMemberType]
    return cache


@dataclass(slots=True, eq=False)
class Row:
    """One sequence. `tokens` are those whose keys and values are in the cache."""

    prompt: Sequence[int]
    sampling: Sampling
    processors: tuple[Processor, ...] = ()
    top_logprobs: int | None = None
    adapter: Applied | None = None
    tokens: list[int] = field(default_factory=list[int])
    drawn: int = 0
    primed: bool = False
    error: Exception | None = None
    mirostat: Mirostat | None = None

    def __post_init__(self) -> None:
        if self.sampling.mirostat is not None:
            self.mirostat = Mirostat(self.sampling.mirostat, self.sampling.chain.temperature)


class Logprobs:
    """The raw model's log probabilities of one drawn token and its best rivals (ids and values, best first)."""

    __slots__ = ("_chosen", "_ids", "_values")

    def __init__(self, logits: mx.array, drawn: mx.array, top: int) -> None:
        logprobs = log_softmax(logits)
        self._chosen = mx.take_along_axis(logprobs, drawn[:, None], axis=-1)[0, 0]
        order = mx.argpartition(-logprobs, kth=top - 1, axis=-1)[:, :top] if top else mx.zeros((1, 0), mx.uint32)
        values = mx.take_along_axis(logprobs, order, axis=-1)
        by_value = mx.argsort(-values, axis=-1)
        self._ids = mx.take_along_axis(order, by_value, axis=-1)[0]
        self._values = mx.take_along_axis(values, by_value, axis=-1)[0]

    @property
    def arrays(self) -> tuple[mx.array, ...]:
        return (self._chosen, self._ids, self._values)

    def read(self) -> tuple[float, list[tuple[int, float]]]:
        ids, values = cast("list[int]", self._ids.tolist()), cast("list[float]", self._values.tolist())
        return cast("float", self._chosen.item()), list(zip(ids, values, strict=True))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A token of a row. `sound` is false where the model's output held NaN or infinity; with `error` it is none."""

    row: Row
    token: int
    sound: bool
    logprobs: Logprobs | None
    error: Exception | None = None


class Prefill:
    """One prompt on its way into a cache of its own, chunk by chunk; its last token is left for the batch."""

    def __init__(self, model: Model, row: Row, fresh: Cache, kept: Cache | None, covered: int) -> None:
        self.row = row
        row.tokens = list(row.prompt[:covered])
        self._model = model
        start = fresh if kept is None else kept
        # Merging copies, so a kept cache is never written to.
        if start.mergeable:
            self._layers = [layer.merge([layer]) for layer in start.layers]
        else:
            self._layers = list(copy.deepcopy(start.layers))
        # The next turn's prompt differs from this one in what the template puts at its end.
        self._checkpoint = 0 if fresh.rewindable else max(len(row.prompt) - _TURN_END, 0)

    @property
    def done(self) -> bool:
        return len(self.row.tokens) >= len(self.row.prompt) - 1

    @property
    def at_checkpoint(self) -> bool:
        """Whether the cache should be kept as it is now, because it cannot be trimmed back to here later."""
        return len(self.row.tokens) == self._checkpoint

    def advance(self, step: int) -> None:
        """Compute at most `step` more tokens; blocks until they are computed."""
        start = len(self.row.tokens)
        end = min(start + step, len(self.row.prompt) - 1)
        if start < self._checkpoint < end:
            end = self._checkpoint
        chunk = self.row.prompt[start:end]
        if not chunk:
            return
        with applying([self.row.adapter]):
            self._model(mx.array(list(chunk))[None], cache=self._layers)
        mx.eval([layer.state for layer in self._layers])  # pyright: ignore[reportUnknownMemberType]
        mx.clear_cache()
        self.row.tokens.extend(chunk)

    def hand_over(self) -> list[LayerCache]:
        """The layers, let go of here: what has joined a batch would else be held twice while its row lives."""
        layers, self._layers = self._layers, []
        return layers

    def cache(self) -> Cache:
        """What has been computed so far, to keep; the prefill may go on."""
        return _extract([layer if hasattr(layer, "extract") else copy.deepcopy(layer) for layer in self._layers], 0)


class Batch:
    """Rows decoded together, one token each a step; rows join and leave between steps."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.rows: list[Row] = []
        self._layers: list[LayerCache] = []
        self._next = mx.zeros((0,), dtype=mx.int32)
        self._sound = mx.zeros((0,), dtype=mx.bool_)
        self._logprobs: list[Logprobs | None] = []
        self._steps = 0

    def join(self, prefill: Prefill) -> None:
        """Take over a finished prefill; its last prompt token is computed in the next step, with the others."""
        row, layers = prefill.row, prefill.hand_over()
        if self.rows:
            for mine, other in zip(self._layers, layers, strict=True):
                mine.extend(other)
        else:
            self._layers = layers
        self.rows.append(row)
        self._next = mx.concatenate([self._next, mx.array(list(row.prompt[-1:]), dtype=mx.int32)])
        self._sound = mx.concatenate([self._sound, mx.array([True])])
        self._logprobs.append(None)

    def leave(self, rows: Sequence[Row]) -> None:
        keep = [index for index, row in enumerate(self.rows) if row not in rows]
        if len(keep) == len(self.rows):
            return
        self.rows = [self.rows[index] for index in keep]
        self._logprobs = [self._logprobs[index] for index in keep]
        if not keep:
            self._layers = []
            self._next, self._sound = mx.zeros((0,), dtype=mx.int32), mx.zeros((0,), dtype=mx.bool_)
            return
        for layer in self._layers:
            layer.filter(keep)
        self._next, self._sound = self._next[mx.array(keep)], self._sound[mx.array(keep)]

    def cache(self, row: Row) -> Cache:
        """A copy of the row's cache: it covers exactly `row.tokens`."""
        index = self.rows.index(row)
        return _extract(self._layers, index)

    def step(self) -> list[Drawn]:
        """One token for every row. The next step is already being computed when this one returns."""
        tokens, sound, logprobs = self._next, self._sound, self._logprobs
        errors = [row.error for row in self.rows]  # of these tokens: those to come are of the next ones
        with applying([row.adapter for row in self.rows]):
            logits = self._model(tokens[:, None], cache=self._layers)[:, -1, :].astype(mx.float32)
        shaped = self._processed(logits, tokens)
        self._sound = mx.isfinite(mx.logsumexp(shaped, axis=-1))
        # NaN breaks the order that partitions rely on: such a row draws from zeros, and is ended.
        self._next = self._draw(mx.where(self._sound[:, None], shaped, 0.0)).astype(mx.int32)
        self._logprobs = [
            Logprobs(logits[i : i + 1], self._next[i : i + 1], row.top_logprobs)
            if row.top_logprobs is not None
            else None
            for i, row in enumerate(self.rows)
        ]
        mx.async_eval(self._next, self._sound, [found.arrays for found in self._logprobs if found is not None])  # pyright: ignore[reportUnknownMemberType]
        self._steps += 1
        if self._steps % _CLEAR_EVERY == 0:
            mx.clear_cache()
        return self._read(tokens, sound, logprobs, errors)

    def _read(
        self,
        tokens: mx.array,
        sound: mx.array,
        logprobs: Sequence[Logprobs | None],
        errors: Sequence[Exception | None],
    ) -> list[Drawn]:
        values, flags = cast("list[int]", tokens.tolist()), cast("list[bool]", sound.tolist())
        drawn: list[Drawn] = []
        for row, token, flag, found, error in zip(self.rows, values, flags, logprobs, errors, strict=True):
            row.tokens.append(token)
            if row.primed:
                drawn.append(Drawn(row, token, flag, found, error))
            row.primed = True
        return drawn

    def _processed(self, logits: mx.array, tokens: mx.array) -> mx.array:
        if not any(row.processors for row in self.rows):
            return logits
        parts: list[mx.array] = []
        for index, row in enumerate(self.rows):
            part = logits[index : index + 1]
            for processor in row.processors:
                try:
                    part = processor(row.tokens, tokens[index : index + 1], part)
                except Exception as error:  # noqa: BLE001  a processor ends its own row, never its neighbours
                    row.error = error
            parts.append(part)
        return mx.concatenate(parts)

    def _draw(self, logits: mx.array) -> mx.array:
        groups: dict[Chain | Mirostat, list[int]] = {}
        for index, row in enumerate(self.rows):
            groups.setdefault(row.mirostat or row.sampling.chain, []).append(index)
        if len(groups) == 1:
            return self._draw_group(logits, next(iter(groups)), range(len(self.rows)))
        parts = [self._draw_group(logits[mx.array(rows)], chain, rows) for chain, rows in groups.items()]
        order = [index for rows in groups.values() for index in rows]
        back = sorted(range(len(order)), key=order.__getitem__)
        return mx.concatenate(parts)[mx.array(back)]

    def _draw_group(self, logits: mx.array, chain: Chain | Mirostat, indices: Sequence[int]) -> mx.array:
        rows = [self.rows[index] for index in indices]
        streams = [(row.sampling.seed, row.drawn) for row in rows]
        for row in rows:
            row.drawn += 1
        try:
            if isinstance(chain, Mirostat):  # remembers what it drew: every such row is a group of its own
                return chain.draw(logits, noise(logits.shape[-1], streams))
            return draw(logits, chain, streams)
        except Exception as error:  # noqa: BLE001  the rows that asked for it end; the step goes on
            for row in rows:
                row.error = error
            return draw(logits, GREEDY, streams)
