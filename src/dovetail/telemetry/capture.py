"""Request capture: for a while prompts and replies go into a private file, because an admin has asked for it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from dovetail.core.errors import DovetailError, InvalidRequest

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Capturing:
    """What is written where, and until when (seconds since 1970) at the latest."""

    path: Path
    until: float
    written: int
    most: int


class Capture:
    """At most one file at a time, in `folder`. It ends by itself; the file stays until its owner removes it.

    `ended` is told why, once for each: it must not raise.
    """

    def __init__(
        self, folder: Path, ended: Callable[[str], None] = lambda _: None, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._ended = ended
        self._clock = clock
        self._turn = asyncio.Lock()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.now: Capturing | None = None

    async def begin(self, seconds: float, most: int) -> Capturing:
        """Raises InvalidRequest (409) when it is on already, 507 when there is no room for the file."""
        async with self._turn:
            if self.now is not None:
                raise InvalidRequest("requests are captured already: end that first", code="capture_is_on", status=409)
            return await self._begin(seconds, most)

    async def _begin(self, seconds: float, most: int) -> Capturing:
        when = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._clock()))
        begun = Capturing(
            self._folder / f"requests-{when}-{secrets.token_hex(2)}.jsonl", self._clock() + seconds, 0, most
        )
        try:
            self._file = await asyncio.to_thread(self._open, begun.path)
        except OSError as error:
            raise DovetailError(
                f"{begun.path} cannot be written: {error.strerror}", code="insufficient_storage", status=507
            ) from None
        self.now = begun
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end, "its time is over")
        log.warning(
            "prompts and replies are written to a file", path=str(begun.path), seconds=round(seconds), most=most
        )
        return begun

    async def add(self, entry: Mapping[str, object]) -> None:
        """One more line, if it is on still; a file that would become too large ends instead."""
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if (reason := await asyncio.to_thread(self._write, line)) is not None:
            self.end(reason)

    def _open(self, path: Path) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)

    def _write(self, line: bytes) -> str | None:
        """Why nothing more can be written, None when this was."""
        with self._lock:
            now = self.now
            if self._file is None or now is None:
                return None
            if now.written + len(line) > now.most:
                return f"its file would be larger than {now.most} bytes"
            try:
                os.write(self._file, line)
            except OSError as error:
                return f"its file cannot be written: {error.strerror}"
            self.now = Capturing(now.path, now.until, now.written + len(line), now.most)
            return None

    def end(self, reason: str) -> bool:
        """Blocks for a moment. False when it is not on."""
        with self._lock:
            file, self._file = self._file, None
            done, self.now = self.now, None
            if file is None or done is None:
                return False
            os.close(file)
        if self._timer is not None:
            self._timer.cancel()
        log.info("prompts and replies are no longer written", path=str(done.path), bytes=done.written, reason=reason)
        self._ended(reason)
        return True
