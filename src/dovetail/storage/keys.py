"""API keys and what was used with them, as rows."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import cast

from dovetail.core.caller import Limits, Role, Scope

Connection = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret; `account` is None for one that the machine's owner made on the command line."""

    id: str
    hash: bytes
    prefix: str
    name: str
    account: str | None
    role: Role
    scope: Scope
    limits: Limits
    priority: int
    created: float
    expires: float | None = None
    used: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one key did with one model on one day (UTC)."""

    key: str
    model: str
    day: str
    requests: int
    prompt: int
    completion: int


def add_key(connection: Connection, new: Key) -> None:
    row = (
        new.id, new.hash, new.prefix, new.name, new.account, new.role, json.dumps(asdict(new.scope)),
        json.dumps(asdict(new.limits)), new.priority, new.created, new.expires, new.used,
    )  # fmt: skip
    connection.execute(
        "INSERT INTO key (id, hash, prefix, name, account, role, scope, limits, priority, created, expires, used)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def key(connection: Connection, token_hash: bytes) -> Key | None:
    found = connection.execute(
        "SELECT id, hash, prefix, name, account, role, scope, limits, priority, created, expires, used"
        " FROM key WHERE hash = ?",
        (token_hash,),
    ).fetchone()
    return None if found is None else _key(found)


def keys(connection: Connection, account: str | None = None) -> list[Key]:
    """Of one account, or all; the newest first."""
    rows = connection.execute(
        "SELECT id, hash, prefix, name, account, role, scope, limits, priority, created, expires, used"
        " FROM key WHERE account = ? OR ? IS NULL ORDER BY created DESC",
        (account, account),
    )
    return [_key(row) for row in rows]


def remove_key(connection: Connection, key_id: str, account: str | None = None) -> bool:
    """`account`: only if it is that one's."""
    done = connection.execute("DELETE FROM key WHERE id = ? AND (account = ? OR ? IS NULL)", (key_id, account, account))
    return done.rowcount == 1


def remove_admin_keys(connection: Connection) -> None:
    connection.execute("DELETE FROM key WHERE role = 'admin'")


def use_key(connection: Connection, key_id: str, when: float) -> None:
    connection.execute("UPDATE key SET used = ? WHERE id = ?", (when, key_id))


def add_usage(connection: Connection, more: list[Usage]) -> None:
    """Adds to what is there."""
    connection.executemany(
        "INSERT INTO usage (key, model, day, requests, prompt, completion) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key, model, day) DO UPDATE SET requests = requests + excluded.requests,"
        " prompt = prompt + excluded.prompt, completion = completion + excluded.completion",
        [(u.key, u.model, u.day, u.requests, u.prompt, u.completion) for u in more],
    )


def forget_usage(connection: Connection, before: str) -> None:
    """Of days before that one."""
    connection.execute("DELETE FROM usage WHERE day < ?", (before,))


def usage(connection: Connection, *, key_id: str | None = None, since: str = "") -> list[Usage]:
    """Of one key or all, from the day `since` on."""
    rows = connection.execute(
        "SELECT key, model, day, requests, prompt, completion FROM usage"
        " WHERE (key = ? OR ? IS NULL) AND day >= ? ORDER BY day, key, model",
        (key_id, key_id, since),
    )
    return [Usage(*row) for row in rows]


def counts(connection: Connection) -> tuple[int, int]:
    """How many accounts and how many keys there are."""
    found = connection.execute("SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM key)").fetchone()
    return cast("tuple[int, int]", found)


def _key(row: tuple[str, bytes, str, str, str | None, Role, str, str, int, float, float | None, float | None]) -> Key:
    key_id, token_hash, prefix, name, account, role, scope, limits, priority, created, expires, used = row
    told = cast("dict[str, object]", json.loads(scope))
    allowed = Scope(
        models=tuple(cast("list[str]", told["models"])),
        endpoints=tuple(cast("list[str]", told["endpoints"])),
        read_only=bool(told["read_only"]),
    )
    bounds = Limits(**cast("dict[str, int | None]", json.loads(limits)))
    return Key(key_id, token_hash, prefix, name, account, role, allowed, bounds, priority, created, expires, used)
