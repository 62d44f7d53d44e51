"""Accounts and logins: the super-admin of `.auth.json`, the others of the database, the sessions of both."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dovetail.access import super_admin
from dovetail.access.backoff import Backoff
from dovetail.access.passwords import Passwords, check_password
from dovetail.access.super_admin import SuperAdmin
from dovetail.access.tokens import digest, new_id, new_token
from dovetail.core.caller import LOCAL, OPERATOR, Caller, Role
from dovetail.core.errors import Busy, Forbidden, InvalidRequest, Unauthenticated
from dovetail.storage import accounts, keys, responses
from dovetail.storage.accounts import Account, Session
from dovetail.storage.database import Database

NAME = re.compile(r"[\w][\w.\-@]{0,63}")
# What callers without an account are called.
_RESERVED = frozenset({LOCAL.id, OPERATOR})
_AGENT_LENGTH = 200
# How exactly the last use is known; each finer step would be a write to the disk.
_USED_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds a session may lie idle, seconds it lives at most, and how many one account has."""

    idle: float = 43_200.0
    longest: float = 604_800.0
    most: int = 10


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody comes from."""

    address: str
    agent: str = ""


class People:
    """Everybody who can log in."""

    def __init__(
        self,
        database: Database,
        home: Path,
        chief: SuperAdmin | None,
        *,
        passwords: Passwords | None = None,
        lifetime: Lifetime | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._home = home
        self._chief = chief
        self._passwords = passwords or Passwords()
        self.lifetime = lifetime or Lifetime()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._founding = asyncio.Lock()

    @property
    def chief(self) -> str | None:
        """The super-admin's name, None before there is one."""
        return None if self._chief is None else self._chief.name

    def keeper(self, caller: Caller) -> str:
        """Whose that is by now which is kept for `caller`: what nobody has is the super-admin's, once there is one.

        Asked in a transaction, it holds for it.
        """
        return self._chief.name if self._chief is not None and caller == LOCAL else caller.id

    async def found(self, name: str, password: str) -> None:
        """Makes the super-admin, whose the answers are from then on that are kept for nobody.

        Raises Forbidden when there is one, InvalidRequest for a bad name or password, and what the database does.
        """
        async with self._founding:
            if self._chief is not None:
                raise Forbidden("the super-admin exists already; log in", code="already_set_up")
            await self._check_new(name, password)
            made = SuperAdmin(name, await self._passwords.hashed(password))

            def make(connection: accounts.Connection) -> None:
                responses.hand_over(connection, LOCAL.id, name)
                super_admin.save(self._home, made)  # last: where it cannot be written, nothing has changed hands
                self._chief = made

            await self._database.run(make)

    async def log_in(self, name: str, password: str, visitor: Visitor) -> tuple[Session, str]:
        """A new session and its token. Raises Unauthenticated, or RateLimited for one who guesses."""
        with self._backoff.attempt(visitor.address):
            if delay := self._backoff.delay(name):
                await asyncio.sleep(delay)
            kept = await self._verified(name, password)
            if kept is None:
                self._backoff.failed(visitor.address, name)
                raise Unauthenticated("wrong name or password", code="wrong_password")
            self._backoff.succeeded(visitor.address)
        now, token = self._clock(), new_token()
        made = Session(new_id("ses"), digest(token), name, now, now, visitor.address, visitor.agent[:_AGENT_LENGTH])
        life = self.lifetime

        def begin(connection: accounts.Connection) -> bool:
            # It took a while to verify: a password that was changed meanwhile, or an account that is gone, is no login.
            if self._stored(connection, name) != kept:
                return False
            accounts.forget_sessions(connection, used_before=now - life.idle, created_before=now - life.longest)
            accounts.add_session(connection, made, most=life.most)
            return True

        if not await self._database.run(begin):
            raise Unauthenticated("wrong name or password", code="wrong_password")
        return made, token

    async def session(self, token: str) -> tuple[Session, Role] | None:
        """The session of a token and the role of its account, None when it is no session any more."""
        now, life = self._clock(), self.lifetime

        def look(connection: accounts.Connection) -> tuple[Session, Role] | None:
            found = accounts.session(connection, digest(token))
            role = None if found is None else self._role(connection, found.account)
            return None if found is None or role is None else (found, role)

        looked = await self._database.run(look)
        if looked is None:
            return None
        found, role = looked
        if now - found.used > life.idle or now - found.created > life.longest:
            return None
        if now - found.used > _USED_EVERY:
            with suppress(Busy):  # it is worth no refusal
                await self._database.run(lambda c: accounts.use_session(c, found.id, now))
        return found, role

    async def sessions(self, name: str | None) -> list[Session]:
        """Those of an account, or all."""
        now, life = self._clock(), self.lifetime
        found = await self._database.run(lambda c: accounts.sessions(c, name))
        return [s for s in found if now - s.used <= life.idle and now - s.created <= life.longest]

    async def log_out(self, session_id: str, name: str | None = None) -> bool:
        """Ends a session, `name`'s if given. False when there is no such session."""
        return await self._database.run(lambda c: accounts.end_session(c, session_id, name))

    async def accounts(self) -> list[Account]:
        """All, the super-admin first."""
        found = await self._database.run(accounts.accounts)
        return [*([Account(self._chief.name, "admin", "", 0.0)] if self._chief else ()), *found]

    async def since(self, name: str) -> float:
        """When the account of that name was made, in seconds since 1970; 0 of the super-admin's and where none is."""
        found = await self._database.run(lambda c: accounts.account(c, name))
        return 0.0 if found is None else found.created

    async def has(self, name: str) -> bool:
        """Whether there is an account of that name."""
        return name == self.chief or await self._database.run(lambda c: accounts.account(c, name)) is not None

    async def add(self, name: str, password: str, role: Role) -> Account:
        """Raises InvalidRequest for a name that is taken or a password that will not do."""
        await self._check_new(name, password)
        made = Account(name, role, await self._passwords.hashed(password), self._clock())

        def add(connection: accounts.Connection) -> bool:
            added = accounts.add_account(connection, made)
            if added:  # an answer to the last one of that name may have been kept after it had gone
                responses.forget(connection, name)
            return added

        if not await self._database.run(add):
            raise _taken(name)
        return made

    async def change(self, name: str, role: Role) -> None:
        """Gives an account another role; its keys lose what that role has not."""
        if name == self.chief:
            raise Forbidden("the super-admin stays admin", code="super_admin")
        if not await self._database.run(lambda c: accounts.set_role(c, name, role)):
            raise _unknown(name)

    async def remove(self, name: str) -> None:
        """With its sessions, its keys and the answers that are kept for it."""
        if name == self.chief:
            raise Forbidden("the super-admin goes with `dovetail admin reset` alone", code="super_admin")

        def remove(connection: accounts.Connection) -> bool:
            removed = accounts.remove_account(connection, name)
            if removed:
                responses.forget(connection, name)
            return removed

        if not await self._database.run(remove):
            raise _unknown(name)

    async def set_password(self, name: str, password: str, *, keep: str | None = None) -> None:
        """Ends the account's sessions but the one whose id is `keep`."""
        check_password(password, name)
        hashed = await self._passwords.hashed(password)
        if not await self._keep(name, hashed):
            raise _unknown(name)
        await self._database.run(lambda c: accounts.end_sessions(c, name, but=keep))

    async def check(self, name: str, password: str, visitor: Visitor) -> None:
        """Raises Unauthenticated for a wrong password, RateLimited for one who guesses."""
        with self._backoff.attempt(visitor.address):
            if await self._verified(name, password) is None:
                self._backoff.failed(visitor.address, name)
                raise Unauthenticated("wrong password", code="wrong_password")

    async def _verified(self, name: str, password: str) -> str | None:
        stored = await self._database.run(lambda c: self._stored(c, name))
        kept = await self._passwords.verified(stored, password)
        if kept is not None and kept != stored:
            await self._keep(name, kept, instead_of=stored)
        return kept

    def _stored(self, connection: accounts.Connection, name: str) -> str | None:
        if self._chief is not None and name == self._chief.name:
            return self._chief.password
        found = accounts.account(connection, name)
        return None if found is None else found.password

    async def _keep(self, name: str, hashed: str, *, instead_of: str | None = None) -> bool:
        """`instead_of`: only if that is the hash still."""
        if self._chief is None or name != self._chief.name:
            return await self._database.run(lambda c: accounts.set_password(c, name, hashed, instead_of))
        async with self._founding:
            if instead_of not in {None, self._chief.password}:
                return False
            changed = replace(self._chief, password=hashed)
            await asyncio.to_thread(super_admin.save, self._home, changed)
            self._chief = changed
            return True

    async def _check_new(self, name: str, password: str) -> None:
        if not NAME.fullmatch(name) or name in _RESERVED or name.startswith("key_"):
            raise InvalidRequest(
                "a name has 1 to 64 letters, digits, dots, dashes, underscores or @, and is no key's",
                code="bad_name",
                param="name",
            )
        check_password(password, name)
        if await self.has(name):
            raise _taken(name)

    def _role(self, connection: accounts.Connection, name: str) -> Role | None:
        if self._chief is not None and name == self._chief.name:
            return "admin"
        found = accounts.account(connection, name)
        return None if found is None else found.role


def start_over(connection: accounts.Connection) -> None:
    """What follows when the super-admin's record is gone: no session and no admin key is left."""
    accounts.end_sessions(connection)
    keys.remove_admin_keys(connection)


def _taken(name: str) -> InvalidRequest:
    return InvalidRequest(f"there is an account named {name} already", code="name_taken", param="name", status=409)


def _unknown(name: str) -> InvalidRequest:
    return InvalidRequest(f"there is no account named {name[:64]}", code="account_not_found", status=404)
