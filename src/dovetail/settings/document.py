"""Writes `dovetail.toml`: keys are set and unset, comments stay, and the file is the old or the new one, never half.

Two writers are told apart by the version each has read: the second one loses, and must look again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from dovetail.core.errors import Conflict, DiskFull
from dovetail.core.file_lock import try_lock

LOCK_WITHIN = 2.0  # seconds that another writer has to finish
_PAUSE = 0.01

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value]"


@dataclass(frozen=True, slots=True)
class Edit:
    """One key, by its steps (`("models", "qwen3-8b", "context")`), and its value; None takes it out."""

    key: tuple[str, ...]
    value: Value | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The file as it was read. `version` is empty where there is none."""

    text: str
    version: str


class Document:
    """The file at `path`, which need not exist. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Reading:
        """Raises OSError, or UnicodeDecodeError for what is no text."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Reading("", "")
        return Reading(data.decode("utf-8"), version_of(data))

    def write(
        self, edits: Sequence[Edit], version: str | None = None, check: Callable[[str], None] = lambda _text: None
    ) -> Reading:
        """Applies `edits` to what is there now, if that is still `version` (None: whatever it is); what was written.

        `check` gets the new text before it is written, and may raise. Raises Conflict when another writer was there
        first, DiskFull when there is no room, OSError.
        """
        with self._locked():
            before = self.read()
            if version is not None and version != before.version:
                raise Conflict(f"{self._path.name} has been changed since it was read: read it again, then change it")
            text = edited(before.text, edits)
            check(text)
            # An editor knows no lock: what it saved while this was worked out must not be lost.
            if self.read().version != before.version:
                raise Conflict(f"{self._path.name} is being changed by somebody else: read it again, then change it")
            replace_file(self._path, text.encode())
            return Reading(text, version_of(text.encode()))

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock's file stays: removing it would let two processes lock two files of one name.
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + LOCK_WITHIN
            while not try_lock(lock):
                if time.monotonic() > deadline:
                    raise Conflict(f"{self._path.name} is being changed by another process: try again in a moment")
                time.sleep(_PAUSE)
            yield
        finally:
            os.close(lock)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """`text` with its keys set or taken out; everything else stays as it is. Raises ValueError for what is no TOML."""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error
    for edit in edits:
        _apply(document, edit)
    return tomlkit.dumps(document)  # pyright: ignore[reportUnknownMemberType]  a mapping of anything


def _apply(document: tomlkit.TOMLDocument, edit: Edit) -> None:
    *above, last = edit.key
    table = cast("dict[str, object]", document)
    for depth, step in enumerate(above):
        inner = table.get(step)
        if not isinstance(inner, dict):
            if edit.value is None:
                return
            # Of nested tables only the last has a line of its own: [models.x], not [models] and [models.x].
            inner = tomlkit.table(is_super_table=depth < len(above) - 1)
            table[step] = inner
        table = cast("dict[str, object]", inner)
    if edit.value is None:
        table.pop(last, None)
    else:
        table[last] = tomlkit.item(edit.value)  # pyright: ignore[reportArgumentType, reportCallIssue]  any TOML value


def version_of(data: bytes) -> str:
    return blake2b(data, digest_size=12).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Puts `data` at `path`: whenever this ends, the file there is the old or the new one, whole and on disk.

    A link stays one, and a file keeps its mode. Raises DiskFull, OSError.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                part.chmod(target.stat().st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        sync(target.parent)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"{path.name} cannot be written: no room is left on {target.parent}") from error
        raise
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Makes what a file holds, or a rename in a folder, survive a power cut; folders cannot be opened everywhere."""
    is_folder = path.is_dir()
    if is_folder and os.name != "posix":
        return
    opened = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
