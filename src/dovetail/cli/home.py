"""The home folder: made private, locked by the one process that serves from it, and where that process is found."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from dovetail.cli.exits import Exit, Failure
from dovetail.core.file_lock import try_lock

LOCK_NAME = "dovetail.lock"
_ATTEMPTS = 10
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Occupant:
    """The process that holds a home folder; `url` is None until it listens."""

    pid: int
    url: str | None


class HomeLock:
    """Holds a home folder, which it makes if need be, from `with` to its end. The kernel lets go when a process dies.

    Raises Failure: 75 when another process holds it, 78 when the folder cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_NAME
        self._file = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Failure(
                f"the home folder {self._path.parent} cannot be used: {error.strerror}", Exit.CONFIG
            ) from None
        # Someone who only looks holds the lock for microseconds.
        for _ in range(_ATTEMPTS):
            if _lock(self._file):
                self._write(None)
                return self
            time.sleep(_PAUSE)
        os.close(self._file)
        occupant = _read(self._path)
        who = f"process {occupant.pid}" if occupant else "another process"
        where = f" ({occupant.url})" if occupant and occupant.url else ""
        raise Failure(
            f"the home folder {self._path.parent} is in use by {who}{where}: stop it, or choose another with --home",
            Exit.LOCKED,
        )

    def announce(self, url: str) -> None:
        """Says where this process listens, for `occupant`."""
        self._write(url)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)

    def _write(self, url: str | None) -> None:
        text = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.lseek(self._file, 0, os.SEEK_SET)
        os.ftruncate(self._file, 0)
        os.write(self._file, text)


def occupant(home: Path) -> Occupant | None:
    """Who holds `home` now, None when nobody does."""
    path = home / LOCK_NAME
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _lock(file, shared=True) else _read(path) or Occupant(0, None)
    finally:
        os.close(file)


def _read(path: Path) -> Occupant | None:
    try:
        said = cast("object", json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return None
    match said:
        case {"pid": int(pid), "url": str() | None as url}:
            return Occupant(pid, url)
        case _:
            return None


def _lock(file: int, *, shared: bool = False) -> bool:
    """Whether the lock was free; it is held until `file` is closed."""
    try:
        return try_lock(file, shared=shared)
    except OSError as error:
        raise Failure(f"the home folder cannot be locked: {error.strerror}", Exit.CONFIG) from None
