"""Reads GGUF headers, versions 2 and 3, in either byte order, without trusting them.

Every count and length is checked against the bytes that are left before it is used, at most 64 MB are read, and a
deadline holds. What llama.cpp would refuse or abort on is refused here with a reason.
The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from dovetail.catalog.files import open_regular
from dovetail.catalog.gguf_bytes import MAX_READ, HeaderBytes
from dovetail.catalog.gguf_header import (
    MAX_VOCABULARY,
    GgufHeader,
    TensorInfo,
    TypeUse,
    shape_of,
    split_of,
    weights_of,
)
from dovetail.catalog.gguf_values import MAX_TEXT, GgufArray, Keeping, Scalar, Value
from dovetail.catalog.invalid import InvalidModelFile, refuse_impostor
from dovetail.catalog.tensor_types import TENSOR_TYPES

MAX_ENTRIES = 1 << 16
MAX_TENSORS = 1 << 17
MAX_STRINGS = 1 << 21
MAX_KEY = 1 << 16
MAX_TENSOR_NAME = 256
MAX_DIMENSIONS = 4
DEFAULT_ALIGNMENT = 32

_STRINGS_BETWEEN_CHECKS = 4096
_STRING, _ARRAY = 8, 9
_TOKENS = "tokenizer.ggml.tokens"
# Of each type its name, how `struct` calls it, and its size.
_SCALARS: dict[int, tuple[str, str, int]] = {
    0: ("u8", "B", 1),
    1: ("i8", "b", 1),
    2: ("u16", "H", 2),
    3: ("i16", "h", 2),
    4: ("u32", "I", 4),
    5: ("i32", "i", 4),
    6: ("f32", "f", 4),
    7: ("bool", "?", 1),
    10: ("u64", "Q", 8),
    11: ("i64", "q", 8),
    12: ("f64", "d", 8),
}


def read_header(path: Path, *, foreign: bool = False, clock: Callable[[], float] = time.monotonic) -> GgufHeader:
    """The checked header of the GGUF file at `path`; with `foreign` also of a big-endian one, which no engine loads.

    Blocks on the disk. Raises InvalidModelFile.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        return _Reader(file, size, clock, foreign=foreign).header()


def read_start(start: bytes, size: int) -> GgufHeader:
    """The header of a file of `size` bytes of which the first are `start`. Raises HeaderCut where it needs more."""
    return _Reader(BytesIO(start), size, time.monotonic).header()


def read_tokens(path: Path) -> Sequence[bytes]:
    """The vocabulary of the GGUF file at `path`, by id. Blocks on the disk. Raises InvalidModelFile."""
    with open_regular(path) as file:
        reader = _Reader(file, os.fstat(file.fileno()).st_size, time.monotonic)
        reader.header()
        return reader.tokens


