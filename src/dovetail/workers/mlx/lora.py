"""LoRA on a loaded model: linear layers that add each row's own adapter while a batch is computed.

Rows without an adapter get exactly what the bare layer gives, beside rows with one as well. The formula is mlx-lm's:
y + scale * (x A) B, in the adapter's own precision, rounded to that of y. Used on the generation thread alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import mlx.core as mx
from mlx import nn


class Pair(NamedTuple):
    """The factors of one module, (inputs, rank) and (rank, outputs); stacked, with an adapter axis in front."""

    a: mx.array
    b: mx.array


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Weights that fit the model of `layers`, by the paths of its modules. Equal digests give equal answers."""

    digest: str
    scale: float
    pairs: Mapping[str, Pair]
    layers: Layers

    @property
    def nbytes(self) -> int:
        return sum(pair.a.nbytes + pair.b.nbytes for pair in self.pairs.values())


@dataclass(frozen=True, slots=True)
class Applied:
    """An adapter at the strength that a request asks for; `scale` multiplies the adapter's own."""

    adapter: Adapter
    scale: float

    @property
    def strength(self) -> float:
        return self.adapter.scale * self.scale


def space_of(salt: str, applied: Applied | None) -> str:
    """The space of a prompt cache: what one adapter computed is of no use to another, nor to the base model.

    A salt is printable, so the separator cannot be part of it.
    """
    return salt if applied is None else f"{salt}\x1f{applied.adapter.digest}\x1f{applied.scale!r}"


@contextmanager
def applying(rows: Sequence[Applied | None]) -> Generator[None]:
    """While it is open, a call of the model computes row i of its input with `rows[i]`."""
    first = next((row for row in rows if row is not None), None)
    if first is None:
        yield
        return
    layers = first.adapter.layers
    layers.select(rows)
    try:
        yield
    finally:
        layers.selection = None


class Selection(Protocol):
    def add(self, module: str, x: mx.array, y: mx.array) -> mx.array:
        """`y`, which is what `module` makes of `x`, with the adapters' share."""
        ...


class AdaptedLinear(nn.Module):
    """A linear layer, quantised or not, as before, and what is selected added to it."""

    def __init__(self, linear: nn.Module, module: str, layers: Layers) -> None:
        super().__init__()
        self.linear = linear
        self._module = module
        self._layers = layers

    def __call__(self, x: mx.array) -> mx.array:
        y = cast("mx.array", self["linear"](x))
        selection = self._layers.selection
        return y if selection is None else selection.add(self._module, x, y)

    def __getattr__(self, key: str) -> object:
        """As the bare layer: some models look at its weight's type or its bits."""
        if key == "linear" or "linear" not in self:
            return cast("object", super().__getattr__(key))
        return cast("object", getattr(cast("object", self["linear"]), key))


class _Uniform:
    """Every row has the same adapter."""

    def __init__(self, applied: Applied) -> None:
        self._pairs = applied.adapter.pairs
        self._strength = applied.strength

    def add(self, module: str, x: mx.array, y: mx.array) -> mx.array:
        pair = self._pairs.get(module)
        if pair is None:
            return y
        return y + (self._strength * ((x @ pair.a) @ pair.b)).astype(y.dtype)


class _Mixed:
    """Rows differ: each gathers its factors from a stack, in which row 0 is zeros for the base model."""

    def __init__(self, rows: Sequence[Applied | None], stacks: Stacks) -> None:
        self._stacks = stacks
        self._index = mx.array([0 if row is None else stacks.number(row.adapter) for row in rows], dtype=mx.uint32)
        self._strengths = mx.array([0.0 if row is None else row.strength for row in rows])[:, None, None]

    def add(self, module: str, x: mx.array, y: mx.array) -> mx.array:
        pair = self._stacks.pair(module)
        if pair is None:
            return y
        flat = mx.reshape(x, (x.shape[0], -1, x.shape[-1]))
        z = mx.gather_mm(flat, pair.a, rhs_indices=self._index)
        z = mx.gather_mm(z, pair.b, rhs_indices=self._index)
        z = self._strengths.astype(z.dtype) * z
        return y + mx.reshape(z, y.shape).astype(y.dtype)


