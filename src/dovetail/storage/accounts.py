"""Accounts and their sessions, as rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import cast

from dovetail.core.caller import Role

Connection = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in; `password` is a hash."""

    name: str
    role: Role
    password: str
    created: float


@dataclass(frozen=True, slots=True)
class Session:
    """A login; `hash` is of its token, times are wall clock."""

    id: str
    hash: bytes
    account: str
    created: float
    used: float
    address: str
    agent: str


def accounts(connection: Connection) -> list[Account]:
    rows = connection.execute("SELECT name, role, password, created FROM account ORDER BY name")
    return [_account(row) for row in rows]


def account(connection: Connection, name: str) -> Account | None:
    found = connection.execute("SELECT name, role, password, created FROM account WHERE name = ?", (name,)).fetchone()
    return None if found is None else _account(found)


def add_account(connection: Connection, new: Account) -> bool:
    """False when the name is taken."""
    done = connection.execute(
        "INSERT OR IGNORE INTO account (name, role, password, created) VALUES (?, ?, ?, ?)",
        (new.name, new.role, new.password, new.created),
    )
    return done.rowcount == 1


def set_role(connection: Connection, name: str, role: Role) -> bool:
    """Also of what the account has: its keys lose what the role has not. False when there is no such account."""
    done = connection.execute("UPDATE account SET role = ? WHERE name = ?", (role, name))
    above = {"viewer": ("member", "admin"), "member": ("admin",), "admin": ()}[role]
    for higher in above:
        connection.execute("UPDATE key SET role = ? WHERE account = ? AND role = ?", (role, name, higher))
    return done.rowcount == 1


def set_password(connection: Connection, name: str, password: str, instead_of: str | None = None) -> bool:
    """`instead_of`: only if that is there still. False when it is not, or when there is no such account."""
    done = connection.execute(
        "UPDATE account SET password = ? WHERE name = ? AND (password = ? OR ? IS NULL)",
        (password, name, instead_of, instead_of),
    )
    return done.rowcount == 1


def remove_account(connection: Connection, name: str) -> bool:
    """With its sessions and keys."""
    connection.execute("DELETE FROM session WHERE account = ?", (name,))
    connection.execute("DELETE FROM key WHERE account = ?", (name,))
    return connection.execute("DELETE FROM account WHERE name = ?", (name,)).rowcount == 1


def add_session(connection: Connection, new: Session, *, most: int) -> None:
    """The account's least used ones make room, so that it has `most`."""
    connection.execute(
        "INSERT INTO session (id, hash, account, created, used, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.id, new.hash, new.account, new.created, new.used, new.address, new.agent),
    )
    connection.execute(
        "DELETE FROM session WHERE account = ? AND id NOT IN"
        " (SELECT id FROM session WHERE account = ? ORDER BY used DESC, created DESC LIMIT ?)",
        (new.account, new.account, most),
    )


def session(connection: Connection, token_hash: bytes) -> Session | None:
    found = connection.execute(
        "SELECT id, hash, account, created, used, address, agent FROM session WHERE hash = ?", (token_hash,)
    ).fetchone()
    return None if found is None else Session(*found)


def sessions(connection: Connection, name: str | None) -> list[Session]:
    """Of one account or of all, the last used first."""
    rows = connection.execute(
        "SELECT id, hash, account, created, used, address, agent FROM session"
        " WHERE account = ? OR ? IS NULL ORDER BY used DESC",
        (name, name),
    )
    return [Session(*row) for row in rows]


def use_session(connection: Connection, session_id: str, when: float) -> None:
    connection.execute("UPDATE session SET used = ? WHERE id = ?", (when, session_id))


def end_session(connection: Connection, session_id: str, name: str | None = None) -> bool:
    """`name`: only if it is that account's."""
    done = connection.execute(
        "DELETE FROM session WHERE id = ? AND (account = ? OR ? IS NULL)", (session_id, name, name)
    )
    return done.rowcount == 1


def end_sessions(connection: Connection, name: str | None = None, *, but: str | None = None) -> None:
    """All of an account, or of everybody; `but` is one that stays."""
    connection.execute("DELETE FROM session WHERE (account = ? OR ? IS NULL) AND id IS NOT ?", (name, name, but))


def forget_sessions(connection: Connection, *, used_before: float, created_before: float) -> None:
    """Those that have expired."""
    connection.execute("DELETE FROM session WHERE used < ? OR created < ?", (used_before, created_before))


def _account(row: tuple[str, str, str, float]) -> Account:
    name, role, password, created = row
    return Account(name, cast("Role", role), password, created)
