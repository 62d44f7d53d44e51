import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from dovetail.core.errors import Busy, DovetailError
from dovetail.storage import database
from dovetail.storage.database import ACCESS, Database, DatabaseUnusable

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dovetail.db"


@pytest.fixture
def opened(path: Path) -> Generator[Database]:
    made = Database.open(path)
    yield made
    made.close()


def put(connection: sqlite3.Connection, name: str = "a") -> None:
    connection.execute("INSERT INTO account VALUES (?, 'member', 'x', 0)", (name,))


def names(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM account ORDER BY name")]


async def test_what_is_stored_is_there_again(path: Path) -> None:
    first = Database.open(path)
    await first.run(put)
    first.close()
    second = Database.open(path)
    assert await second.run(names) == ["a"]
    second.close()


async def test_it_is_private_durable_and_of_this_schema(opened: Database, path: Path) -> None:
    await opened.run(put)
    beside = [path, *path.parent.glob("dovetail.db-*")]
    assert {file.stat().st_mode & 0o777 for file in beside} == {0o600}

    def facts(connection: sqlite3.Connection) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "user_version", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert await opened.run(facts) == ["wal", 2, len(ACCESS.scripts()), 5000]


async def test_a_use_that_fails_leaves_nothing(opened: Database) -> None:
    def half(connection: sqlite3.Connection) -> None:
        put(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await opened.run(half)
    assert await opened.run(names) == []


def broken(path: Path, how: str) -> None:
    match how:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_bytes(b"hello" * 1000)
        case "a folder":
            path.mkdir()
        case "another program's":
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE TABLE x (y)")
            connection.close()
        case "newer":
            Database.open(path).close()
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA user_version = 99")
            connection.close()
        case _:
            Database.open(path).close()
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.bad_input("63")
@pytest.mark.parametrize("how", ["empty", "text", "a folder", "another program's", "newer", "torn"])
def test_one_that_cannot_be_used_stays_as_it_is(path: Path, how: str) -> None:
    broken(path, how)
    before = path.is_dir() or path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="dovetail admin restore") as raised:
        Database.open(path)
    assert "\n" not in str(raised.value)
    assert (path.is_dir() or path.read_bytes()) == before
    with pytest.raises(DatabaseUnusable):
        database.present(path, names)


def test_what_a_half_made_one_left_is_no_hindrance(path: Path) -> None:
    path.with_name("dovetail.db.new").write_bytes(b"half")
    Database.open(path).close()
    assert not path.with_name("dovetail.db.new").exists()


def test_looking_makes_nothing(path: Path) -> None:
    assert database.present(path, names) is None
    assert not path.exists()


async def test_a_copy_while_it_is_written_is_whole(opened: Database, path: Path) -> None:
    await opened.run(put)
    target = path.with_name("copy.db")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            opened.now(lambda c, name=f"b{number}": put(c, name))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        database.copy(path, target)
    finally:
        stop.set()
        writer.join()
    database.check(target)
    found = database.present(target, names)
    assert found is not None
    assert found[0] == "a"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.bad_input("63")
async def test_one_that_stays_locked_is_a_busy_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    opened = Database.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy) as raised:
        await opened.run(put)
    assert (raised.value.status, raised.value.code) == (503, "database_busy")
    assert await opened.run(names) == []  # who reads does not wait
    other.execute("ROLLBACK")
    other.close()
    await opened.run(put)
    opened.close()


async def test_one_that_is_torn_while_it_is_open_is_an_error_of_ours(opened: Database, path: Path) -> None:
    await opened.run(lambda c: [put(c, f"{number}") for number in range(2000)])
    with sqlite3.connect(path) as other:  # what is in the log beside it, too
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))

    def look(connection: sqlite3.Connection) -> list[str]:
        connection.execute("PRAGMA shrink_memory")  # what was read is not remembered
        return names(connection)

    with pytest.raises(DovetailError) as raised:
        await opened.run(look)
    assert raised.value.status == 500


async def test_what_takes_too_long_is_ended_and_holds_nobody_up(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WITHIN", 0.2)
    number = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 400000000) SELECT count(*) FROM n"
    with pytest.raises(Busy) as raised:
        await opened.run(lambda c: (put(c), c.execute(number).fetchone()))
    assert raised.value.code == "database_busy"
    monkeypatch.undo()
    assert await opened.run(names) == []


@pytest.mark.bad_input("60")
async def test_a_full_disk_stores_nothing_and_keeps_what_is_there(opened: Database) -> None:
    await opened.run(put)
    await opened.run(lambda c: c.execute("PRAGMA max_page_count = 1"))  # no more than there are

    def much(connection: sqlite3.Connection) -> None:
        for number in range(10_000):
            put(connection, f"{number}")

    with pytest.raises(DovetailError) as raised:
        await opened.run(much)
    assert (raised.value.status, raised.value.code) == (507, "insufficient_storage")
    assert await opened.run(names) == ["a"]
