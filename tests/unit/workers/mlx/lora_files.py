"""Adapters to test with: random ones for a small model, as mlx-lm's tuner writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx import nn

from dovetail.workers.mlx.adapter import AdapterChoice
from dovetail.workers.mlx.batch import Model


def linears(model: Model) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of every linear layer, by its path."""
    named = cast("Sequence[tuple[str, Any]]", cast("Any", model).named_modules())
    found = {name: module for name, module in named if isinstance(module, nn.Linear | nn.QuantizedLinear)}
    per_word = {
        name: 32 // module.bits if isinstance(module, nn.QuantizedLinear) else 1 for name, module in found.items()
    }
    return {name: (module.weight.shape[1] * per_word[name], module.weight.shape[0]) for name, module in found.items()}


def random_factors(
    shapes: Mapping[str, tuple[int, int]], *, rank: int, seed: int, dtype: mx.Dtype = mx.float32
) -> dict[str, mx.array]:
    """Strong enough to change what a random model answers."""
    arrays: dict[str, mx.array] = {}
    for number, (module, (inputs, outputs)) in enumerate(sorted(shapes.items())):
        keys = mx.random.split(mx.random.key(1000 * seed + number))
        arrays[f"{module}.lora_a"] = (mx.random.normal((inputs, rank), key=keys[0]) * 0.3).astype(dtype)
        arrays[f"{module}.lora_b"] = (mx.random.normal((rank, outputs), key=keys[1]) * 0.3).astype(dtype)
    return arrays


def write(folder: Path, arrays: Mapping[str, mx.array], *, rank: int = 4, scale: float = 1.0, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    keys = sorted({name.rpartition(".")[0] for name in arrays})
    lora: dict[str, Any] = {"rank": rank, "scale": scale, "dropout": 0.0, "keys": keys}
    told: dict[str, Any] = {"fine_tune_type": "lora", "num_layers": 0, "lora_parameters": lora, **config}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    mx.save_safetensors(str(folder / "adapters.safetensors"), dict(arrays))  # pyright: ignore[reportUnknownMemberType]
    return folder


def choice(folder: Path, scale: float = 1.0) -> AdapterChoice:
    return AdapterChoice(folder.name, folder, scale)