class _Reader(HeaderBytes):
    """One pass over a file's first bytes."""

    def __init__(self, file: BinaryIO, size: int, clock: Callable[[], float], *, foreign: bool = False) -> None:
        super().__init__(file, size, clock)
        self._foreign = foreign
        self._keeping = Keeping()
        self.tokens: list[bytes] = []

    def header(self) -> GgufHeader:
        version = self._preamble()
        tensors_count, entries = self._u64(), self._u64()
        self._part = "metadata"
        metadata = self._metadata(entries)
        self._part = "tensor info"
        alignment = _alignment(metadata)
        tensors, parameters = self._tensors(tensors_count, alignment)
        start = -(-self._offset // alignment) * alignment
        self._check_data(tensors, start)
        return GgufHeader(
            version=version,
            metadata=metadata,
            tensors=tuple(tensors),
            types=_uses(tensors),
            shape=shape_of(metadata, parameters),
            split=split_of(metadata),
            data_offset=start,
            size=self._size,
            weights=weights_of(tensors),
            big_endian=self.big_endian,
        )

    def _preamble(self) -> int:
        start = self._begin()
        if start[:4] != b"GGUF"[: len(start)]:
            refuse_impostor(start)
        self._need(24)
        self._at = 4
        version = self._u32()
        if version not in (2, 3) and version and version & 0xFFFF == 0:
            if not self._foreign:
                raise InvalidModelFile("big-endian GGUF is not supported: convert the file to little-endian")
            self._turn()
            self._at = 4
            version = self._u32()
        if version not in (2, 3):
            raise InvalidModelFile(f"GGUF version {version} is not supported, only 2 and 3 are")
        return version

    # Metadata

    def _metadata(self, entries: int) -> dict[str, Value]:
        self._need_items(entries, 13, MAX_ENTRIES, "entries")
        metadata: dict[str, Value] = {}
        for _ in range(entries):
            self._check_time()
            key = self._name(MAX_KEY, "a key")
            if key in metadata:
                raise InvalidModelFile(f"metadata has {_show(key)} twice")
            metadata[key] = self._value(key)
        return metadata

    def _value(self, key: str) -> Value:
        kind = self._u32()
        if kind == _STRING:
            return self._text(key)
        if kind == _ARRAY:
            return self._array(key)
        if kind not in _SCALARS:
            raise InvalidModelFile(f"metadata {_show(key)} has unknown type {kind}")
        return self._scalars(kind, 1)[0]

    def _text(self, key: str) -> str | GgufArray:
        """Text is kept up to a size no template has; some files carry a whole `tokenizer.json`."""
        self._need(8)
        (length,) = self._long.unpack_from(self._buffer, self._at)
        if self._keeping.text(length):
            return self._bytes(MAX_TEXT, f"the value of {_show(key)}").decode(errors="replace")
        self._at += 8
        self._need_items(length, 1, MAX_READ, f"bytes in {_show(key)}")
        self._skip(length)
        return GgufArray("text", length, None)

    def _scalars(self, kind: int, count: int) -> tuple[Scalar, ...]:
        _, form, size = _SCALARS[kind]
        self._need(size * count)
        values = struct.unpack_from(f"{self._order}{count}{form}", self._buffer, self._at)
        self._at += size * count
        return values

    def _array(self, key: str) -> GgufArray:
        kind, count = self._u32(), self._u64()
        if kind == _STRING:
            most = MAX_VOCABULARY if key == _TOKENS else MAX_STRINGS
            self._need_items(count, 8, most, f"strings in {_show(key)}")
            return GgufArray("string", count, self._strings(key, count))
        if kind == _ARRAY:
            raise InvalidModelFile(f"metadata {_show(key)} is an array of arrays")
        if kind not in _SCALARS:
            raise InvalidModelFile(f"metadata {_show(key)} is an array of unknown type {kind}")
        name, _, size = _SCALARS[kind]
        if not self._keeping.values(count):
            self._need_items(count, size, MAX_READ, f"values in {_show(key)}")
            self._skip(count * size)
            return GgufArray(name, count, None)
        return GgufArray(name, count, self._scalars(kind, count))

    def _strings(self, key: str, count: int) -> tuple[str, ...] | None:
        """Walks over strings; builds Python ones for short arrays only: a vocabulary is hundreds of thousands."""
        if self._keeping.values(count):
            kept = [self._bytes(MAX_READ, f"a string in {_show(key)}") for _ in range(count)]
            if key == _TOKENS:
                self.tokens = kept
                _refuse_duplicates(kept)
            if not self._keeping.text(sum(map(len, kept))):
                return None
            return tuple(each.decode(errors="replace") for each in kept)
        tokens: list[bytes] | None = [] if key == _TOKENS else None
        while count > 0:
            some = min(count, _STRINGS_BETWEEN_CHECKS)
            self._check_time()
            self._walk(some, tokens)
            count -= some
        if tokens is not None:
            self.tokens = tokens
            _refuse_duplicates(tokens)
        return None

    def _walk(self, count: int, tokens: list[bytes] | None) -> None:
        """The hot loop, 0.1 µs a string: the buffer is asked for more only where a string crosses its end."""
        unpack, buffer, at = self._long.unpack_from, self._buffer, self._at
        end = len(buffer)
        for _ in range(count):
            start = at + 8
            stop = start + unpack(buffer, at)[0] if start <= end else end + 1
            if stop > end:
                self._at = at
                length = self._u64()
                self._need(length)
                buffer, start = self._buffer, self._at
                stop, end = start + length, len(buffer)
            if tokens is not None:
                tokens.append(buffer[start:stop])
            at = stop
        self._at = at

    # Tensors

    def _tensors(self, count: int, alignment: int) -> tuple[list[TensorInfo], int]:
        self._need_items(count, 24, MAX_TENSORS, "tensors")
        tensors: list[TensorInfo] = []
        names: set[str] = set()
        parameters = 0
        for _ in range(count):
            self._check_time()
            tensor, weights = self._tensor(alignment)
            if tensor.name in names:
                raise InvalidModelFile(f"tensor {_show(tensor.name)} appears twice")
            names.add(tensor.name)
            tensors.append(tensor)
            parameters += weights
        return tensors, parameters

    def _tensor(self, alignment: int) -> tuple[TensorInfo, int]:
        name = self._name(MAX_TENSOR_NAME, "a tensor's name")
        shown = f"tensor {_show(name)}"
        dimensions = self._u32()
        if dimensions > MAX_DIMENSIONS:
            raise InvalidModelFile(f"{shown} has {dimensions} dimensions, more than {MAX_DIMENSIONS}")
        shape = tuple(self._u64() for _ in range(dimensions))
        weights = _weights(shown, shape)
        number = self._u32()
        kind = TENSOR_TYPES.get(number)
        if kind is None:
            raise InvalidModelFile(f"{shown} has unknown type {number}")
        row = shape[0] if shape else 1
        if row % kind.block:
            raise InvalidModelFile(f"{shown} has rows of {row} weights, not a multiple of {kind.name}'s {kind.block}")
        offset = self._u64()
        if offset % alignment:
            raise InvalidModelFile(f"{shown} starts at {offset}, not a multiple of the alignment {alignment}")
        return TensorInfo(name, kind.name, shape, offset, weights // kind.block * kind.size), weights

    def _check_data(self, tensors: Sequence[TensorInfo], start: int) -> None:
        for tensor in tensors:
            end = start + tensor.offset + tensor.size
            if end > self._size:
                raise InvalidModelFile(
                    f"truncated data: tensor {_show(tensor.name)} ends at offset {end} "
                    f"and the file has {self._size} bytes"
                )
        if sum(tensor.size for tensor in tensors) > max(self._size - start, 0):
            raise InvalidModelFile("tensors overlap: together they are larger than the file")


def _refuse_duplicates(tokens: Sequence[bytes]) -> None:
    """llama.cpp aborts on a token that appears twice; it renames empty ones."""
    if len(set(tokens)) == len(tokens):
        return
    seen: set[bytes] = set()
    for token in tokens:
        if token and token in seen:
            raise InvalidModelFile(f"the vocabulary has token {_show(token.decode(errors='replace'))} twice")
        seen.add(token)


def _alignment(metadata: dict[str, Value]) -> int:
    value = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0 or value & (value - 1):
        raise InvalidModelFile(f"general.alignment is {_show(str(value))}, not a power of two")
    return value


def _weights(shown: str, shape: Sequence[int]) -> int:
    weights = 1
    for dimension in shape:
        weights *= dimension
        if dimension == 0 or weights >= 1 << 63:
            raise InvalidModelFile(f"{shown} has impossible dimensions {list(shape)}")
    return weights


def _uses(tensors: Sequence[TensorInfo]) -> tuple[TypeUse, ...]:
    counts: dict[str, tuple[int, int]] = {}
    for tensor in tensors:
        count, size = counts.get(tensor.type, (0, 0))
        counts[tensor.type] = (count + 1, size + tensor.size)
    uses = [TypeUse(name, count, size) for name, (count, size) in counts.items()]
    return tuple(sorted(uses, key=lambda use: (-use.size, use.type)))


def _show(text: str) -> str:
    """Text from a file, fit for a message and a terminal."""
    return repr(text if len(text) <= 64 else f"{text[:64]}…")
