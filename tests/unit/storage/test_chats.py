"""Conversations as rows."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dovetail.storage import chat_search, chats
from dovetail.storage.chats import CHATS, Chat, Defaults, Message, Preset

CHAT = Chat("c1", "ann", "A title", "user", None, pinned=False, leaf=None, model=None, system_prompt="", params="{}",
            created=1.0, updated=1.0)  # fmt: skip


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    found = sqlite3.connect(":memory:")
    found.create_function("folded", 1, str.casefold, deterministic=True)
    for script in CHATS.scripts():
        found.executescript(script.read_text("utf-8"))
    yield found
    found.close()


def said(name: str, parent: str | None, text: str = "", chat: str = "c1") -> Message:
    return Message(name, chat, parent, "user", "[]", text, 1.0)


def test_a_branch_is_read_from_its_root(connection: sqlite3.Connection) -> None:
    chats.add_chat(connection, CHAT)
    for name, parent in (("a", None), ("b", "a"), ("b2", "a"), ("c", "b"), ("x", None)):
        chats.add_message(connection, said(name, parent))
    assert [m.id for m in chats.branch(connection, "c1", "c")] == ["a", "b", "c"]
    assert chats.branch(connection, "c1", "nobody-s") == []
    assert chats.branch(connection, "other", "c") == []
    assert [m.id for m in chats.messages(connection, "c1")] == ["a", "b", "b2", "c", "x"]


def test_what_a_server_left_unfinished_ends(connection: sqlite3.Connection) -> None:
    chats.add_chat(connection, CHAT)
    chats.add_message(connection, replace(said("a", None), status="streaming", parts="so far"))
    chats.add_message(connection, said("b", "a", "whole"))
    assert chats.interrupted(connection, "{}", str.upper) == 1
    assert [m.text for m in chats.messages(connection, "c1")] == ["SO FAR", "whole"]
    assert [(m.status, m.error) for m in chats.messages(connection, "c1")] == [("error", "{}"), ("complete", None)]


def test_purged_is_what_was_deleted_before(connection: sqlite3.Connection) -> None:
    for number, deleted in enumerate((None, 5.0, 15.0)):
        chats.add_chat(connection, replace(CHAT, id=str(number), deleted=deleted))
        chats.add_message(connection, said(f"m{number}", None, chat=str(number)))
    assert chats.purge(connection, before=10.0) == 1
    assert [row[0] for row in connection.execute("SELECT chat FROM message ORDER BY chat")] == ["0", "2"]
    assert chats.purge(connection, owner="ann") == 2


def test_all_of_one_owner_are_deleted_and_those_deleted_before_stay_as_they_were(
    connection: sqlite3.Connection,
) -> None:
    for name, owner, deleted in (("a", "ann", None), ("b", "ann", 5.0), ("c", "bob", None)):
        chats.add_chat(connection, replace(CHAT, id=name, owner=owner, deleted=deleted))
    assert chats.delete_all(connection, "ann", 15.0) == ["a"]
    rows = connection.execute("SELECT id, deleted FROM chat ORDER BY id").fetchall()
    assert rows == [("a", 15.0), ("b", 5.0), ("c", None)]


def test_the_index_follows_every_change(connection: sqlite3.Connection) -> None:
    chats.add_chat(connection, CHAT)
    chats.add_message(connection, said("old", None, "said before there was an index"))
    assert chat_search.prepare(connection)
    assert chat_search.prepare(connection)
    chats.add_message(connection, said("new", "old", "a second one"))

    def found(text: str) -> list[str | None]:
        return [hit.message for hit in chat_search.search(connection, "ann", text, 10)]

    assert (found("before"), found("second"), found("se")) == (["old"], ["new"], ["new"])
    chats.put_message(connection, said("new", "old", "a third one"))
    assert (found("second"), found("third")) == ([], ["new"])
    chats.put_message(connection, said("new", "old", ""))
    assert found("third") == []
    connection.execute("INSERT INTO message_text(message_text) VALUES ('integrity-check')")
    chats.purge(connection, owner="ann")
    connection.execute("INSERT INTO message_text(message_text) VALUES ('integrity-check')")
    assert found("before") == []


def test_without_an_index_nothing_is_lost(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    chats.add_chat(connection, CHAT)
    assert chat_search.prepare(connection)
    chats.add_message(connection, said("a", None, "words"))
    monkeypatch.setattr(chat_search, "_TRIGGERS", {**chat_search._TRIGGERS, "message_more": "no trigger"})
    assert not chat_search.prepare(connection)
    chats.add_message(connection, said("b", None, "more words, unindexed"))
    monkeypatch.undo()
    assert chat_search.prepare(connection)
    assert [hit.message for hit in chat_search.search(connection, "ann", "unindexed", 10)] == ["b"]


def test_all_that_has_no_small_bound_counts_in_bytes(connection: sqlite3.Connection) -> None:
    assert chats.size(connection, "ann") == 0
    chats.add_chat(connection, replace(CHAT, system_prompt="서울"))
    chats.add_message(connection, replace(said("a", None), parts="서", params="{}"))
    chats.put_preset(connection, Preset("ann", "p", "P", "be kind", "{}", 1.0))
    assert chats.size(connection, "ann") == (6 + 2) + (3 + 2) + (7 + 2)
    chats.put_message(connection, replace(said("a", None), parts="", params=None))
    assert chats.size(connection, "ann") == (6 + 2) + (7 + 2)


def test_what_is_handed_over_takes_the_place_of_what_there_is(connection: sqlite3.Connection) -> None:
    chats.add_chat(connection, CHAT)
    for owner, name in (("ann", "new"), ("bob", "old")):
        chats.put_preset(connection, Preset(owner, "p", name, "", "{}", 1.0))
    chats.hand_over(connection, "ann", "bob")
    assert [chat.id for chat in chats.chats(connection, "bob", 10)] == ["c1"]
    assert [preset.name for preset in chats.presets(connection, "bob")] == ["new"]
    assert chats.presets(connection, "ann") == []


def test_what_was_found_is_shown_behind_letters_that_are_folded_to_two() -> None:
    body = f"{'Straße ' * 300}Wort {'Straße ' * 300}"
    assert " Wort Straße" in chat_search.around(body, "wort")
    assert chat_search.around("İstanbul", "stan") == "İstanbul"


def test_defaults_are_an_owner_s_go_with_it_and_are_handed_over(connection: sqlite3.Connection) -> None:
    assert chats.defaults(connection, "ann") == Defaults("ann")
    for owner in ("ann", "bob"):
        chats.put_defaults(connection, Defaults(owner, "m", owner))
    chats.put_defaults(connection, Defaults("ann", None, "p"))
    chats.hand_over(connection, "ann", "bob")
    assert chats.defaults(connection, "bob") == Defaults("bob", None, "p")
    assert chats.defaults(connection, "ann") == Defaults("ann")
    chats.purge(connection, before=10.0)
    assert chats.defaults(connection, "bob").preset == "p"
    chats.purge(connection, owner="bob")
    assert chats.defaults(connection, "bob") == Defaults("bob")
