"""Where a text stands in conversations: by an index of all its triples of letters, or by looking at every one.

Triples find parts of words in every script. A text of one or two letters has none, and is looked for everywhere.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from dataclasses import dataclass

Connection = sqlite3.Connection

_INDEXED_FROM = 3
_AROUND = 60  # letters shown before and behind what was found
_MOST = 1000  # messages looked at
_INDEX = (
    "CREATE VIRTUAL TABLE message_text USING fts5(text, content='message', content_rowid='number', tokenize='trigram')"
)
_ADD = "INSERT INTO message_text(rowid, text) VALUES (new.number, new.text)"
_LEAVE = "INSERT INTO message_text(message_text, rowid, text) VALUES ('delete', old.number, old.text)"
_CHANGED = "AFTER UPDATE OF text ON message WHEN old.text != new.text"
_TRIGGERS = {
    "message_added": f"AFTER INSERT ON message WHEN new.text != '' BEGIN {_ADD}",
    "message_removed": f"AFTER DELETE ON message WHEN old.text != '' BEGIN {_LEAVE}",
    "message_left": f"{_CHANGED} AND old.text != '' BEGIN {_LEAVE}",
    "message_came": f"{_CHANGED} AND new.text != '' BEGIN {_ADD}",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A chat in whose title (`message` is None) or in one of whose messages the text stands, and what is around it."""

    chat: str
    message: str | None
    snippet: str


def prepare(connection: Connection) -> bool:
    """Makes the index where there is none yet. False where this SQLite cannot: then every message is looked at."""
    try:
        if not _is_indexed(connection):
            _drop(connection)
            connection.execute("DROP TABLE IF EXISTS message_text")
            connection.execute(_INDEX)
            connection.execute("INSERT INTO message_text(message_text) VALUES ('rebuild')")
            for name, does in _TRIGGERS.items():
                connection.execute(f"CREATE TRIGGER {name} {does}; END")
        connection.execute("SELECT rowid FROM message_text LIMIT 1")
    except sqlite3.OperationalError:
        _drop(connection)
        return False
    return True


def search(connection: Connection, owner: str, text: str, limit: int) -> list[Hit]:
    """Chats of `owner` that hold `text`, in whatever case; one hit each, those changed last first."""
    titled = connection.execute(
        "SELECT id, title, updated FROM chat WHERE owner = ? AND deleted IS NULL AND instr(folded(title), ?) > 0"
        " ORDER BY updated DESC LIMIT ?",
        (owner, text.casefold(), limit),
    ).fetchall()
    found = {row[0]: (row[2], Hit(row[0], None, around(row[1], text))) for row in titled}
    for chat, message, body, updated in _messages(connection, owner, text):
        if chat not in found or found[chat][1].message is None:
            found[chat] = updated, Hit(chat, message, around(body, text))
    return [hit for _, hit in sorted(found.values(), key=lambda each: -each[0])][:limit]


def around(body: str, text: str) -> str:
    """The piece of `body` in which `text` stands, on one line."""
    folded = body.casefold()
    at = max(folded.find(text.casefold()), 0)
    if len(folded) != len(body):  # ß is folded to two letters: so many of them are before the place
        at = bisect_left(range(len(body)), at, key=lambda place: len(body[:place].casefold()))
    start, end = max(at - _AROUND, 0), at + len(text) + _AROUND
    piece = " ".join(body[start:end].split())
    return f"{'…' * (start > 0)}{piece}{'…' * (end < len(body))}"


def _messages(connection: Connection, owner: str, text: str) -> list[tuple[str, str, str, float]]:
    """Chat, id and text of the newest messages that hold it, and when the chat was changed; each chat once."""
    if len(text) >= _INDEXED_FROM and _is_indexed(connection):
        source, wanted = "message_text t JOIN message m ON m.number = t.rowid", '"' + text.replace('"', '""') + '"'
        where = "message_text MATCH ?"
    else:
        source, wanted, where = "message m", text.casefold(), "instr(folded(m.text), ?) > 0"
    return connection.execute(
        f"SELECT chat, id, text, updated FROM (SELECT m.chat, m.id, m.text, c.updated, max(m.number)"  # noqa: S608  chosen above
        f" FROM {source} JOIN chat c ON c.id = m.chat WHERE {where} AND c.owner = ? AND c.deleted IS NULL"
        " GROUP BY m.chat) ORDER BY updated DESC LIMIT ?",
        (wanted, owner, _MOST),
    ).fetchall()


def _is_indexed(connection: Connection) -> bool:
    marks = ", ".join("?" * len(_TRIGGERS))
    count = f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({marks})"  # noqa: S608  only marks
    return int(connection.execute(count, tuple(_TRIGGERS)).fetchone()[0]) == len(_TRIGGERS)


def _drop(connection: Connection) -> None:
    for name in _TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
