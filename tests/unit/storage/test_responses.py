"""Stored responses, as rows."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.storage import responses
from dovetail.storage.database import MIGRATIONS
from dovetail.storage.responses import Bounds, Item, Kind, Stored, Wanted

ROOM = Bounds(count=100, since=0.0, size=1 << 20)


def made() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for script in ("0003_responses.sql", "0004_completions.sql"):
        connection.executescript((MIGRATIONS / script).read_text("utf-8"))
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    found = made()
    yield found
    found.close()


def stored(
    name: str, previous: str | None = None, caller: str = "ann", created: float = 1.0, kind: Kind = "response"
) -> Stored:
    return Stored(name, caller, created, previous, "{}", [Item(f"{name}-in", "i")], [Item(f"{name}-out", "o")], kind)


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


def test_of_what_is_old_there_is_nothing_any_more(connection: sqlite3.Connection) -> None:
    for name, created in (("old", 1.0), ("new", 9.0)):
        responses.add(connection, stored(name, created=created), ROOM)
    responses.expire(connection, 5.0)
    assert kept(connection) == ["new"]


def test_what_alone_is_beyond_the_bounds_moves_nothing_out(connection: sqlite3.Connection) -> None:
    assert responses.add(connection, stored("a"), ROOM)
    assert not responses.add(connection, stored("b"), Bounds(100, 0.0, 3))
    assert kept(connection) == ["a"]


def test_bounds_are_of_bytes_in_every_script(connection: sqlite3.Connection) -> None:
    korean = Stored("k", "ann", 1.0, None, "{}", [Item("i", "서울")], [Item("o", "é")])
    assert korean.size == 2 + 6 + 2
    assert not responses.add(connection, korean, Bounds(9, 0.0, 9))
    assert responses.add(connection, korean, Bounds(9, 0.0, 10))


def test_a_page_is_read_without_what_was_given(connection: sqlite3.Connection) -> None:
    responses.add(connection, stored("a"), ROOM)
    page = responses.page(connection, "ann", "response", Wanted(1))
    assert page is not None
    assert [(one.given, one.made) for one in page] == [((), (Item("a-out", "o"),))]


def test_all_of_a_caller_goes(connection: sqlite3.Connection) -> None:
    for name, caller in (("a", "ann"), ("b", "bob"), ("c", "ann")):
        responses.add(connection, stored(name, caller=caller), ROOM)
    responses.forget(connection, "ann")
    assert kept(connection) == ["b"]


def test_each_kind_is_found_as_that_kind_alone(connection: sqlite3.Connection) -> None:
    responses.add(connection, stored("r"), ROOM)
    responses.add(connection, stored("c", kind="chat.completion"), ROOM)
    assert responses.response(connection, "ann", "c") is None
    assert responses.response(connection, "ann", "r", "chat.completion") is None
    assert responses.conversation(connection, "ann", "c") is None
    assert responses.items(connection, "ann", ["c-in", "r-in"]) == {"r-in": "i"}
    assert not responses.remove(connection, "ann", "c")
    assert responses.remove(connection, "ann", "c", "chat.completion")
    assert kept(connection) == ["r"]


@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 4), st.booleans()), max_size=20),
    st.integers(1, 5), st.booleans(), st.booleans(),
)  # fmt: skip
def test_pages_hold_each_that_fits_once_and_in_order(
    made_at: list[tuple[str, int, bool]], most: int, descending: bool, every: bool
) -> None:
    connection = made()
    wanted: list[tuple[int, int, str]] = []
    for i, (caller, created, odd) in enumerate(made_at):
        body = "odd" if odd else "even"
        one = Stored(f"{i:02}", caller, float(created), None, body, [], [], "chat.completion")
        responses.add(connection, one, ROOM)
        if caller == "ann" and (every or odd):
            wanted.append((created, i, one.id))
    responses.add(connection, stored("response"), ROOM)
    seen: list[str] = []
    after: str | None = None
    while True:
        asked = Wanted(most, after, descending, lambda text: every or text == "odd")
        page = responses.page(connection, "ann", "chat.completion", asked)
        assert page is not None
        if not page:
            break
        assert len(page) <= most
        seen += [one.id for one in page]
        after = seen[-1]
    assert seen == [name for _, _, name in sorted(wanted, reverse=descending)]
    assert responses.page(connection, "ann", "chat.completion", Wanted(1, "response")) is None
    connection.close()


def test_another_body_in_the_place_of_one(connection: sqlite3.Connection) -> None:
    one = Stored("a", "ann", 1.0, None, "{}", [], [], "chat.completion")
    responses.add(connection, one, ROOM)
    new = Stored("a", "ann", 1.0, None, '{"a":1}', [], [], "chat.completion")
    responses.rewrite(connection, new)
    found = responses.response(connection, "ann", "a", "chat.completion")
    assert found is not None
    assert found.body == new.body
    assert connection.execute("SELECT size FROM response").fetchone() == (len(new.body),)


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
