"""Reads safetensors headers without trusting them: eight bytes of length, JSON, then the tensors' bytes."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dovetail.catalog.files import open_regular, parse_object, read_exactly
from dovetail.catalog.invalid import InvalidModelFile, refuse_pointer
from dovetail.core.request import Json

MAX_HEADER = 16 << 20
MAX_TENSORS = 1 << 17
MAX_DIMENSIONS = 8

BITS: Mapping[str, int] = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "I64": 64,
    "U64": 64,
    "I32": 32,
    "U32": 32,
    "I16": 16,
    "U16": 16,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "C64": 64,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's type, shape and bytes."""

    dtype: str
    shape: tuple[int, ...]
    size: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of the safetensors file at `path`, all inside the file. Raises InvalidModelFile."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = read_exactly(file, 8)
        refuse_pointer(start, path.name)
        if len(start) < 8:
            raise InvalidModelFile(f"{path.name} is truncated: {size} bytes hold no header")
        length = int.from_bytes(start, "little")
        if length > size - 8:
            raise InvalidModelFile(f"{path.name} is truncated or not safetensors: its header claims {length} bytes")
        if length > MAX_HEADER:
            raise InvalidModelFile(f"{path.name} has a header larger than {MAX_HEADER >> 20} MB")
        header = read_exactly(file, length)
    entries = parse_object(header, f"the header of {path.name}")
    if len(entries) > MAX_TENSORS:
        raise InvalidModelFile(f"{path.name} claims {len(entries)} tensors, more than {MAX_TENSORS}")
    entries.pop("__metadata__", None)
    return {name: _tensor(entry, f"{path.name}: {name[:64]!r}", size - 8 - length) for name, entry in entries.items()}


def _tensor(entry: Json, shown: str, available: int) -> Tensor:
    if not isinstance(entry, dict):
        raise InvalidModelFile(f"{shown} is not a tensor entry")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise InvalidModelFile(f"{shown} has unknown type {str(dtype)[:32]!r}")
    start, end = _numbers(offsets, shown, 2) if isinstance(offsets, list) and len(offsets) == 2 else (0, -1)
    if not 0 <= start <= end:
        raise InvalidModelFile(f"{shown} has impossible offsets")
    if end > available:
        raise InvalidModelFile(f"{shown} ends {end - available} bytes after the end of the file: it is truncated")
    found = Tensor(dtype, tuple(_numbers(shape, shown, MAX_DIMENSIONS)), end - start)
    if found.elements * BITS[dtype] != found.size * 8:
        raise InvalidModelFile(f"{shown} has {end - start} bytes, which its shape and type do not fill")
    return found


def _numbers(value: Json, shown: str, most: int) -> list[int]:
    if not isinstance(value, list) or len(value) > most:
        raise InvalidModelFile(f"{shown} has no usable shape or offsets")
    numbers = [each for each in value if isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 1 << 63]
    if len(numbers) != len(value):
        raise InvalidModelFile(f"{shown} has no usable shape or offsets")
    return numbers
