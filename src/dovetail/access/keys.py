"""API keys: made, listed, revoked, and told from a request's credential."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dovetail.access.tokens import digest, new_id, new_key, shown
from dovetail.core.caller import EVERYTHING, UNLIMITED, Limits, Role, Scope
from dovetail.core.errors import Busy, InvalidRequest
from dovetail.storage import keys
from dovetail.storage.database import Database
from dovetail.storage.keys import Key

_USED_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be; `lifetime` in seconds, None for ever."""

    name: str
    account: str | None
    role: Role
    scope: Scope = EVERYTHING
    limits: Limits = UNLIMITED
    priority: int = 0
    lifetime: float | None = None


def made(wanted: NewKey, now: float) -> tuple[Key, str]:
    """The row of a new key, and the key itself, which nobody can show again."""
    secret = new_key()
    row = Key(
        id=new_id("key"),
        hash=digest(secret),
        prefix=shown(secret),
        name=wanted.name,
        account=wanted.account,
        role=wanted.role,
        scope=wanted.scope,
        limits=wanted.limits,
        priority=wanted.priority,
        created=now,
        expires=None if wanted.lifetime is None else now + wanted.lifetime,
    )
    return row, secret


class Keys:
    """The keys of the database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time, most: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._most = most

    async def create(self, wanted: NewKey) -> tuple[Key, str]:
        """The key's row, and the key. Raises InvalidRequest (409) where its account has as many as it may."""
        row, secret = made(wanted, self._clock())

        def add(connection: keys.Connection) -> bool:
            account, most = row.account, self._most
            if account is not None and most is not None and len(keys.keys(connection, account)) >= most:
                return False
            keys.add_key(connection, row)
            return True

        if not await self._database.run(add):
            raise InvalidRequest(
                f"an account has at most {self._most} keys (access.keys): revoke one", code="too_many_keys", status=409
            )
        return row, secret

    async def list(self, account: str | None) -> list[Key]:
        """Of one account, or all."""
        return await self._database.run(lambda c: keys.keys(c, account))

    async def good(self) -> dict[str, Role]:
        """The roles of those that are neither revoked nor expired, by id."""
        now = self._clock()
        found = await self._database.run(keys.keys)
        return {key.id: key.role for key in found if key.expires is None or now < key.expires}

    async def revoke(self, key_id: str, account: str | None = None) -> bool:
        """`account`: only if it is that one's. False when there is no such key."""
        return await self._database.run(lambda c: keys.remove_key(c, key_id, account))

    async def find(self, secret: str) -> Key | None:
        """The key that `secret` is, None when it is none any more."""
        now = self._clock()
        found = await self._database.run(lambda c: keys.key(c, digest(secret)))
        if found is None or (found.expires is not None and now >= found.expires):
            return None
        if found.used is None or now - found.used > _USED_EVERY:
            with suppress(Busy):  # it is worth no refusal
                await self._database.run(lambda c: keys.use_key(c, found.id, now))
        return found
