"""Files of conversations, as rows: which there are, whose, and which bytes on disk nobody has any more."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal, TypeAlias

Connection = sqlite3.Connection
Kind: TypeAlias = Literal["image", "audio", "file"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a chat; `hash` names the bytes on disk, which several may share."""

    id: str
    chat: str
    hash: str
    kind: Kind
    name: str
    media_type: str
    size: int
    created: float


def add(connection: Connection, new: Attachment) -> None:
    connection.execute(
        "INSERT INTO attachment (id, chat, hash, kind, name, media_type, size, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (new.id, new.chat, new.hash, new.kind, new.name, new.media_type, new.size, new.created),
    )


def of_chat(connection: Connection, chat: str) -> dict[str, Attachment]:
    """By their ids."""
    rows = connection.execute(
        "SELECT id, chat, hash, kind, name, media_type, size, created FROM attachment WHERE chat = ? ORDER BY rowid",
        (chat,),
    )
    return {row[0]: Attachment(*row) for row in rows}


def one(connection: Connection, owner: str, attachment: str) -> Attachment | None:
    """In a chat of `owner`."""
    found = connection.execute(
        "SELECT a.id, chat, hash, kind, name, media_type, a.size, a.created"
        " FROM attachment a JOIN chat c ON c.id = a.chat WHERE a.id = ? AND c.owner = ?",
        (attachment, owner),
    ).fetchone()
    return None if found is None else Attachment(*found)


def hashes(connection: Connection) -> set[str]:
    """All that are in use."""
    return {row[0] for row in connection.execute("SELECT DISTINCT hash FROM attachment")}
