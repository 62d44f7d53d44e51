"""The journal of requests, as rows of a file of its own, which may be lost without losing anything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TypeAlias

from dovetail.storage.database import MIGRATIONS, Schema

FILE_NAME = "journal.db"
JOURNAL = Schema(
    0x4456544A,  # "DVTJ"
    MIGRATIONS / "journal",
    "move it away, and a new one is begun at the next start",
    durable=False,
)
FIGURES = ("duration", "ttft", "speed")  # those that percentiles are told of
PERCENTS = (50, 95, 99)

Connection = sqlite3.Connection
Value: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: `began` in seconds since 1970, other times durations in seconds, speeds in tokens a second."""

    began: float
    id: str
    request_id: str
    caller: str
    key: str | None
    kind: str
    endpoint: str
    model: str
    streamed: bool
    status: int
    error: str | None
    finish: str | None
    choices: int
    duration: float
    queued: float
    loading: float
    prefill: float | None
    ttft: float | None
    decode: float | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_speed: float | None
    speed: float | None


COLUMNS = tuple(field.name for field in fields(Entry))
_row = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which requests are meant; what is None matters not. `failed`: with a status from 400 on, or below."""

    model: str | None = None
    caller: str | None = None
    key: str | None = None
    status: int | None = None
    failed: bool | None = None
    since: float | None = None
    until: float | None = None

    def where(self) -> tuple[str, list[Value]]:
        """A condition for SQL, and its values."""
        tests: list[tuple[str, Value]] = [
            ("model = ?", self.model),
            ("caller = ?", self.caller),
            ("key = ?", self.key),
            ("status = ?", self.status),
            ("(status >= 400) = ?", None if self.failed is None else int(self.failed)),
            ("began >= ?", self.since),
            ("began < ?", self.until),
        ]
        meant = [(test, value) for test, value in tests if value is not None]
        return " AND ".join(["1", *(test for test, _ in meant)]), [value for _, value in meant]


@dataclass(frozen=True, slots=True)
class Summary:
    """`percentiles` by figure of `FIGURES`, in order of `PERCENTS`; none where no request has the figure."""

    requests: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    percentiles: dict[str, tuple[float, ...]]


def add(connection: Connection, entries: Sequence[Entry]) -> None:
    """Those that are there already are not added again: whoever was told too late that they were stored asks twice."""
    places = ", ".join("?" * len(COLUMNS))
    connection.executemany(
        f"INSERT INTO request ({', '.join(COLUMNS)}) SELECT {places}"  # noqa: S608  names of our own
        " WHERE NOT EXISTS (SELECT 1 FROM request WHERE began = ? AND id = ?)",
        [(*_row(entry), entry.began, entry.id) for entry in entries],
    )


def page(connection: Connection, which: Filter, most: int, before: int | None = None) -> list[tuple[int, Entry]]:
    """The last that ended and are meant, with their numbers; `before`: of those with lower ones."""
    condition, values = which.where()
    rows = connection.execute(
        f"SELECT number, {', '.join(COLUMNS)} FROM request WHERE {condition} AND number < ?"  # noqa: S608  names of our own
        " ORDER BY number DESC LIMIT ?",
        (*values, before if before is not None else 1 << 62, most),
    )
    return [(number, Entry(*row)) for number, *row in rows]


def summary(connection: Connection, which: Filter) -> Summary:
    """Read as a whole by SQLite, which lets other threads work meanwhile."""
    condition, values = which.where()
    counts: tuple[int, int, int, int, int] = connection.execute(
        "SELECT count(*), coalesce(sum(status >= 400), 0), coalesce(sum(prompt_tokens), 0),"  # noqa: S608  names of our own
        " coalesce(sum(cached_tokens), 0), coalesce(sum(completion_tokens), 0)"
        f" FROM request WHERE {condition}",
        values,
    ).fetchone()
    return Summary(*counts, {figure: _percentiles(connection, figure, condition, values) for figure in FIGURES})


def prune(connection: Connection, since: float, most: int) -> None:
    """Removes what is older than `since`, and beyond the newest `most`."""
    connection.execute("DELETE FROM request WHERE began < ?", (since,))
    connection.execute(
        "DELETE FROM request WHERE number <= (SELECT number FROM request ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (most,),
    )


def _percentiles(connection: Connection, figure: str, condition: str, values: list[Value]) -> tuple[float, ...]:
    """By the nearest rank: each is a value that was measured."""
    places = ", ".join("(many * ? + 99) / 100" for _ in PERCENTS)
    rows = connection.execute(
        f"WITH told AS (SELECT {figure} AS value FROM request WHERE {condition} AND {figure} IS NOT NULL),"  # noqa: S608  names of our own
        " ranked AS (SELECT value, row_number() OVER (ORDER BY value) AS place, count(*) OVER () AS many FROM told)"
        f" SELECT place, many, value FROM ranked WHERE place IN ({places})",
        (*values, *PERCENTS),
    ).fetchall()
    found = {place: value for place, _, value in rows}
    return tuple(found[(rows[0][1] * percent + 99) // 100] for percent in PERCENTS) if rows else ()
