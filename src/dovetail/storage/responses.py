"""Stored responses and chat completions, as rows: each of one caller, with the items it was given and those it made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

Connection = sqlite3.Connection
Kind: TypeAlias = Literal["response", "chat.completion"]
_WHOLE = "id, caller, created, previous, body"
_PLACE = "SELECT created, rowid FROM response WHERE id = ? AND caller = ? AND kind = ?"
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
    """A response or a chat completion.

    body      JSON text without the output
    previous  the response that it goes on from
    given     items of the input, or messages
    made      items of the output, or choices
    """

    id: str
    caller: str
    created: float
    previous: str | None
    body: str
    given: Sequence[Item]
    made: Sequence[Item]
    kind: Kind = "response"

    @property
    def size(self) -> int:
        """Bytes of all its texts."""
        return sum(len(text.encode()) for text in (self.body, *(item.body for item in (*self.given, *self.made))))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: of one caller, none older than `since`, bytes of all callers together."""

    count: int
    since: float
    size: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which a page has, by age: at most `most`, behind the one of the id `after`, of bodies that `fits` takes."""

    most: int
    after: str | None = None
    descending: bool = False
    fits: Callable[[str], bool] = lambda _: True


def add(connection: Connection, new: Stored, bounds: Bounds) -> bool:
    """The oldest that are beyond the bounds go. False, and nothing is done, when it alone is beyond them."""
    if new.size > bounds.size:
        return False
    row = (new.id, new.caller, new.created, new.previous, new.size, new.body, new.kind)
    connection.execute(
        "INSERT INTO response (id, caller, created, previous, size, body, kind) VALUES (?, ?, ?, ?, ?, ?, ?)", row
    )
    items = [(item, 0) for item in new.given] + [(item, 1) for item in new.made]
    connection.executemany(
        "INSERT INTO response_item (response, place, id, made, body) VALUES (?, ?, ?, ?, ?)",
        [(new.id, place, item.id, made, item.body) for place, (item, made) in enumerate(items)],
    )
    _trim(connection, new.caller, bounds)
    return True


def response(connection: Connection, caller: str, response_id: str, kind: Kind = "response") -> Stored | None:
    found = connection.execute(
        f"SELECT {_WHOLE} FROM response WHERE id = ? AND caller = ? AND kind = ?",  # noqa: S608  columns
        (response_id, caller, kind),
    ).fetchone()
    return None if found is None else _stored(connection, found, kind)


def page(connection: Connection, caller: str, kind: Kind, wanted: Wanted) -> list[Stored] | None:
    """Without what they were given, which may be large and is not shown. None where there is no such `after`."""
    find, values = f"SELECT {_WHOLE} FROM response WHERE caller = ? AND kind = ?", [caller, kind]  # noqa: S608  columns
    way, beyond = ("DESC", "<") if wanted.descending else ("ASC", ">")
    if wanted.after is not None:
        at = connection.execute(_PLACE, (wanted.after, caller, kind)).fetchone()
        if at is None:
            return None
        find += f" AND (created, rowid) {beyond} (?, ?)"
        values += at
    rows = connection.execute(f"{find} ORDER BY created {way}, rowid {way}", values)
    fitting = (row for row in rows if wanted.fits(row[-1]))
    return [
        Stored(*row, given=(), made=_items(connection, row[0], made=1), kind=kind)
        for row in islice(fitting, wanted.most)
    ]


def rewrite(connection: Connection, new: Stored) -> None:
    """Puts another body in the place of the one that was stored."""
    connection.execute("UPDATE response SET body = ?, size = ? WHERE id = ?", (new.body, new.size, new.id))


def remove(connection: Connection, caller: str, response_id: str, kind: Kind = "response") -> bool:
    if connection.execute(_PLACE, (response_id, caller, kind)).fetchone() is None:
        return False
    for statement in _REMOVE:
        connection.execute(statement.format("?"), (response_id,))
    return True


def expire(connection: Connection, since: float) -> None:
    """Removes what is older."""
    for statement in _REMOVE:
        connection.execute(statement.format("SELECT id FROM response WHERE created < ?"), (since,))


def forget(connection: Connection, caller: str) -> None:
    """Removes all of a caller."""
    for statement in _REMOVE:
        connection.execute(statement.format("SELECT id FROM response WHERE caller = ?"), (caller,))


def hand_over(connection: Connection, caller: str, to: str) -> None:
    """All that `caller` has is somebody else's."""
    connection.execute("UPDATE response SET caller = ? WHERE caller = ?", (to, caller))


def conversation(
    connection: Connection, caller: str, response_id: str, fits: Callable[[str], bool] = lambda _: True
) -> list[str] | None:
    """The items of a response and of all that it goes on from, oldest first.

    None where one of them is gone, or has a body that `fits` does not take.
    """
    found: list[str] = []
    at: str | None = response_id
    while at is not None:
        one = response(connection, caller, at)
        if one is None or not fits(one.body):
            return None
        found = [*(item.body for item in (*one.given, *one.made)), *found]
        at = one.previous
    return found


def items(
    connection: Connection, caller: str, item_ids: Iterable[str], fits: Callable[[str], bool] = lambda _: True
) -> dict[str, str]:
    """The items of those ids that responses are kept with for the caller, of bodies that `fits` takes."""
    find = (
        "SELECT i.body, r.body FROM response_item i JOIN response r ON r.id = i.response WHERE i.id = ?"
        " AND r.caller = ? AND r.kind = 'response' ORDER BY r.created DESC, r.rowid DESC"
    )
    found = {
        name: next((str(item) for item, body in connection.execute(find, (name, caller)) if fits(body)), None)
        for name in item_ids
    }
    return {name: item for name, item in found.items() if item is not None}


def _stored(connection: Connection, row: tuple[str, str, float, str | None, str], kind: Kind) -> Stored:
    given, made = (_items(connection, row[0], made=made) for made in (0, 1))
    return Stored(*row, given=given, made=made, kind=kind)


def _items(connection: Connection, response_id: str, *, made: int) -> tuple[Item, ...]:
    find = "SELECT id, body FROM response_item WHERE response = ? AND made = ? ORDER BY place"
    return tuple(Item(*row) for row in connection.execute(find, (response_id, made)))


def _trim(connection: Connection, caller: str, bounds: Bounds) -> None:
    many = "SELECT id FROM response WHERE caller = ? ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?"
    large = (
        "SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY created DESC, rowid DESC) AS total FROM response)"
        " WHERE total > ?"
    )
    expire(connection, bounds.since)
    for which, values in ((many, (caller, bounds.count)), (large, (bounds.size,))):
        for statement in _REMOVE:
            connection.execute(statement.format(which), values)
