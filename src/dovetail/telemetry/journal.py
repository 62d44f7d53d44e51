"""The observer that keeps every request: gathered in memory, written in batches beside the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

import structlog

from dovetail.core.errors import Busy, DovetailError
from dovetail.core.observe import Observer, RequestRecord
from dovetail.settings import JournalSettings
from dovetail.storage import journal
from dovetail.storage.database import Database, DatabaseUnusable
from dovetail.storage.journal import Entry, Filter, Summary

log = structlog.stdlib.get_logger(__name__)

WRITE_EVERY = 1.0
PRUNE_EVERY = 60.0
MOST_WAITING = 10_000
BATCH = 1000
READ_WITHIN = 5.0  # seconds that a reader waits for those before it
DAY = 86_400.0

T = TypeVar("T")


class Journal(Observer):
    """`dropped` counts records that found the queue full: the disk took no more, and no request waits for it."""

    def __init__(
        self,
        database: Database | None,
        settings: JournalSettings,
        clock: Callable[[], float] = time.time,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Without a `database` nothing is kept."""
        self.settings = settings
        self.dropped = 0
        self._database = database
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiting: deque[RequestRecord] = deque()
        self._under_way: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._pruned = float("-inf")
        self._complained = False

    @property
    def kept(self) -> bool:
        """Whether anything is."""
        return self._database is not None and self.settings.requests > 0

    def request_done(self, record: RequestRecord) -> None:
        if not self.kept:
            return
        if len(self._waiting) >= self._most_waiting:
            self.dropped += 1
        else:
            self._waiting.append(record)

    async def page(self, which: Filter, most: int, before: int | None = None) -> list[tuple[int, Entry]]:
        """The last that ended and are meant, with the numbers that are cursors. Raises Busy where nothing is kept."""
        return await self._read(lambda c: journal.page(c, which, most, before))

    async def summary(self, which: Filter) -> Summary:
        """Raises Busy where nothing is kept."""
        return await self._read(lambda c: journal.summary(c, which))

    async def write(self) -> None:
        """Stores what has come until now; what cannot be stored is tried again with the next.

        Goes on when whoever waits for it does not any more: what was stored is not stored again.
        """
        if self._under_way is not None and not self._under_way.done():
            await asyncio.shield(self._under_way)  # it may have begun too early
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._write(), name="journal")
        await asyncio.shield(self._under_way)

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY)
            await self.write()

    async def aclose(self) -> None:
        await self.write()
        if self._database is not None:
            await asyncio.to_thread(self._database.close)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One reader after another: however many ask, what is to be written waits for one of them at most."""
        database = await self._written()
        try:
            async with asyncio.timeout(READ_WITHIN):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy("others read the journal; try again in a moment", code="database_busy") from None
        try:
            return await database.run(work)
        finally:
            self._turn.release()

    async def _written(self) -> Database:
        if self._database is None or not self.kept:
            raise Busy(
                "no journal is kept: journal.requests is 0, or its file cannot be used, as the log says",
                code="no_journal",
            )
        await self.write()
        return self._database

    async def _write(self) -> None:
        database, most = self._database, BATCH
        while database is not None and self._waiting:
            batch = tuple(islice(self._waiting, most))
            try:
                await database.run(lambda c, batch=batch: journal.add(c, [entry_of(record) for record in batch]))
            except DovetailError as failure:
                self._complain(failure)
                return
            except Exception:  # whatever is wrong with one of them, the others are to be kept
                if len(batch) > 1:
                    most = len(batch) // 10 or 1
                    continue
                log.exception("journal_record_lost")
                self.dropped += 1
            most, self._complained = BATCH if len(batch) == 1 else most, False
            for _ in batch:
                self._waiting.popleft()
        await self._prune()

    async def _prune(self) -> None:
        now = self._clock()
        if self._database is None or now - self._pruned < PRUNE_EVERY:
            return
        self._pruned = now
        said = self.settings
        try:
            await self._database.run(lambda c: journal.prune(c, now - said.days * DAY, said.requests))
        except DovetailError as failure:
            self._complain(failure)

    def _complain(self, failure: DovetailError) -> None:
        """Once, until it works again."""
        if not self._complained:
            log.warning("journal_not_written", reason=failure.message, waiting=len(self._waiting), dropped=self.dropped)
        self._complained = True


def opened(home: Path, settings: JournalSettings) -> Journal:
    """The journal of a home folder. Blocks. One whose file cannot be used keeps nothing, and the log says why."""
    try:
        return Journal(Database.open(home / journal.FILE_NAME, journal.JOURNAL), settings)
    except DatabaseUnusable as failure:
        log.warning("journal_unusable", reason=str(failure))
        return Journal(None, settings)


def entry_of(record: RequestRecord) -> Entry:
    usage = record.usage
    return Entry(
        began=record.began,
        id=record.id,
        request_id=record.request_id,
        caller=record.caller.id,
        key=record.caller.key,
        kind=record.kind,
        endpoint=record.endpoint,
        model=record.model[:256],
        streamed=record.streamed,
        status=record.status,
        error=record.error,
        finish=record.choices[0].reason if record.choices else None,
        choices=len(record.choices),
        duration=record.duration,
        queued=record.queued,
        loading=record.loading,
        prefill=record.prefill,
        ttft=record.ttft,
        decode=record.decode,
        prompt_tokens=usage.prompt,
        cached_tokens=usage.cached,
        completion_tokens=usage.completion,
        prompt_speed=record.prompt_speed,
        speed=record.speed,
    )
