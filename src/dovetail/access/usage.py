"""What each key has used, by model and day: counted in memory, written every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from dovetail.core.errors import DovetailError
from dovetail.core.observe import RequestRecord
from dovetail.storage import keys
from dovetail.storage.database import Database
from dovetail.storage.keys import Usage

log = structlog.stdlib.get_logger(__name__)

WRITE_EVERY = 5.0
DAYS = 30


class Meter:
    """Adds up finished requests of callers with keys."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._counted: dict[tuple[str, str, str], list[int]] = {}
        self._forgot = ""

    def count(self, record: RequestRecord) -> None:
        """Does not block. What failed and used nothing is no use, and may name a model that there never was."""
        used = record.usage
        if record.caller.key is None or (record.error is not None and not used.prompt + used.completion):
            return
        sums = self._counted.setdefault((record.caller.key, record.model, self.day()), [0, 0, 0])
        sums[0] += 1
        sums[1] += used.prompt
        sums[2] += used.completion

    def day(self, before: int = 0) -> str:
        """Today, or so many days before it, as 2026-01-31."""
        return (datetime.fromtimestamp(self._clock(), UTC) - timedelta(days=before)).date().isoformat()

    async def write(self) -> None:
        """Stores what was counted since the last time; what cannot be stored is tried again with the next.

        Once a day what is older than `DAYS` is forgotten.
        """
        counted, self._counted = self._counted, {}
        if not counted:
            return
        rows = [Usage(*names, *sums) for names, sums in counted.items()]
        since = self.day(DAYS)
        try:
            if since != self._forgot:
                await self._database.run(lambda c: keys.forget_usage(c, since))
                self._forgot = since
            await self._database.run(lambda c: keys.add_usage(c, rows))
        except DovetailError as failure:
            log.warning("usage_not_stored", reason=failure.message)
            for names, sums in counted.items():
                held = self._counted.setdefault(names, [0, 0, 0])
                self._counted[names] = [a + b for a, b in zip(held, sums, strict=True)]

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY)
            await self.write()