class Stacks:
    """Several adapters in one array a factor, padded to one rank; made for a module when it is first computed."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        self.adapters = tuple(adapters)
        self._pairs: dict[str, Pair | None] = {}

    def number(self, adapter: Adapter) -> int:
        return 1 + self.adapters.index(adapter)

    def pair(self, module: str) -> Pair | None:
        """None where none of the adapters has the module."""
        if module not in self._pairs:
            found = [adapter.pairs.get(module) for adapter in self.adapters]
            self._pairs[module] = _stacked(found) if any(found) else None
        return self._pairs[module]


def _stacked(pairs: Sequence[Pair | None]) -> Pair:
    present = [pair for pair in pairs if pair is not None]
    rank = max(pair.a.shape[1] for pair in present)
    inputs, outputs = present[0].a.shape[0], present[0].b.shape[1]
    types = {array.dtype for pair in present for array in pair}
    dtype = types.pop() if len(types) == 1 else mx.float32
    zeros = Pair(mx.zeros((inputs, 1), dtype), mx.zeros((1, outputs), dtype))
    rows = [zeros, *(pair or zeros for pair in pairs)]

    def padded(array: mx.array, axis: int) -> mx.array:
        widths = [(0, 0), (0, 0)]
        widths[axis] = (0, rank - array.shape[axis])
        return mx.pad(array.astype(dtype), widths)

    return Pair(mx.stack([padded(row.a, 1) for row in rows]), mx.stack([padded(row.b, 0) for row in rows]))


class _Probe:
    """Notes which modules are called, and whether the rows of the batch are the first axis of what they see."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.by_row: set[str] = set()

    def add(self, module: str, x: mx.array, y: mx.array) -> mx.array:
        if x.ndim >= 2 and x.shape[0] == self._rows:
            self.by_row.add(module)
        return y


Forward: TypeAlias = Callable[[mx.array], object]


class Layers:
    """The modules of one model. A linear layer is wrapped when the first adapter for it comes, and stays so."""

    def __init__(self, model: nn.Module, forward: Forward) -> None:
        self._model = model
        self._forward = forward  # runs the model with an empty cache
        self._modules = dict(cast("Sequence[tuple[str, nn.Module]]", model.named_modules()))  # pyright: ignore[reportUnknownMemberType]
        self._wrapped: set[str] = set()
        self._stacks = Stacks(())
        self._rows: tuple[Applied | None, ...] = ()
        self._latest: Selection | None = None
        self.selection: Selection | None = None

    def kind(self, module: str) -> str | None:
        """What the model has under this path; None for nothing."""
        found = self._modules.get(module)
        return None if found is None else type(found).__name__

    def shape(self, module: str) -> tuple[int, int] | None:
        """Inputs and outputs of a linear layer; None where there is none."""
        match self._modules.get(module):
            case nn.QuantizedLinear() as layer:
                outputs, packed = layer.weight.shape
                return packed * 32 // layer.bits, outputs
            case nn.Linear() as layer:
                outputs, inputs = layer.weight.shape
                return inputs, outputs
            case _:
                return None

    def wrap(self, modules: Sequence[str]) -> str | None:
        """Make these linear layers adaptable; the first one that cannot be, as it was before, if there is one.

        A layer must be called with the rows of the batch as its first axis: an architecture that reads the weight
        itself, or mixes rows, would leave the adapter out without a word.
        """
        new = [module for module in modules if module not in self._wrapped]
        if not new:
            return None
        for module in new:
            self._put(module, AdaptedLinear(self._modules[module], module, self))
        probe = _Probe(rows=2)
        self.selection = probe
        try:
            self._forward(mx.zeros((2, 3), mx.int32))  # never evaluated: the calls are all that counts
        finally:
            self.selection = None
            unfit = [module for module in new if module not in probe.by_row]
            for module in unfit:
                self._put(module, self._modules[module])
            self._wrapped |= {*new} - {*unfit}
        return unfit[0] if unfit else None

    def select(self, rows: Sequence[Applied | None]) -> None:
        """What the next call of the model computes each of its rows with."""
        wanted = tuple(rows)
        if wanted != self._rows or self._latest is None:
            self._rows, self._latest = wanted, self._selection(wanted)
        self.selection = self._latest

    def forget(self, adapter: Adapter) -> None:
        """Let go of what was made from an adapter; the next selection makes what it needs again."""
        if adapter in self._stacks.adapters:
            self._stacks = Stacks(())
        self._rows, self._latest = (), None

    def _selection(self, rows: tuple[Applied | None, ...]) -> Selection:
        first = rows[0]
        if first is not None and all(row == first for row in rows):
            return _Uniform(first)
        adapters = list(dict.fromkeys(row.adapter for row in rows if row is not None))
        if not {*adapters} <= {*self._stacks.adapters}:
            self._stacks = Stacks(adapters)
        return _Mixed(rows, self._stacks)

    def _put(self, module: str, layer: nn.Module) -> None:
        *above, name = module.split(".")
        parent: Any = self._model
        for part in above:
            parent = parent[_key(parent, part)]
        parent[_key(parent, name)] = layer


def _key(parent: object, name: str) -> str | int:
    """Modules are dicts, and hold others in attributes and in lists."""
    return int(name) if isinstance(parent, list) else name
