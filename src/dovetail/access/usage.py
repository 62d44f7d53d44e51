"""What each key has used, by model and day: counted in memory, written every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from dovetail.core.errors import DovetailError
from dovetail.core.observe import RequestRecord
from dovetail.storage import keys
from dovetail.storage.database import Database
from dovetail.storage.keys import Usage

log = structlog.stdlib.get_logger(__name__)

WRITE_EVERY = 5.0


class Meter:
    """Adds up finished requests of callers with keys."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._counted: dict[tuple[str, str, str], list[int]] = {}

    def count(self, record: RequestRecord) -> None:
        """Does not block."""
        if record.caller.key is None:
            return
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        sums = self._counted.setdefault((record.caller.key, record.model, day), [0, 0, 0])
        used = record.usage
        sums[0] += 1
        sums[1] += used.prompt
        sums[2] += used.completion

    async def write(self) -> None:
        """Stores what was counted since the last time; what cannot be stored is tried again with the next."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        rows = [Usage(*names, *sums) for names, sums in counted.items()]
        try:
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
