"""A file that is only added to, and begun anew when it is full; of the old ones some are kept."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class RotatedFile:
    """`path` (0600); with `most` bytes it becomes NAME.1.ENDING, that NAME.2.ENDING, and so on up to `kept`."""

    def __init__(self, path: Path, most: int, kept: int) -> None:
        self.most = most
        self.kept = kept
        self._path = path
        self._lock = threading.Lock()

    def append(self, lines: bytes) -> None:
        """Blocks for a write to the disk. Raises OSError."""
        with self._lock:
            self._append(lines)

    def _append(self, lines: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = os.write(file, lines)
            if written < len(lines):  # a full disk takes a part: the rest would follow it in the middle of a line
                raise OSError(f"{written} of {len(lines)} bytes written")
            full = os.fstat(file).st_size >= self.most
        finally:
            os.close(file)
        if full:
            self._rotate()

    def _rotate(self) -> None:
        self._older(self.kept + 1).unlink(missing_ok=True)  # kept under another setting
        for number in range(self.kept, 0, -1):
            newer = self._path if number == 1 else self._older(number - 1)
            if newer.exists():
                newer.replace(self._older(number))
        if not self.kept:
            self._path.unlink()

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.{number}{self._path.suffix}")
