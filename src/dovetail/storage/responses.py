"""Stored responses of OpenAI's dialect, as rows: each of one caller, with the items it was given and those it made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Connection = sqlite3.Connection
_REMOVE = (
    "DELETE FROM response_item WHERE response IN ({0})",
    "DELETE FROM response WHERE id IN ({0})",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item as JSON text."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A response. `body` is JSON text without the output, `previous` the response that it goes on from."""

    id: str
    caller: str
    created: float
    previous: str | None
    body: str
    given: Sequence[Item]
    made: Sequence[Item]

    @property
    def size(self) -> int:
        """Characters of all its texts."""
        return len(self.body) + sum(len(item.body) for item in (*self.given, *self.made))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: responses of one caller, none older than `since`, bytes of all callers together."""

    count: int
    since: float
    size: int


def add(connection: Connection, new: Stored, bounds: Bounds) -> None:
    """The oldest that are beyond the bounds go."""
    row = (new.id, new.caller, new.created, new.previous, new.size, new.body)
    connection.execute(
        "INSERT INTO response (id, caller, created, previous, size, body) VALUES (?, ?, ?, ?, ?, ?)", row
    )
    items = [(item, 0) for item in new.given] + [(item, 1) for item in new.made]
    connection.executemany(
        "INSERT INTO response_item (response, place, id, made, body) VALUES (?, ?, ?, ?, ?)",
        [(new.id, place, item.id, made, item.body) for place, (item, made) in enumerate(items)],
    )
    _trim(connection, new.caller, bounds)


def response(connection: Connection, caller: str, response_id: str) -> Stored | None:
    found = connection.execute(
        "SELECT id, caller, created, previous, body FROM response WHERE id = ? AND caller = ?", (response_id, caller)
    ).fetchone()
    if found is None:
        return None
    given, made = _items(connection, response_id)
    return Stored(*found, given=given, made=made)


def remove(connection: Connection, caller: str, response_id: str) -> bool:
    found = connection.execute("SELECT 1 FROM response WHERE id = ? AND caller = ?", (response_id, caller)).fetchone()
    if found is None:
        return False
    for statement in _REMOVE:
        connection.execute(statement.format("?"), (response_id,))
    return True


def conversation(connection: Connection, caller: str, response_id: str) -> list[str] | None:
    """The items of a response and of all that it goes on from, oldest first; None where one of them is gone."""
    found: list[str] = []
    at: str | None = response_id
    while at is not None:
        one = response(connection, caller, at)
        if one is None:
            return None
        found = [*(item.body for item in (*one.given, *one.made)), *found]
        at = one.previous
    return found


def items(connection: Connection, caller: str, item_ids: Iterable[str]) -> dict[str, str]:
    """The items of those ids that are kept for the caller."""
    find = (
        "SELECT i.body FROM response_item i JOIN response r ON r.id = i.response WHERE i.id = ? AND r.caller = ?"
        " ORDER BY r.created DESC, r.rowid DESC LIMIT 1"
    )
    found = {name: connection.execute(find, (name, caller)).fetchone() for name in item_ids}
    return {name: str(row[0]) for name, row in found.items() if row is not None}


def _items(connection: Connection, response_id: str) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    rows = connection.execute(
        "SELECT made, id, body FROM response_item WHERE response = ? ORDER BY place", (response_id,)
    ).fetchall()
    return tuple(Item(i, b) for made, i, b in rows if not made), tuple(Item(i, b) for made, i, b in rows if made)


def _trim(connection: Connection, caller: str, bounds: Bounds) -> None:
    old = "SELECT id FROM response WHERE created < ?"
    many = "SELECT id FROM response WHERE caller = ? ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?"
    large = (
        "SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY created DESC, rowid DESC) AS total FROM response)"
        " WHERE total > ?"
    )
    for which, values in ((old, (bounds.since,)), (many, (caller, bounds.count)), (large, (bounds.size,))):
        for statement in _REMOVE:
            connection.execute(statement.format(which), values)
