"""Stored responses, as rows."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.storage import responses
from dovetail.storage.database import MIGRATIONS
from dovetail.storage.responses import Bounds, Item, Stored

ROOM = Bounds(count=100, since=0.0, size=1 << 20)


def made() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript((MIGRATIONS / "0003_responses.sql").read_text("utf-8"))
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    found = made()
    yield found
    found.close()


def stored(name: str, previous: str | None = None, caller: str = "ann", created: float = 1.0) -> Stored:
    return Stored(name, caller, created, previous, "{}", [Item(f"{name}-in", "i")], [Item(f"{name}-out", "o")])


def kept(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT response FROM response_item GROUP BY response ORDER BY response").fetchall()
    ids = connection.execute("SELECT id FROM response ORDER BY id").fetchall()
    assert rows == ids
    return [str(row[0]) for row in ids]


def test_what_was_stored_is_found_by_its_caller_alone(connection: sqlite3.Connection) -> None:
    responses.add(connection, stored("a"), ROOM)
    found = responses.response(connection, "ann", "a")
    assert found is not None
    assert (found.given, found.made) == ((Item("a-in", "i"),), (Item("a-out", "o"),))
    assert responses.response(connection, "bob", "a") is None
    assert responses.items(connection, "ann", ["a-out", "none", "a-in"]) == {"a-out": "o", "a-in": "i"}
    assert responses.items(connection, "bob", ["a-out"]) == {}
    assert not responses.remove(connection, "bob", "a")
    assert responses.remove(connection, "ann", "a")
    assert (responses.items(connection, "ann", ["a-out"]), kept(connection)) == ({}, [])


def test_of_items_of_one_id_the_newest_is_found(connection: sqlite3.Connection) -> None:
    for name, created in (("old", 1.0), ("new", 2.0)):
        responses.add(connection, Stored(name, "ann", created, None, "{}", [Item("msg", name)], []), ROOM)
    assert responses.items(connection, "ann", ["msg"]) == {"msg": "new"}


def test_a_conversation_is_all_that_came_before(connection: sqlite3.Connection) -> None:
    for name, previous in (("a", None), ("b", "a"), ("c", "b"), ("other", "a")):
        one = stored(name, previous)
        told = Stored(one.id, one.caller, 1.0, previous, "{}", [Item(f"{name}i", f"{name}i")], [Item(name, name)])
        responses.add(connection, told, ROOM)
    assert responses.conversation(connection, "ann", "c") == ["ai", "a", "bi", "b", "ci", "c"]
    assert responses.conversation(connection, "bob", "c") is None
    responses.remove(connection, "ann", "a")
    assert responses.conversation(connection, "ann", "c") is None


def test_what_is_old_goes(connection: sqlite3.Connection) -> None:
    responses.add(connection, stored("old", created=1.0), ROOM)
    responses.add(connection, stored("new", created=9.0), Bounds(100, since=5.0, size=1 << 20))
    assert kept(connection) == ["new"]


@given(st.lists(st.sampled_from(["ann", "bob"]), max_size=30), st.integers(1, 5), st.integers(4, 40))
def test_the_newest_stay_within_the_bounds(callers: list[str], count: int, size: int) -> None:
    connection = made()
    names: list[tuple[str, str]] = []
    for i, caller in enumerate(callers):
        one = stored(f"{i:02}", caller=caller, created=float(i))
        responses.add(connection, one, Bounds(count, 0.0, size))
        names.append((one.id, caller))
    there = kept(connection)
    assert len(there) * 4 <= size
    for caller in ("ann", "bob"):
        own = [name for name, by in names if by == caller]
        left = [name for name in there if name in own]
        assert len(left) <= count
        assert left == own[len(own) - len(left) :]
    connection.close()
