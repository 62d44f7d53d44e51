"""An adapter's two files, `adapter_config.json` and `adapters.safetensors`, read as mlx-lm's tuner writes them.

The header is checked before the weights are read, and what is hashed is what is loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, cast

import mlx.core as mx

from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.adapter import AdapterChoice, AdapterError

CONFIG, WEIGHTS = "adapter_config.json", "adapters.safetensors"
MAX_BYTES = 2 << 30
_MAX_CONFIG = 1 << 20
_MAX_HEADER = 16 << 20
_MAX_SCALE = 1e4
_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}
_LEAVES = ("lora_a", "lora_b")
Shape: TypeAlias = tuple[int, ...]
Signature: TypeAlias = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class LoraShapes:
    """The two factors of one module: `a` is (inputs, rank), `b` is (rank, outputs)."""

    a: Shape
    b: Shape


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """What was read. `digest` is of both files; `arrays` are named `<module>.lora_a` and `<module>.lora_b`."""

    digest: str
    scale: float
    modules: Mapping[str, LoraShapes]
    arrays: Mapping[str, mx.array]


Check: TypeAlias = Callable[[Mapping[str, LoraShapes]], None]


def signature(choice: AdapterChoice) -> Signature:
    """Changes whenever one of the files is written or replaced.

    Raises:
        AdapterError: one of them is not there.
    """
    return tuple(_stat(choice, file) for file in (CONFIG, WEIGHTS))


def read(choice: AdapterChoice, check: Check) -> AdapterFile:
    """Both files, whole. `check` is called with the shapes before any weight is read; blocks.

    Raises:
        AdapterError: with the first thing that is wrong.
    """
    try:
        raw = _bounded(choice, CONFIG, _MAX_CONFIG)
        rank, scale = _config(choice, raw)
        with (choice.path / WEIGHTS).open("rb") as file:
            modules = _modules(choice, _header(file), rank)
            check(modules)
            file.seek(0)
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AdapterError(choice.name, f"its files cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(raw + b"\0")
    digest.update(data)
    return AdapterFile(digest.hexdigest(), scale, modules, _arrays(choice, data, modules))


def _stat(choice: AdapterChoice, name: str) -> tuple[int, int, int]:
    path = choice.path / name
    if not path.is_file():
        raise AdapterError(choice.name, f"there is no {name}: mlx-lm's format is a folder with {CONFIG} and {WEIGHTS}")
    found = path.stat()
    limit = _MAX_CONFIG if name == CONFIG else MAX_BYTES
    if found.st_size > limit:
        raise AdapterError(choice.name, f"{name} is larger than {limit} bytes")
    return found.st_ino, found.st_size, found.st_mtime_ns


def _bounded(choice: AdapterChoice, name: str, limit: int) -> bytes:
    with (choice.path / name).open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise AdapterError(choice.name, f"{name} is larger than {limit} bytes")
    return data


def _config(choice: AdapterChoice, raw: bytes) -> tuple[int, float]:
    """Rank and scale."""
    try:
        config = cast("Json", json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise AdapterError(choice.name, f"{CONFIG} is not valid JSON") from error
    if not isinstance(config, dict):
        raise AdapterError(choice.name, f"{CONFIG} is not a JSON object")
    if "peft_type" in config:
        raise AdapterError(choice.name, f"{CONFIG} is PEFT's, this engine takes mlx-lm's format")
    kind = "dora" if config.get("use_dora") else config.get("fine_tune_type", "lora")
    if kind != "lora":
        raise AdapterError(choice.name, f"fine_tune_type is {json.dumps(kind)[:40]}, only LoRA can be applied")
    parameters = config.get("lora_parameters")
    if not isinstance(parameters, dict):
        raise AdapterError(choice.name, f'{CONFIG} has no "lora_parameters"')
    return _rank(choice, parameters), _scale(choice, parameters)


def _rank(choice: AdapterChoice, parameters: JsonObject) -> int:
    rank = parameters.get("rank")
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise AdapterError(choice.name, f'"rank" in {CONFIG} must be a whole number of at least 1')
    return rank


def _scale(choice: AdapterChoice, parameters: JsonObject) -> float:
    scale = parameters.get("scale")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not abs(scale) <= _MAX_SCALE:
        raise AdapterError(choice.name, f'"scale" in {CONFIG} must be a number up to {_MAX_SCALE:g}')
    return float(scale)


def _header(file: BinaryIO) -> Mapping[str, tuple[str, Shape, int, int]] | None:
    """Type, shape and place of every tensor; None where it is no safetensors file, or not all of one."""
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _MAX_HEADER:
            return None
        header = cast("dict[str, dict[str, object]]", json.loads(file.read(length)))
        header.pop("__metadata__", None)
        found: dict[str, tuple[str, Shape, int, int]] = {}
        for name, told in header.items():
            shape = tuple(int(size) for size in cast("Sequence[int]", told["shape"]))
            begin, end = cast("Sequence[int]", told["data_offsets"])
            found[name] = (str(told["dtype"]), shape, int(begin), int(end))
        whole = file.seek(0, io.SEEK_END) == 8 + length + max((end for *_, end in found.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, struct.error):
        return None
    return found if whole else None


def _modules(
    choice: AdapterChoice, header: Mapping[str, tuple[str, Shape, int, int]] | None, rank: int
) -> Mapping[str, LoraShapes]:
    if header is None:
        raise AdapterError(choice.name, f"{WEIGHTS} is not a whole safetensors file")
    if not header:
        raise AdapterError(choice.name, f"{WEIGHTS} holds no tensors")
    for name, (dtype, shape, begin, end) in sorted(header.items()):
        if name.rpartition(".")[2] not in _LEAVES:
            raise AdapterError(choice.name, f"{name} is no LoRA weight: only names in .lora_a and .lora_b can be")
        if dtype not in _WIDTHS or begin < 0 or end - begin != math.prod(shape) * _WIDTHS[dtype] or len(shape) != 2:
            raise AdapterError(choice.name, f"{name} is {dtype} of {shape}: a matrix of F32, F16 or BF16 is needed")
    found: dict[str, LoraShapes] = {}
    for module in sorted({name.rpartition(".")[0] for name in header}):
        for leaf in _LEAVES:
            if f"{module}.{leaf}" not in header:
                raise AdapterError(choice.name, f"{module}.{leaf} is missing")
        shapes = LoraShapes(header[f"{module}.lora_a"][1], header[f"{module}.lora_b"][1])
        if (shapes.a[1], shapes.b[0]) != (rank, rank):
            raise AdapterError(choice.name, f"{module} has factors {shapes.a} and {shapes.b}, the rank is {rank}")
        found[module] = shapes
    return found


def _arrays(choice: AdapterChoice, data: bytes, modules: Mapping[str, LoraShapes]) -> Mapping[str, mx.array]:
    wanted = {f"{module}.lora_a": shapes.a for module, shapes in modules.items()}
    wanted |= {f"{module}.lora_b": shapes.b for module, shapes in modules.items()}
    try:
        found = cast("dict[str, mx.array]", mx.load(io.BytesIO(data), format="safetensors"))
    except (RuntimeError, ValueError) as error:
        raise AdapterError(choice.name, f"{WEIGHTS} cannot be loaded: {' '.join(str(error).split())[:200]}") from error
    if {name: array.shape for name, array in found.items()} != wanted:
        raise AdapterError(choice.name, f"{WEIGHTS} was changed while it was read")
    # Evaluated here, so that nothing holds on to the bytes of the file.
    sound = [mx.isfinite(array).all() for array in found.values()]
    mx.eval(found, sound)  # pyright: ignore[reportUnknownMemberType]
    for name, fine in zip(found, sound, strict=True):
        if not fine.item():
            raise AdapterError(choice.name, f"{name} holds NaN or infinity")
    return found
