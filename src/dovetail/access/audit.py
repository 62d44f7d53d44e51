"""The record of who did what, when, from where: lines of JSON that are only ever added to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from dovetail.storage.rotated_file import RotatedFile

log = structlog.stdlib.get_logger(__name__)

FILE_NAME = "audit.jsonl"
MOST_BYTES = 10 << 20
KEPT = 5
_LONGEST = 256  # of what a stranger may have chosen


class Audit:
    """Appends to `folder`/audit.jsonl (0600); the file of `most` bytes becomes audit.1.jsonl, and five are kept."""

    def __init__(self, folder: Path, *, most: int = MOST_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._file = RotatedFile(folder / FILE_NAME, most, KEPT)
        self._clock = clock

    def write(self, what: str, *, who: str, address: str, **details: str | int | None) -> None:
        """Blocks for a write to the disk. A line that cannot be written is lost, and the log says so."""
        when = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        said = {
            name: value[:_LONGEST] if isinstance(value, str) else value
            for name, value in details.items()
            if value is not None
        }
        line = json.dumps(
            {"time": when, "who": who[:_LONGEST], "from": address, "what": what, **said}, ensure_ascii=True
        )
        try:
            self._file.append(line.encode() + b"\n")
        except OSError as error:
            log.warning("audit_lost", what=what, reason=error.strerror)
