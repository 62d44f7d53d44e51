"""Conversations as rows of a file of their own: each of one owner, with its tree of messages and its files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Literal, TypeAlias

from dovetail.storage.database import MIGRATIONS, Schema

FILE_NAME = "chats.db"
CHATS = Schema(
    0x44565443,  # "DVTC"
    MIGRATIONS / "chats",
    "move it away, or put a copy in its place, and start again",
)

Connection = sqlite3.Connection
Status: TypeAlias = Literal["streaming", "complete", "stopped", "error"]
Role: TypeAlias = Literal["user", "assistant", "tool", "system"]
TitleBy: TypeAlias = Literal["words", "user"]


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation; `leaf` is the message at the end of the branch that is shown, `params` is JSON."""

    id: str
    owner: str
    title: str
    title_by: TitleBy
    folder: str | None
    pinned: bool
    leaf: str | None
    model: str | None
    system_prompt: str
    params: str
    created: float
    updated: float
    deleted: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `parts`, `params`, `usage`, `timings` and `error` are JSON, `text` is what is searched."""

    id: str
    chat: str
    parent: str | None
    role: Role
    parts: str
    text: str
    created: float
    model: str | None = None
    params: str | None = None
    usage: str | None = None
    timings: str | None = None
    finish: str | None = None
    status: Status = "complete"
    error: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A system prompt and parameters under a name; `params` is JSON."""

    owner: str
    id: str
    name: str
    system_prompt: str
    params: str
    updated: float


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an owner's new conversations begin with; `preset` is an id that may name none any more."""

    owner: str
    model: str | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list ends: the last chat's own place in the order."""

    pinned: bool
    updated: float
    id: str


_CHAT = tuple(field.name for field in fields(Chat))
_MESSAGE = tuple(field.name for field in fields(Message))
_chat_row = attrgetter(*_CHAT)
_message_row = attrgetter(*_MESSAGE)
_CHAT_COLUMNS = ", ".join(f"c.{name}" for name in _CHAT)
_MESSAGE_COLUMNS = ", ".join(f"m.{name}" for name in _MESSAGE)


def add_chat(connection: Connection, new: Chat) -> None:
    names, marks = ", ".join(_CHAT), ", ".join("?" * len(_CHAT))
    connection.execute(f"INSERT INTO chat ({names}) VALUES ({marks})", _chat_row(new))  # noqa: S608  names of columns


def put_chat(connection: Connection, changed: Chat) -> None:
    """In place of the one with the same id."""
    names = ", ".join(f"{name} = ?" for name in _CHAT)
    connection.execute(f"UPDATE chat SET {names} WHERE id = ?", (*_chat_row(changed), changed.id))  # noqa: S608  columns


def delete_all(connection: Connection, owner: str, now: float) -> list[str]:
    """All that `owner` has can only be restored from `now` on: their ids."""
    rows = connection.execute("SELECT id FROM chat WHERE owner = ? AND deleted IS NULL", (owner,)).fetchall()
    connection.execute("UPDATE chat SET deleted = ? WHERE owner = ? AND deleted IS NULL", (now, owner))
    return [str(row[0]) for row in rows]


def chat(connection: Connection, owner: str, chat_id: str, *, deleted: bool = False) -> Chat | None:
    """One of `owner`'s; `deleted` looks among those that can still be restored."""
    found = connection.execute(
        f"SELECT {_CHAT_COLUMNS} FROM chat c WHERE id = ? AND owner = ? AND (deleted IS NOT NULL) = ?",  # noqa: S608  columns
        (chat_id, owner, deleted),
    ).fetchone()
    return None if found is None else _chat(found)


def chats(
    connection: Connection, owner: str, limit: int, *, folder: str | None = None, after: Place | None = None
) -> list[Chat]:
    """The pinned first, then those changed last, from behind `after` on."""
    at = (int(after.pinned), after.updated, after.id) if after else (2, 0.0, "")
    rows = connection.execute(
        f"SELECT {_CHAT_COLUMNS} FROM chat c WHERE owner = ? AND deleted IS NULL AND (? IS NULL OR folder = ?)"  # noqa: S608  columns
        " AND (pinned, updated, id) < (?, ?, ?) ORDER BY pinned DESC, updated DESC, id DESC LIMIT ?",
        (owner, folder, folder, *at, limit),
    )
    return [_chat(row) for row in rows]


def folders(connection: Connection, owner: str) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT folder FROM chat WHERE owner = ? AND deleted IS NULL AND folder IS NOT NULL ORDER BY folder",
        (owner,),
    )
    return [str(row[0]) for row in rows]


def count(connection: Connection, owner: str) -> int:
    return int(connection.execute("SELECT count(*) FROM chat WHERE owner = ?", (owner,)).fetchone()[0])


def size(connection: Connection, owner: str) -> int:
    """Bytes of all that an owner keeps: conversations, their messages and files, and presets."""
    found = 0
    for table in ("chat", "preset"):
        found += int(
            connection.execute(f"SELECT coalesce(sum(size), 0) FROM {table} WHERE owner = ?", (owner,)).fetchone()[0]  # noqa: S608  ours
        )
    for table in ("message", "attachment"):
        found += int(
            connection.execute(
                f"SELECT coalesce(sum(t.size), 0) FROM {table} t JOIN chat c ON c.id = t.chat WHERE c.owner = ?",  # noqa: S608  ours
                (owner,),
            ).fetchone()[0]
        )
    return found


def weight(row: Chat | Message | Preset) -> int:
    """The bytes that a row counts with, of all that has no small bound."""
    match row:
        case Message():
            texts = (row.parts, row.params or "")
        case _:
            texts = (row.system_prompt, row.params)
    return sum(len(text.encode()) for text in texts)


