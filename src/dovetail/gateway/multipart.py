"""A form with one file, read as it comes: bounded in every part, the file goes to disk and never into memory.

RFC 7578. Browsers and SDKs write no other transfer encodings than the plain one.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from starlette.requests import Request

from dovetail.core.errors import DiskFull, InvalidRequest
from dovetail.gateway import request_body
from dovetail.gateway.spool import Share

MOST_FIELDS = 64
MOST_FIELD, MOST_HEAD, MOST_PREAMBLE = 64 << 10, 8 << 10, 8 << 10
LONGEST_NAME = 255
KIND = "multipart/form-data"
_RATE = 128 << 10  # bytes a second that an upload has to come with, after its first minute
_BOUNDARY = re.compile(r'(?:^|;)\s*boundary=(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
# Quoted, bare, or (older SDKs, of names beyond ASCII) as RFC 5987 has it.
_PARAMETER = re.compile(r';\s*(name|filename\*?)=(?:"((?:\\.|[^"\\])*)"|([^\s;"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent: `name` is what the client calls it, a label and no path."""

    path: Path
    name: str
    size: int


@dataclass(slots=True)
class Form:
    """Fields by name, in the order they came, `[]` behind a name left away; and the one file, by its field's name."""

    fields: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    files: dict[str, Upload] = field(default_factory=dict[str, Upload])


async def receive(request: Request, folder: Path, stay: ExitStack, share: Share, *, limit: int, within: float) -> Form:
    """The form that `request` brings, its file in `folder` until `stay` is left, of whose bytes `share` is told.

    `within`: seconds it has to come, more where it is large. Raises InvalidRequest (400, 413, 415, 408), Busy,
    DiskFull, or ClientLeft.
    """
    boundary = _boundary(request.headers.get("content-type", ""))
    try:
        path, file = await asyncio.to_thread(_made, folder)
        stay.callback(_thrown_away, path)
        async with aclosing(
            request_body.bounded(request, limit=limit, timeout=within, rate=_RATE, media_type=KIND)
        ) as source:
            with file:
                return await _Reader(source, boundary, file, path, share).read()
    except OSError as error:
        raise DiskFull(f"the recording could not be written to {folder}: {error.strerror or error}") from error


def clear(folder: Path) -> None:
    """Throws away what a server that was killed has left. Blocks."""
    for left in folder.glob("upload-*"):
        _thrown_away(left)


def _thrown_away(path: Path) -> None:
    with suppress(OSError):  # Windows keeps what a worker still has open: the next start clears it
        path.unlink()


def _made(folder: Path) -> tuple[Path, BinaryIO]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    return Path(name), os.fdopen(number, "wb")


class _Reader:
    """One pass over a body; its buffer holds a chunk, and what may be the beginning of a boundary."""

    def __init__(
        self, source: AsyncGenerator[bytes, None], boundary: bytes, file: BinaryIO, path: Path, share: Share
    ) -> None:
        self._source = source
        self._mark = b"\r\n--" + boundary
        self._file = file
        self._path = path
        self._share = share
        self._buffer = bytearray(b"\r\n")  # so that the first boundary looks like the others

    async def read(self) -> Form:
        form = Form()
        await self._until(self._mark, MOST_PREAMBLE, "bytes before the first boundary")
        count = 0
        while not await self._ended():
            count += 1
            if count > MOST_FIELDS:
                raise _wrong(f"a form has at most {MOST_FIELDS} fields")
            head = await self._until(b"\r\n\r\n", MOST_HEAD, "bytes in the head of a part")
            name, label = _disposition(bytes(head))
            if label is None:
                value = await self._until(self._mark, MOST_FIELD, f"bytes in the field {name[:64]}")
                form.fields.setdefault(name.removesuffix("[]"), []).append(_text(value, name))
            elif form.files:
                raise _wrong("a form has one file")
            else:
                form.files[name] = Upload(self._path, label[:LONGEST_NAME], await self._store())
        async for _ in self._source:  # an epilogue means nothing
            pass
        return form

    async def _ended(self) -> bool:
        """Whether the boundary just read was the last; else a part begins."""
        while len(self._buffer) < 2 and await self._more():
            pass
        after = bytes(self._buffer[:2])
        del self._buffer[:2]
        if after not in {b"--", b"\r\n"}:
            raise _wrong("what follows a boundary is neither a part nor the end")
        return after == b"--"

    async def _until(self, mark: bytes, most: int, what: str) -> bytearray:
        """What comes before `mark`, which is passed over."""
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > most + len(mark):
                raise _wrong(f"more than {most} {what}")
            if not await self._more():
                raise _wrong("the form ends before its last boundary")
        if at > most:
            raise _wrong(f"more than {most} {what}")
        found = self._buffer[:at]
        del self._buffer[: at + len(mark)]
        return found

    async def _store(self) -> int:
        """Writes the part to the file; its size."""
        size = 0
        while (at := self._buffer.find(self._mark)) < 0:
            if (ready := len(self._buffer) - len(self._mark)) > 0:
                size += await self._write(ready)
            if not await self._more():
                raise _wrong("the form ends in the middle of its file")
        size += await self._write(at)
        del self._buffer[: len(self._mark)]
        return size

    async def _write(self, count: int) -> int:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._share.take(count)
        await asyncio.to_thread(self._file.write, data)
        return count

    async def _more(self) -> bool:
        piece = await anext(self._source, b"")
        self._buffer += piece
        return bool(piece)


def _boundary(content_type: str) -> bytes:
    kind, _, rest = content_type.partition(";")
    found = _BOUNDARY.search(rest)
    if kind.strip().lower() != KIND or found is None:
        raise InvalidRequest(
            "this takes a form, multipart/form-data with its boundary, that has the recording as its field file",
            code="unsupported_media_type",
            status=415,
        )
    return (found[1] or found[2]).encode("latin-1", "replace")


def _disposition(head: bytes) -> tuple[str, str | None]:
    """A part's name, and what its file is called; None of a field."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            found = [(name.lower(), quoted, bare) for name, quoted, bare in _PARAMETER.findall(value)]
            said = {name: bare or _unquoted(quoted) for name, quoted, bare in found}
            if "name" in said:
                extended = said.get("filename*")
                return said["name"], said.get("filename") if extended is None else _extended(extended)
    raise _wrong("a part of the form has no name")


def _unquoted(text: str) -> str:
    plain = re.sub(r"\\(.)", r"\1", text)
    return plain.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _extended(text: str) -> str:
    """What follows the character set and the language of an RFC 5987 value."""
    return unquote(text.rpartition("'")[2], errors="replace")


def _text(value: bytearray, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"{name[:64]} is not UTF-8", param=name[:64]) from None


def _wrong(why: str) -> InvalidRequest:
    return InvalidRequest(f"the form cannot be read: {why}", code="invalid_multipart")
