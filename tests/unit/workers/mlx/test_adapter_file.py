"""Adapters that cannot be used: refused with the first thing that is wrong, and without a path."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

from tests.unit.workers.mlx.lora_files import choice, linears, random_factors, write  # noqa: E402

from dovetail.workers.mlx.adapter import AdapterError, read_adapter  # noqa: E402
from dovetail.workers.mlx.adapters import Adapters  # noqa: E402
from dovetail.workers.mlx.protocol import RequestError  # noqa: E402

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Small

    from dovetail.core.request import Json

Q = "model.layers.0.self_attn.q_proj"
Arrays = dict[str, Any]


def without(name: str) -> Callable[[Arrays], Mapping[str, Any]]:
    return lambda arrays: {key: value for key, value in arrays.items() if key != name}


def with_(name: str, shape: tuple[int, ...], dtype: Any = mx.float32) -> Callable[[Arrays], Mapping[str, Any]]:
    return lambda arrays: {**arrays, name: mx.ones(shape, dtype)}


WEIGHTS: list[tuple[Callable[[Arrays], Mapping[str, Any]], str]] = [
    (with_(f"{Q}.lora_a", (64, 4)), rf"another model: {Q}.lora_a is \(64, 4\) in it, this model needs \(32, 4\)"),
    (with_(f"{Q}.lora_b", (4, 16)), rf"another model: {Q}.lora_b is \(4, 16\) in it, this model needs \(4, 32\)"),
    (lambda arrays: {key.replace(".0.", ".7."): arrays[key] for key in arrays}, r"this one has no model.layers.7"),
    (
        lambda _: {"model.embed_tokens.lora_a": mx.ones((97, 4)), "model.embed_tokens.lora_b": mx.ones((4, 32))},
        "model.embed_tokens is of type Embedding",
    ),
    (
        lambda _: {"model.layers.0.lora_a": mx.ones((32, 4)), "model.layers.0.lora_b": mx.ones((4, 32))},
        "model.layers.0 is of type TransformerBlock",
    ),
    (without(f"{Q}.lora_b"), f"{Q}.lora_b is missing"),
    (without(f"{Q}.lora_a"), f"{Q}.lora_a is missing"),
    (with_(f"{Q}.weight", (32, 32)), f"{Q}.weight is no LoRA weight"),
    (with_(f"{Q}.m", (32,)), f"{Q}.m is no LoRA weight"),
    (with_(f"{Q}.lora_a", (32, 2)), r"factors \(32, 2\) and \(4, 32\), the rank is 4"),
    (with_(f"{Q}.lora_a", (32, 4), mx.int32), f"{Q}.lora_a is I32"),
    (with_(f"{Q}.lora_a", (32, 2, 2)), r"a matrix of F32, F16 or BF16 is needed"),
    (lambda arrays: {**arrays, f"{Q}.lora_a": mx.full((32, 4), float("nan"))}, f"{Q}.lora_a holds NaN"),
]
CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"fine_tune_type": "dora"}, 'fine_tune_type is "dora"'),
    ({"fine_tune_type": "full"}, 'fine_tune_type is "full"'),
    ({"use_dora": True}, 'fine_tune_type is "dora"'),
    ({"peft_type": "LORA", "r": 8}, "PEFT's"),
    ({"lora_parameters": None}, "no .lora_parameters."),
    ({"lora_parameters": {"rank": 4}}, '"scale"'),
    ({"lora_parameters": {"rank": 4, "scale": float("inf")}}, '"scale"'),
    ({"lora_parameters": {"rank": 0, "scale": 1}}, '"rank"'),
    ({"lora_parameters": {"scale": 1}}, '"rank"'),
    ({"lora_parameters": {"rank": 8, "scale": 1}}, "the rank is 8"),
]
FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("adapters.safetensors", lambda path: os.truncate(path, path.stat().st_size - 1), "not a whole safetensors"),
    ("adapters.safetensors", lambda path: os.truncate(path, 100), "not a whole safetensors"),
    ("adapters.safetensors", lambda path: path.write_bytes(b""), "not a whole safetensors"),
    ("adapters.safetensors", lambda path: path.write_bytes(b"\xff" * 64), "not a whole safetensors"),
    ("adapters.safetensors", lambda path: path.write_bytes(b"\2" + bytes(7) + b"[]"), "not a whole safetensors"),
    ("adapters.safetensors", lambda path: path.write_bytes(b"\2" + bytes(7) + b"{}"), "no tensors"),
    ("adapters.safetensors", Path.unlink, "there is no adapters.safetensors"),
    ("adapter_config.json", Path.unlink, "there is no adapter_config.json"),
    ("adapter_config.json", lambda path: path.write_text("{"), "not valid JSON"),
    ("adapter_config.json", lambda path: path.write_text("[" * 100_000), "not valid JSON"),
    ("adapter_config.json", lambda path: path.write_text("[]"), "not a JSON object"),
    ("adapter_config.json", lambda path: path.write_bytes(b" " * (1 << 21)), "larger than"),
]


def refused(small: Small, folder: Path, reason: str) -> None:
    with pytest.raises(AdapterError, match=reason) as caught:
        Adapters(small.model, small.fresh).apply(choice(folder))
    assert str(caught.value).startswith("adapter 'bad': ")
    assert str(folder.parent) not in str(caught.value)
    assert (caught.value.status, caught.value.type) == (400, "adapter_mismatch")


def factors(small: Small) -> Arrays:
    return random_factors({Q: linears(small.model)[Q]}, rank=4, seed=1)


@pytest.fixture(scope="module")
def small(build: Any) -> Small:
    return build("plain")


@pytest.mark.parametrize(("change", "reason"), WEIGHTS)
def test_weights_that_do_not_fit(small: Small, tmp_path: Path, change: Any, reason: str) -> None:
    refused(small, write(tmp_path / "bad", change(factors(small))), reason)


@pytest.mark.parametrize(("config", "reason"), CONFIGS)
def test_configurations_that_are_not_lora(small: Small, tmp_path: Path, config: dict[str, Any], reason: str) -> None:
    refused(small, write(tmp_path / "bad", factors(small), **config), reason)


@pytest.mark.parametrize(("name", "spoil", "reason"), FILES)
def test_files_that_are_broken(
    small: Small, tmp_path: Path, name: str, spoil: Callable[[Path], object], reason: str
) -> None:
    folder = write(tmp_path / "bad", factors(small))
    spoil(folder / name)
    refused(small, folder, reason)


def test_offsets_that_lie_are_refused(small: Small, tmp_path: Path) -> None:
    folder = write(tmp_path / "bad", factors(small))
    file = folder / "adapters.safetensors"
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    for begin, end in ((-8, 512), (0, 1 << 60), (512, 0), (0, 1024)):
        header = json.loads(data[8 : 8 + length])
        header[f"{Q}.lora_a"]["data_offsets"] = [begin, end]
        raw = json.dumps(header).encode()
        file.write_bytes(len(raw).to_bytes(8, "little") + raw + data[8 + length :])
        refused(small, folder, "not a whole safetensors|a matrix of F32")


@pytest.mark.parametrize(
    "field",
    [
        5,
        "shout",
        [],
        {},
        {"name": "a"},
        {"path": "/a"},
        {"name": "", "path": "/a"},
        {"name": "a" * 300, "path": "/a"},
        {"name": "a", "path": "a"},
        {"name": "a", "path": "/a\0b"},
        {"name": "a", "path": "/a", "scale": "1"},
        {"name": "a", "path": "/a", "scale": 1e9},
        {"name": "a", "path": "/a", "weight": 1},
    ],
)
def test_a_field_that_is_no_adapter_is_refused(field: Json) -> None:
    with pytest.raises(RequestError, match="Field 'adapter"):
        read_adapter({"adapter": field})


def test_without_the_field_it_is_the_base_model() -> None:
    assert read_adapter({}) is None
    assert read_adapter({"adapter": None}) is None
