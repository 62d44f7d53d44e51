"""The adapters of one model: loaded by the first request that names them, kept while they are used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import mlx.core as mx
from mlx import nn

from dovetail.workers.mlx.adapter import AdapterChoice, AdapterError
from dovetail.workers.mlx.adapter_file import LoraShapes, Signature, read, signature
from dovetail.workers.mlx.batch import Cache, Model
from dovetail.workers.mlx.lora import Adapter, Applied, Layers, Pair

RESIDENT = 8  # adapters kept in memory, beside those that rows are being computed with
RESIDENT_BYTES = 1 << 30


class Adapters:
    """Least recently used first out, by number and by bytes. Used on the generation thread alone."""

    def __init__(
        self,
        model: Model,
        fresh_cache: Callable[[], Cache],
        *,
        resident: int = RESIDENT,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self._model = model
        self._fresh_cache = fresh_cache
        self._resident = resident
        self._resident_bytes = resident_bytes
        self._layers: Layers | None = None
        self._kept: OrderedDict[Path, tuple[Signature, Adapter]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def apply(self, choice: AdapterChoice | None) -> Applied | None:
        """What a request's rows are computed with: None for the base model, and for an adapter at scale 0.

        Blocks while an adapter is loaded that is new, or whose files have changed.

        Raises:
            AdapterError: it does not fit the model, or is no adapter.
        """
        if choice is None:
            return None
        adapter = self._find(choice)
        return Applied(adapter, choice.scale) if choice.scale else None

    def _find(self, choice: AdapterChoice) -> Adapter:
        now = signature(choice)
        kept = self._kept.get(choice.path)
        if kept is not None and kept[0] == now:
            self._kept.move_to_end(choice.path)
            return kept[1]
        adapter = self._load(choice)
        self._drop(choice.path)
        self._kept[choice.path] = (now, adapter)
        while len(self._kept) > 1 and self._over():
            self._drop(next(iter(self._kept)))
        return adapter

    def _over(self) -> bool:
        nbytes = sum(adapter.nbytes for _, adapter in self._kept.values())
        return len(self._kept) > self._resident or nbytes > self._resident_bytes

    def _drop(self, path: Path) -> None:
        kept = self._kept.pop(path, None)
        if kept is not None:
            kept[1].layers.forget(kept[1])

    def _forward(self, tokens: mx.array) -> mx.array:
        return self._model(tokens, cache=list(self._fresh_cache().layers))

    def _load(self, choice: AdapterChoice) -> Adapter:
        layers = self._layers = self._layers or Layers(cast("nn.Module", self._model), self._forward)
        file = read(choice, lambda modules: check(choice.name, layers, modules))
        unfit = layers.wrap(tuple(file.modules))
        if unfit is not None:
            raise AdapterError(choice.name, f"{unfit} is not computed row by row in this architecture")
        pairs = {
            module: Pair(file.arrays[f"{module}.lora_a"], file.arrays[f"{module}.lora_b"]) for module in file.modules
        }
        return Adapter(file.digest, file.scale, pairs, layers)


def check(name: str, layers: Layers, modules: Mapping[str, LoraShapes]) -> None:
    """Whether every module of an adapter is a linear layer of the model, of its size.

    Raises:
        AdapterError: with the first that is not.
    """
    for module, shapes in modules.items():
        kind, shape = layers.kind(module), layers.shape(module)
        if kind is None:
            raise AdapterError(name, f"it is for another model: this one has no {module}")
        if shape is None:
            raise AdapterError(name, f"{module} is of type {kind} in this model: only linear layers take LoRA")
        for leaf, has, needs in (
            ("lora_a", shapes.a, (shape[0], shapes.a[1])),
            ("lora_b", shapes.b, (shapes.b[0], shape[1])),
        ):
            if has != needs:
                raise AdapterError(
                    name, f"it is for another model: {module}.{leaf} is {has} in it, this model needs {needs}"
                )
