"""One SQLite file, used on one thread of its own: opened and migrated or refused, never made anew over a broken one."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from dovetail.core.errors import Busy, DovetailError

log = structlog.stdlib.get_logger(__name__)

FILE_NAME = "dovetail.db"
MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_SECONDS = 5.0
# A wait for others' writes, and for the uses before this one.
_WITHIN = BUSY_SECONDS + 0.5
_WAITING = 256
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_STEPS = 100_000  # of SQLite's machine between two looks at the clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file holds.

    application  tells it from any other SQLite database
    folder       of its numbered scripts; its version is how many it has had
    remedy       what to do about one that cannot be used
    durable      whether what was committed outlives a power cut
    """

    application: int
    folder: Path
    remedy: str
    durable: bool = True

    def scripts(self) -> list[Path]:
        return sorted(self.folder.glob("*.sql"))


ACCESS = Schema(0x4456544C, MIGRATIONS, "put a backup in its place with: dovetail admin restore FILE")  # "DVTL"


class DatabaseUnusable(Exception):
    """The database is corrupt, unreadable or too new; the message is one line that says how to go on."""


class Database:
    """An open database. Each `run` is one transaction, one at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "database")
        self._waiting = 0
        self._until = math.inf
        connection.set_progress_handler(lambda: time.monotonic() > self._until, _STEPS)

    @classmethod
    def open(cls, path: Path, schema: Schema = ACCESS) -> Database:
        """Opens or first makes the file, and migrates it. Blocks; raises DatabaseUnusable and changes nothing then."""
        try:
            if not path.exists():
                _make(path, schema)
            return cls(_opened(path, schema))
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, _reason(error), schema) from None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of the connection, on the database's thread, committed as a whole or not at all.

        Raises Busy (`database_busy`) when the file stays locked or the work takes too long, 507 when the disk is full.
        """
        if self._waiting >= _WAITING:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(_WITHIN):
                until = time.monotonic() + _WITHIN
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work, until)
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1

    def now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same, blocking: for commands, which have no event loop."""
        return self._thread.submit(self._transaction, work).result()

    def close(self) -> None:
        """Waits for the use under way."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._connection.close()

    def _transaction(self, work: Callable[[sqlite3.Connection], T], until: float = math.inf) -> T:
        """Ends by `until`, on the monotonic clock, so that nobody waits behind what nobody waits for any more."""
        self._until = until
        try:
            self._connection.execute("BEGIN")
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise _translated(error) from error
            raise
        return result


def present(path: Path, work: Callable[[sqlite3.Connection], T], schema: Schema = ACCESS) -> T | None:
    """What `work` reads from the database at `path`, None where there is none. Blocks, writes nothing.

    Raises DatabaseUnusable.
    """
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            _check(connection, schema)
            return work(connection)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, _reason(error), schema) from None


def copy(path: Path, target: Path, schema: Schema = ACCESS) -> None:
    """Writes what `path` holds now, whoever uses it, to the new file `target`. Raises DatabaseUnusable, OSError."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(target)) as copied,
        ):
            _check(source, schema)
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise _unusable(path, _reason(error), schema) from None


def check(path: Path, schema: Schema = ACCESS) -> None:
    """Raises DatabaseUnusable when the file could not be started with."""
    if not path.exists():
        raise _unusable(path, "there is no such file", schema)
    present(path, lambda _: None, schema)


def _make(path: Path, schema: Schema) -> None:
    """Under another name first, so that a file of this name is whole or broken, never half made."""
    part = path.with_name(f"{path.name}.new")
    for rest in (part, part.with_name(f"{part.name}-journal")):
        rest.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {schema.application}")
        _migrate(connection, schema)
    part.rename(path)


def _opened(path: Path, schema: Schema) -> sqlite3.Connection:
    # A file that is no longer there must not come back empty.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _check(connection, schema)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if schema.durable else 'NORMAL'}")
        connection.create_function("folded", 1, str.casefold, deterministic=True)  # LIKE folds ASCII alone
        _migrate(connection, schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, schema: Schema) -> None:
    """Raises sqlite3.DatabaseError for a file that is not ours, is torn, or comes from a newer program."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.application:
        raise sqlite3.DatabaseError("it is not a database of this program")
    found, known = connection.execute("PRAGMA user_version").fetchone()[0], len(schema.scripts())
    if found > known:
        raise sqlite3.DatabaseError(f"a newer version wrote it (schema {found}, this one knows {known})")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict).splitlines()[0])


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(schema.scripts()[done:], done + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script.read_text('utf-8')};PRAGMA user_version = {number};COMMIT;")


def _unusable(path: Path, reason: str, schema: Schema = ACCESS) -> DatabaseUnusable:
    return DatabaseUnusable(f"the database {path} cannot be used: {reason}; nothing was changed: {schema.remedy}")


def _reason(error: sqlite3.Error | OSError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _busy() -> Busy:
    return Busy("the database is in use by another program; try again in a moment", code="database_busy")


def _translated(error: sqlite3.DatabaseError) -> DovetailError:
    code = error.sqlite_errorcode & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _busy()
    if code == sqlite3.SQLITE_INTERRUPT:
        return Busy("the database takes too long for this; ask for less at once", code="database_busy")
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return DovetailError("the disk is full or broken: nothing was stored", code="insufficient_storage", status=507)
    log.error("database_failed", reason=str(error))
    return DovetailError("the database refused; the log has the details")
