"""Benchmarks that have ended, as rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

Connection = sqlite3.Connection

MOST = 500  # that are kept


@dataclass(frozen=True, slots=True)
class Row:
    """A benchmark; `body` is all of it as JSON, `began` in seconds since 1970."""

    id: str
    began: float
    body: str


def add(connection: Connection, new: Row, *, most: int = MOST) -> None:
    """The oldest make room, so that there are `most`."""
    connection.execute("INSERT INTO benchmark (id, began, body) VALUES (?, ?, ?)", (new.id, new.began, new.body))
    connection.execute(
        "DELETE FROM benchmark WHERE id NOT IN (SELECT id FROM benchmark ORDER BY began DESC, id LIMIT ?)", (most,)
    )


def newest(connection: Connection, count: int) -> list[Row]:
    """The newest first."""
    rows = connection.execute("SELECT id, began, body FROM benchmark ORDER BY began DESC, id LIMIT ?", (count,))
    return [Row(*row) for row in rows]


def one(connection: Connection, benchmark: str) -> Row | None:
    found = connection.execute("SELECT id, began, body FROM benchmark WHERE id = ?", (benchmark,)).fetchone()
    return None if found is None else Row(*found)


def remove(connection: Connection, benchmark: str) -> bool:
    return connection.execute("DELETE FROM benchmark WHERE id = ?", (benchmark,)).rowcount == 1
