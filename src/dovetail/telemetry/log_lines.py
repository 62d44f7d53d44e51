"""The last log lines of this process, for those who read them from another place than its output."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias, cast

from dovetail import log

Source: TypeAlias = Literal["gateway", "worker"]
MOST = 10_000
MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts up without a gap, `level` is logging's; `text` is the line as a JSON object."""

    number: int
    level: int
    source: Source
    model: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines in order; before them `missed` came that are no longer kept."""

    lines: tuple[Line, ...]
    missed: int = 0


class LogLines:
    """The newest, at most so many and of so many bytes. Added to by any thread; a reader holds a number and no lines.

    Numbers begin with the microseconds since 1970, so that those of an earlier process are known for what they are.
    """

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES, now: Callable[[], float] = time.time) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._start = self._last = int(now() * 1_000_000)
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def start(self) -> int:
        """The number before the first line's."""
        return self._start

    @property
    def last(self) -> int:
        """The number of the last line there was, of none before the first."""
        return self._last

    def knows(self, number: int) -> bool:
        """Whether a reader can go on from it: it is a line's, kept or not."""
        return self._start <= number <= self._last

    def add(self, level: int, source: Source, model: str | None, text: str) -> None:
        with self._lock:
            self._last += 1
            self._lines.append(Line(self._last, level, source, model, text))
            self._bytes += len(text)
            while len(self._lines) > self._most or (self._bytes > self._most_bytes and len(self._lines) > 1):
                self._bytes -= len(self._lines.popleft().text)
            waiting, self._waiting = self._waiting, []
        for loop, woken in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

    def after(self, number: int, most: int = MOST) -> Batch:
        """The lines behind that number, the first `most` of them."""
        with self._lock:
            first = self._last - len(self._lines) + 1
            missed = max(0, first - max(number, self._start) - 1)
            begin = max(0, number + 1 - first)
            return Batch(tuple(islice(self._lines, begin, begin + most)), missed)

    async def more(self, number: int) -> None:
        """Returns once there is a line behind that number."""
        while True:
            waiting = asyncio.get_running_loop(), asyncio.Event()
            with self._lock:
                if self._last > number:
                    return
                self._waiting.append(waiting)
            try:
                await waiting[1].wait()
            finally:
                with self._lock:
                    if waiting in self._waiting:  # who waits no longer, before a line came
                        self._waiting.remove(waiting)


class _Tap(logging.Handler):
    """Hands every record that is logged to `lines`."""

    def __init__(self, lines: LogLines) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(log.formatter(log.render_json))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = cast("dict[str, object]", record.msg) if isinstance(record.msg, dict) else {}
            model = said.get("model")
            source: Source = "worker" if said.get("source") == "worker" else "gateway"
            text = self.format(record).encode("utf-8", "replace").decode()
            self._lines.add(record.levelno, source, model if isinstance(model, str) else None, text)
        except Exception:  # noqa: BLE001  as every handler of logging does: what cannot be logged stops nothing
            self.handleError(record)


@contextmanager
def tapped() -> Generator[LogLines]:
    """What is logged while the context is open, at the level in force, by whatever logger."""
    lines = LogLines()
    tap = _Tap(lines)
    logging.getLogger().addHandler(tap)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(tap)
