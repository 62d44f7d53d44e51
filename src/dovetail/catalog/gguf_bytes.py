"""The first bytes of a GGUF file, taken in piece by piece: in either byte order, within bounds of size and time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

from dovetail.catalog.files import read_exactly
from dovetail.catalog.invalid import InvalidModelFile

MAX_READ = 64 << 20
MAX_SECONDS = 5.0

CHUNK = 256 << 10


class HeaderCut(InvalidModelFile):
    """There is less of the file than its size says."""


class HeaderBytes:
    """Every length is checked against the bytes that are left before it is used.

    `_part` is what a message calls the place reached. Little-endian, until `_turn` is called.
    """

    def __init__(self, file: BinaryIO, size: int, clock: Callable[[], float]) -> None:
        self._file = file
        self._size = size
        self._clock = clock
        self._deadline = clock() + MAX_SECONDS
        self._buffer = b""  # what lies between offset `_base` and the last byte read; `_at` is where in it we are
        self._base = 0
        self._at = 0
        self._part = "header"
        self._order = "<"
        self._word, self._long = struct.Struct("<I"), struct.Struct("<Q")

    @property
    def big_endian(self) -> bool:
        return self._order == ">"

    def _begin(self) -> bytes:
        """The first piece."""
        if self._size == 0:
            raise InvalidModelFile("the file is empty (0 bytes)")
        self._buffer = read_exactly(self._file, min(self._size, CHUNK))
        return self._buffer

    def _turn(self) -> None:
        """Numbers are big-endian from here on."""
        self._order = ">"
        self._word, self._long = struct.Struct(">I"), struct.Struct(">Q")

    @property
    def _offset(self) -> int:
        return self._base + self._at

    def _need(self, count: int) -> None:
        """Makes the next `count` bytes available, or refuses. Bytes already passed are let go."""
        if self._at + count <= len(self._buffer):
            return
        left = min(self._size, MAX_READ) - self._offset
        if count > self._size - self._offset:
            raise InvalidModelFile(
                f"truncated {self._part}: {count} bytes are due at offset {self._offset} and the file has {self._size}"
            )
        if count > left:
            raise InvalidModelFile(f"the header is larger than {MAX_READ >> 20} MB")
        self._check_time()
        rest = self._buffer[self._at :]
        self._base, self._at = self._offset, 0
        self._buffer = rest + read_exactly(self._file, min(max(count, CHUNK), left) - len(rest))
        if count > len(self._buffer):
            raise HeaderCut(f"truncated {self._part}: the file shrank while it was read")

    def _skip(self, count: int) -> None:
        while count > 0:
            some = min(count, CHUNK)
            self._need(some)
            self._at += some
            count -= some

    def _need_items(self, count: int, least: int, most: int, what: str) -> None:
        """Refuses `count` items of at least `least` bytes that cannot be there, before anything is done with them."""
        if count > most:
            raise InvalidModelFile(f"{self._part} claims {count} {what}, more than {most}")
        if count * least > self._size - self._offset:
            raise InvalidModelFile(
                f"truncated {self._part}: {count} {what} are due at offset {self._offset} "
                f"and the file has {self._size} bytes"
            )

    def _check_time(self) -> None:
        if self._clock() > self._deadline:
            raise InvalidModelFile(f"reading the header took longer than {MAX_SECONDS:.0f} s")

    def _u32(self) -> int:
        self._need(4)
        (value,) = self._word.unpack_from(self._buffer, self._at)
        self._at += 4
        return value

    def _u64(self) -> int:
        self._need(8)
        (value,) = self._long.unpack_from(self._buffer, self._at)
        self._at += 8
        return value

    def _bytes(self, most: int, what: str) -> bytes:
        length = self._u64()
        if length > most:
            raise InvalidModelFile(f"{self._part}: {what} at offset {self._offset} claims {length} bytes")
        self._need(length)
        value = self._buffer[self._at : self._at + length]
        self._at += length
        return value

    def _name(self, most: int, what: str) -> str:
        try:
            return self._bytes(most, what).decode()
        except UnicodeDecodeError as error:
            raise InvalidModelFile(f"{self._part}: {what} at offset {self._offset} is not UTF-8") from error