def purge(connection: Connection, *, before: float | None = None, owner: str | None = None) -> int:
    """Removes chats for good: those deleted `before`, or all that an owner has. How many those were."""
    which = "SELECT id FROM chat WHERE deleted < ? OR owner = ?"
    for table in ("message", "attachment"):
        connection.execute(f"DELETE FROM {table} WHERE chat IN ({which})", (before, owner))  # noqa: S608  ours
    for table in ("preset", "defaults"):
        connection.execute(f"DELETE FROM {table} WHERE owner = ?", (owner,))  # noqa: S608  ours
    return connection.execute("DELETE FROM chat WHERE deleted < ? OR owner = ?", (before, owner)).rowcount


def show(connection: Connection, chat_id: str, owner: str) -> None:
    """One that was stored as deleted until all of it is there: from now on it is `owner`'s to see."""
    connection.execute("UPDATE chat SET deleted = NULL, owner = ? WHERE id = ?", (owner, chat_id))


def hand_over(connection: Connection, owner: str, to: str) -> None:
    """All that `owner` has is somebody else's, whose presets of the same ids and defaults it takes the place of."""
    for table in ("chat", "preset", "defaults"):
        connection.execute(f"UPDATE OR REPLACE {table} SET owner = ? WHERE owner = ?", (to, owner))  # noqa: S608  ours


def drop(connection: Connection, chat_id: str) -> None:
    """One for good, whosever it is by now."""
    connection.execute("UPDATE chat SET deleted = 0 WHERE id = ?", (chat_id,))
    purge(connection, before=1.0)


def add_message(connection: Connection, new: Message) -> None:
    names, marks = ", ".join(_MESSAGE), ", ".join("?" * len(_MESSAGE))
    connection.execute(
        f"INSERT INTO message ({names}, size) VALUES ({marks}, ?)",  # noqa: S608  names of columns
        (*_message_row(new), weight(new)),
    )


def put_message(connection: Connection, changed: Message) -> None:
    """In place of the one with the same id; nothing where that is gone."""
    names = ", ".join(f"{name} = ?" for name in _MESSAGE)
    connection.execute(
        f"UPDATE message SET {names}, size = ? WHERE id = ?",  # noqa: S608  names of columns
        (*_message_row(changed), weight(changed), changed.id),
    )


def message(connection: Connection, chat_id: str, message_id: str) -> Message | None:
    found = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM message m WHERE id = ? AND chat = ?",  # noqa: S608  names of columns
        (message_id, chat_id),
    ).fetchone()
    return None if found is None else Message(*found)


def messages(connection: Connection, chat_id: str) -> list[Message]:
    """All of a chat, in the order they came."""
    rows = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM message m WHERE chat = ? ORDER BY number",  # noqa: S608  names of columns
        (chat_id,),
    )
    return [Message(*row) for row in rows]


def length(connection: Connection, chat_id: str) -> int:
    """How many messages a chat has."""
    return int(connection.execute("SELECT count(*) FROM message WHERE chat = ?", (chat_id,)).fetchone()[0])


def branch(connection: Connection, chat_id: str, leaf: str) -> list[Message]:
    """The messages from the root down to `leaf`; empty where there is no such message."""
    by_id = {each.id: each for each in messages(connection, chat_id)}
    found: list[Message] = []
    at = by_id.get(leaf)
    while at is not None:
        found.append(at)
        at = by_id.get(at.parent or "")
    return found[::-1]


def of_run(connection: Connection, owner: str, run: str) -> Message | None:
    """The message that a run has written, in a chat of `owner`."""
    found = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM message m JOIN chat c ON c.id = m.chat WHERE m.run = ? AND c.owner = ?",  # noqa: S608  columns
        (run, owner),
    ).fetchone()
    return None if found is None else Message(*found)


def interrupted(connection: Connection, error: str, searched: Callable[[str], str]) -> int:
    """Messages that a server which is no more was writing end with `error`, JSON: how many those were.

    searched   makes of a message's `parts` its `text`, which it has not had yet
    """
    connection.create_function("searched", 1, searched, deterministic=True)
    done = connection.execute(
        "UPDATE message SET status = 'error', error = ?, text = searched(parts) WHERE status = 'streaming'", (error,)
    )
    return done.rowcount


def put_preset(connection: Connection, new: Preset) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO preset (owner, id, name, system_prompt, params, updated) VALUES (?, ?, ?, ?, ?, ?)",
        (new.owner, new.id, new.name, new.system_prompt, new.params, new.updated),
    )


def presets(connection: Connection, owner: str) -> list[Preset]:
    rows = connection.execute(
        "SELECT owner, id, name, system_prompt, params, updated FROM preset WHERE owner = ? ORDER BY name, id", (owner,)
    )
    return [Preset(*row) for row in rows]


def remove_preset(connection: Connection, owner: str, preset: str) -> bool:
    return connection.execute("DELETE FROM preset WHERE owner = ? AND id = ?", (owner, preset)).rowcount == 1


def put_defaults(connection: Connection, new: Defaults) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO defaults (owner, model, preset) VALUES (?, ?, ?)", (new.owner, new.model, new.preset)
    )


def defaults(connection: Connection, owner: str) -> Defaults:
    row = connection.execute("SELECT model, preset FROM defaults WHERE owner = ?", (owner,)).fetchone()
    return Defaults(owner) if row is None else Defaults(owner, *row)


def _chat(row: tuple[str, ...]) -> Chat:
    found = dict(zip(_CHAT, row, strict=True))
    return Chat(**{**found, "pinned": bool(found["pinned"])})  # pyright: ignore[reportArgumentType]  as they were written
