"""Reads the headers in an archive of NumPy's arrays without trusting them: the zip's directory, then each array's."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from dovetail.catalog.files import open_regular
from dovetail.catalog.invalid import InvalidModelFile, refuse_pointer
from dovetail.catalog.safetensors import BITS, MAX_DIMENSIONS, Tensor

MAX_READ = 64 << 20
MAX_SECONDS = 5.0
MAX_DIRECTORY = 1 << 20
MAX_ARRAYS = 8192

# NumPy's names of the types that MLX takes, by those of safetensors; MLX writes its bfloat16 as two bytes of nothing.
_TYPES: Mapping[str, str] = {
    "f2": "F16", "f4": "F32", "f8": "F64", "V2": "BF16", "b1": "BOOL", "c8": "C64",
    **{f"{kind.lower()}{size}": f"{kind}{8 * size}" for kind in "IU" for size in (1, 2, 4, 8)},
}  # fmt: skip
_MAGIC = b"\x93NUMPY"
_MOST_HEADER = 1024
# MLX looks for each of these at one place alone.
_HEADER = re.compile(
    rb"\{'descr': '[<>|=]([A-Za-z]\d+)', 'fortran_order': (?:True|False), 'shape': \(([\d, ]*)\)(?:, ?)?\}\s*"
)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What the library says of what it cannot read, an encrypted member and an unknown method among it.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, OverflowError, EOFError, OSError)


def read_arrays(path: Path, clock: Callable[[], float] = time.monotonic) -> dict[str, Tensor]:
    """The arrays of the archive at `path`, all inside the file. Raises InvalidModelFile."""
    with open_regular(path) as file:
        start = file.read(8)
        refuse_pointer(start, path.name)
        if not start.startswith(b"PK"):
            raise InvalidModelFile(f"{path.name} is no archive of arrays (pickles are never read)")
        bounded = _Bounded(file, path.name, clock)
        try:
            with zipfile.ZipFile(bounded) as archive:
                return _arrays(archive, path.name, os.fstat(file.fileno()).st_size)
        except _UNREADABLE as error:
            raise InvalidModelFile(f"{path.name} is truncated, or no archive of arrays: {error}") from None


class _Bounded(io.RawIOBase):
    """A file of which no more is read, and for no longer, than a model's files may be looked at."""

    def __init__(self, file: BinaryIO, name: str, clock: Callable[[], float]) -> None:
        self._file = file
        self._name = name
        self._clock = clock
        self._left = MAX_READ
        self._ends = clock() + MAX_SECONDS

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """The directory is read in one piece, and nothing else in as large a one."""
        if size < 0:
            size = os.fstat(self._file.fileno()).st_size - self._file.tell()
        if size > MAX_DIRECTORY:
            raise InvalidModelFile(f"{self._name} has a directory larger than {MAX_DIRECTORY >> 20} MB")
        self._left -= size
        if self._left < 0:
            raise InvalidModelFile(f"{self._name} has headers of more than {MAX_READ >> 20} MB")
        if self._clock() > self._ends:
            raise InvalidModelFile(f"reading the headers of {self._name} took longer than {MAX_SECONDS:.0f} s")
        return self._file.read(size)


def _arrays(archive: zipfile.ZipFile, name: str, size: int) -> dict[str, Tensor]:
    members = archive.infolist()
    if len(members) > MAX_ARRAYS:
        raise InvalidModelFile(f"{name} claims {len(members)} arrays, more than {MAX_ARRAYS}")
    found: dict[str, Tensor] = {}
    for member in members:
        shown = f"{name}: {member.filename[:64]!r}"
        if member.compress_type not in _METHODS:
            raise InvalidModelFile(f"{shown} is compressed by a method that NumPy does not use")
        if member.header_offset + member.compress_size > size:
            raise InvalidModelFile(f"{shown} lies outside the file: it is truncated")
        with archive.open(member) as opened:
            found[member.filename.removesuffix(".npy")] = _array(opened.read(_MOST_HEADER), member.file_size, shown)
    return found


def _array(start: bytes, size: int, shown: str) -> Tensor:
    """By the first bytes of its member, which has `size` in all."""
    if start[: len(_MAGIC)] != _MAGIC or len(start) < 12 or start[6] not in {1, 2}:
        raise InvalidModelFile(f"{shown} is no array of NumPy's")
    begins = 8 + (2 if start[6] == 1 else 4)
    ends = begins + int.from_bytes(start[8:begins], "little")
    if ends > len(start) or (said := _HEADER.fullmatch(start[begins:ends])) is None:
        raise InvalidModelFile(f"{shown} holds objects (pickles are never read), or its header cannot be read")
    dtype = _TYPES.get(said[1].decode())
    if dtype is None:
        raise InvalidModelFile(f"{shown} has unknown type {said[1].decode()[:32]!r}")
    numbers = said[2].replace(b",", b" ").split()
    if len(numbers) > MAX_DIMENSIONS or any(len(number) > 10 for number in numbers):
        raise InvalidModelFile(f"{shown} has no possible shape")
    shape = tuple(map(int, numbers))
    held = math.prod(shape) * BITS[dtype] // 8
    if held > size - ends:
        raise InvalidModelFile(f"{shown} claims {held} bytes and has {size - ends}: it is truncated")
    return Tensor(dtype, shape, held)
