"""Where conversations are kept: the database, and the task that removes for good what was deleted a while ago."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import orjson
import structlog

from dovetail.core.errors import Busy, DovetailError
from dovetail.gateway.chats.blobs import FOLDER, Blobs
from dovetail.gateway.chats.parts import parts_of, searched
from dovetail.gateway.chats.pdf import PdfReader
from dovetail.storage import chat_files, chat_search, chats
from dovetail.storage.database import Database, DatabaseUnusable

log = structlog.stdlib.get_logger(__name__)

UNDO = 600.0  # seconds in which a deleted conversation can be restored
SWEEP_EVERY = 60.0
INTERRUPTED = {
    "code": "interrupted",
    "message": "the server ended while this was written; what came before is all there is: continue it, or ask again",
    "param": None,
}

T = TypeVar("T")


class Archive:
    """All conversations of a home folder; without a `database` there are none, for the reason that `broken` tells."""

    def __init__(
        self,
        database: Database | None = None,
        blobs: Blobs | None = None,
        broken: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.blobs = blobs or Blobs(Path(FOLDER))
        self.pdf = PdfReader()
        # Held from the first byte of a file to its row, and while those without a row are removed.
        self._files = asyncio.Lock()
        self._may_be_left = True  # files without a row: of a server that was killed, of what was refused
        self._database = database
        self._broken = broken
        self._heirs: dict[str, str] = {}
        self.clock = clock

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction. Raises Busy where the conversations cannot be used, and what the database raises."""
        if self._database is None:
            raise Busy(self._broken or "this server keeps no conversations", code="chats_unusable")
        return await self._database.run(work)

    async def sweep(self) -> None:
        """Removes what can be restored no longer."""
        purged = await self.run(lambda c: chats.purge(c, before=self.clock() - UNDO))
        if purged or self._may_be_left:
            await self._drop_files()

    @asynccontextmanager
    async def storing(self) -> AsyncGenerator[None]:
        """Around a file's bytes and the row that names them; of what fails inside, the next sweep removes the bytes."""
        async with self._files:
            try:
                yield
            except BaseException:
                self._may_be_left = True
                raise

    async def take_back(self, chat_ids: Sequence[str]) -> None:
        """Removes what was stored of an import that failed; where that cannot be now, it is swept away later."""
        self._may_be_left = True

        def work(c: sqlite3.Connection) -> None:
            for chat_id in chat_ids:
                chats.drop(c, chat_id)

        try:
            await self.run(work)
        except DovetailError as failure:
            log.warning("import_not_taken_back", chats=len(chat_ids), reason=failure.message)

    async def forget(self, owner: str) -> None:
        """Removes all that an account has kept, which is no more or begins anew."""
        if self._database is not None:
            await self.run(lambda c: chats.purge(c, owner=owner))
            await self._drop_files()

    async def hand_over(self, owner: str, to: str) -> None:
        """What somebody without a name has kept belongs to the first account."""
        if self._database is None:
            return

        def work(c: sqlite3.Connection) -> None:
            chats.hand_over(c, owner, to)
            self._heirs[owner] = to

        try:
            await self.run(work)
        except DovetailError as failure:  # the account is there, whatever becomes of this
            log.warning("chats_not_handed_over", reason=failure.message)

    def heir(self, owner: str) -> str:
        """Whose that is by now which `owner` is storing: asked in a transaction, it holds for it."""
        return self._heirs.get(owner, owner)

    async def _drop_files(self) -> None:
        """Those that no conversation has any more; what cannot be removed now is tried again with the next sweep."""
        self._may_be_left = True
        async with self._files:
            used = await self.run(chat_files.hashes)
            try:
                await asyncio.to_thread(self.blobs.keep_only, used)
            except OSError as failure:
                log.warning("chat_files_not_removed", reason=failure.strerror or str(failure))
                return
            self._may_be_left = False

    async def run_sweeps(self, every: float = SWEEP_EVERY) -> None:
        """Until cancelled."""
        while self._database is not None:
            try:
                await self.sweep()
            except DovetailError as failure:  # a database that is busy is swept later
                log.warning("chats_not_swept", reason=failure.message)
            await asyncio.sleep(every)

    async def aclose(self) -> None:
        if self._database is not None:
            await asyncio.to_thread(self._database.close)


def opened(home: Path) -> Archive:
    """The conversations of a home folder. Blocks. Where the file cannot be used, the rest of the server goes on."""
    try:
        database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    except DatabaseUnusable as failure:
        log.warning("chats_unusable", reason=str(failure))
        return Archive(broken=str(failure))
    if not database.now(chat_search.prepare):
        log.warning("chats_without_index", reason="this Python's SQLite has no FTS5; searches read every message")
    error = orjson.dumps(INTERRUPTED).decode()
    if count := database.now(lambda c: chats.interrupted(c, error, lambda text: searched(parts_of(text)))):
        log.warning("answers_interrupted", messages=count)
    return Archive(database, Blobs(home / FOLDER))
