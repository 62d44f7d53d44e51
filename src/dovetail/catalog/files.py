"""Reading files that somebody else wrote: regular files only, no more bytes than asked for."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.request import Json, JsonObject

Stamp: TypeAlias = tuple[int, int, int, int]

# A value of two bytes takes sixty in memory: real files hold a tenth of this.
MAX_VALUES = 1 << 20
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
# What changes twice within a tick of the file system's clock looks unchanged: too young a stamp equals no other.
RACY = 50_000_000


def stamp(path: Path, now: Callable[[], int] = time.time_ns) -> Stamp | None:
    """Device, inode, size and modification time of what `path` leads to; None where nothing can be seen."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    present, changed = now(), found.st_mtime_ns
    return (found.st_dev, found.st_ino, found.st_size, -present if 0 <= present - changed < RACY else changed)


def open_regular(path: Path) -> BinaryIO:
    """`path` opened unbuffered for reading; a FIFO or device is refused instead of waited for."""
    try:
        # Without O_NONBLOCK a FIFO that took the file's place since it was listed would block for ever.
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise InvalidModelFile(f"{path.name} cannot be read: {_cause(error)}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InvalidModelFile(f"{path.name} is not a regular file")
    return os.fdopen(file, "rb", buffering=0)


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """`count` bytes, or fewer where the file ends."""
    chunks: list[bytes] = []
    while count > 0:
        try:
            chunk = file.read(count)
        except OSError as error:
            raise InvalidModelFile(f"cannot be read: {_cause(error)}") from error
        if not chunk:
            break
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def read_text(path: Path, limit: int) -> str:
    """The whole of a UTF-8 file of at most `limit` bytes."""
    return _decode(_read_whole(path, limit), path.name)


def read_object(path: Path, limit: int) -> JsonObject:
    """The JSON object in a file of at most `limit` bytes."""
    return parse_object(_read_whole(path, limit), path.name)


def read_value(path: Path, limit: int) -> Json:
    """The JSON in a file of at most `limit` bytes."""
    return parse_value(_read_whole(path, limit), path.name)


def parse_object(data: bytes, name: str) -> JsonObject:
    """`data` as a JSON object; `name` is what messages call it."""
    value = parse_value(data, name)
    if not isinstance(value, dict):
        raise InvalidModelFile(f"{name} holds no JSON object")
    return value


def parse_value(data: bytes, name: str) -> Json:
    """`data` as JSON; `name` is what messages call it.

    The standard parser, because real configurations hold NaN and Infinity; its own recursion bound ends deep ones.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise InvalidModelFile(f"{name} holds more than {MAX_VALUES} values")
    try:
        value = cast("Json", json.loads(_decode(data, name)))
        return _encodable(value) if _HALF.search(data) else value
    except RecursionError as error:
        raise InvalidModelFile(f"{name} is nested too deeply") from error
    except ValueError as error:
        raise InvalidModelFile(f"{name} is not valid JSON: {error}") from error


def _encodable(value: Json) -> Json:
    """The same, with replacement characters where escapes stand for half a character, which no answer can hold."""
    text = json.dumps(value, ensure_ascii=False)
    return cast("Json", json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")))


def _read_whole(path: Path, limit: int) -> bytes:
    with open_regular(path) as file:
        data = read_exactly(file, limit + 1)
    if len(data) > limit:
        raise InvalidModelFile(f"{path.name} is larger than {limit} bytes")
    return data


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidModelFile(f"{name} is not UTF-8 text") from error


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
