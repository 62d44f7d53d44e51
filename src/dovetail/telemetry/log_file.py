"""Log lines on disk: a reader like any other, so that a slow disk costs lines and holds nobody up."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import structlog

from dovetail import log as log_lines
from dovetail.settings import LogSettings
from dovetail.storage.rotated_file import RotatedFile
from dovetail.telemetry.log_lines import LogLines

log = structlog.stdlib.get_logger(__name__)

FILE_NAME = "dovetail.jsonl"
GATHER = 0.25  # seconds that lines are gathered for one write
BATCH = 1000


class LogFile:
    """Writes `lines` to `folder`/dovetail.jsonl as JSON, as `settings` say."""

    def __init__(self, folder: Path, lines: LogLines, settings: LogSettings) -> None:
        self.settings = settings
        self._file = RotatedFile(folder / FILE_NAME, settings.file_bytes, settings.files)
        self._lines = lines
        self._written = lines.start
        self._complained = False

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await self._lines.more(self._written)
            await asyncio.sleep(GATHER)
            await self.write()

    async def write(self) -> None:
        """Writes what has come until now. What cannot be written is lost, and one line says so until it works again."""
        last = self._lines.last
        while self._written < last:
            batch = self._lines.after(self._written, BATCH)
            self._written = batch.lines[-1].number if batch.lines else last
            said = self.settings
            if not said.file:
                continue
            self._file.most, self._file.kept = said.file_bytes, said.files
            texts = [_dropped(batch.missed)] if batch.missed else []
            texts += [line.text for line in batch.lines]
            try:
                await asyncio.to_thread(self._file.append, "".join(f"{t}\n" for t in texts).encode("utf-8", "replace"))
                self._complained = False
            except OSError as failure:
                if not self._complained:
                    self._complained = True
                    log.warning("log_file_not_written", reason=failure.strerror or str(failure))


def _dropped(count: int) -> str:
    said = {
        "timestamp": log_lines.moment(time.time()),
        "level": "warning",
        "message": "log_lines_dropped",
        "lines": count,
    }
    return json.dumps(said)
