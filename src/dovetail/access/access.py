"""All of it together, as the gateway uses it: from a credential to a caller, and what is known of the whole."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from dovetail.access import super_admin
from dovetail.access.allowance import Allowance
from dovetail.access.audit import Audit
from dovetail.access.keys import Keys
from dovetail.access.people import Lifetime, People, start_over
from dovetail.access.tokens import digest, new_id, new_key
from dovetail.access.usage import DAYS, Meter
from dovetail.core.caller import OPERATOR, ROLES, Caller, Role
from dovetail.core.observe import RequestRecord
from dovetail.storage import keys
from dovetail.storage.database import FILE_NAME, Database
from dovetail.storage.keys import Key, Usage

# How long a credential that was good may be good still after another process has revoked it.
REMEMBER = 0.5
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether there is an account, and whether there is an API key."""

    accounts: bool
    keys: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A caller whom a credential has told."""

    caller: Caller

    @property
    def session(self) -> str | None:
        """The session's id, if it was one."""
        return self.caller.session


class Access:
    """Who may come in. `key` is one that the command line or the environment gives, good for everything."""

    def __init__(
        self,
        database: Database,
        people: People,
        audit: Audit,
        *,
        key: str | None = None,
        most_keys: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self._clock = clock
        self._key = None if key is None else digest(key)
        # What the commands of whoever owns the home folder bring.
        self.local_key = new_key()
        self._local = digest(self.local_key)
        self._standing: tuple[float, Standing] | None = None
        self._remembered: dict[tuple[bytes, bool], tuple[float, Known]] = {}
        self.people = people
        self.keys = Keys(database, most=most_keys)
        self.audit = audit
        self.allowance = Allowance()
        self.meter = Meter(database)
        self.setup_code = new_id("setup")

    @property
    def has_own_key(self) -> bool:
        """Whether the command line or the environment gave a key."""
        return self._key is not None

    async def standing(self) -> Standing:
        """At most half a second old."""
        now = self._clock()
        if self._standing is None or now - self._standing[0] > REMEMBER:
            others, made = await self.database.run(keys.counts)
            has_people = self.people.chief is not None or others > 0
            self._standing = now, Standing(has_people, made > 0 or self.has_own_key)
        return self._standing[1]

    async def identify(self, credential: str, *, cookie: bool) -> Known | None:
        """Who comes with this key, or this session's token where it was a cookie; None for nobody."""
        hashed, now = (digest(credential), cookie), self._clock()
        remembered = self._remembered.get(hashed)
        if remembered is not None and now - remembered[0] <= REMEMBER:
            return remembered[1]
        known = await (self._by_session(credential) if cookie else self._by_key(credential))
        if known is None:
            self._remembered.pop(hashed, None)
            return None
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[hashed] = now, known
        return known

    async def ended(self, callers: Collection[Caller]) -> set[Caller]:
        """Those of them whose key or login is no more, or may less than when they came, whoever took it."""
        roles: dict[str, Role] = {}
        if any(caller.is_made_key for caller in callers):
            roles |= await self.keys.good()
        if any(caller.session for caller in callers):
            of: dict[str, Role] = {account.name: account.role for account in await self.people.accounts()}
            there = await self.people.sessions(None)
            roles |= {session.id: of[session.account] for session in there if session.account in of}
        named = {caller: caller.key if caller.is_made_key else caller.session for caller in callers}
        return {
            caller for caller, name in named.items() if name and (name not in roles or _is_less(roles[name], caller))
        }

    def changed(self) -> None:
        """To be called after a change of accounts, keys or sessions: it holds from the next request on."""
        self._remembered.clear()
        self._standing = None

    def request_done(self, record: RequestRecord) -> None:
        """Counts a request against its caller. Does not block."""
        used = record.usage
        self.allowance.spent(record.caller, used.prompt + used.completion)
        self.meter.count(record)

    async def usage(self) -> list[Usage]:
        """What keys used in the last thirty days."""
        await self.meter.write()
        since = self.meter.day(DAYS)
        return await self.database.run(lambda c: keys.usage(c, since=since))

    async def aclose(self) -> None:
        await self.meter.write()
        await asyncio.to_thread(self.database.close)

    async def _by_key(self, secret: str) -> Known | None:
        if self._key is not None and hmac.compare_digest(self._key, digest(secret)):
            return Known(Caller(OPERATOR, OPERATOR))
        if hmac.compare_digest(self._local, digest(secret)):
            return Known(Caller(OPERATOR))
        found = await self.keys.find(secret)
        return None if found is None else Known(caller_of(found))

    async def _by_session(self, token: str) -> Known | None:
        found = await self.people.session(token)
        if found is None:
            return None
        session, role = found
        return Known(Caller(session.account, role=role, session=session.id))


def _is_less(role: Role, caller: Caller) -> bool:
    return ROLES.index(role) < ROLES.index(caller.role)


def caller_of(key: Key) -> Caller:
    """A key's party is its account's, so that a second key is no second turn."""
    return Caller(key.account or key.id, key.id, key.priority, key.role, key.limits, key.scope)


def opened(
    home: Path, *, key: str | None = None, lifetime: Lifetime | None = None, most_keys: int | None = None
) -> Access:
    """Opens what the home folder has; an account has `most_keys` at most. Blocks.

    Raises DatabaseUnusable or RecordUnusable, and then nothing was changed.
    """
    chief = super_admin.load(home)
    database = Database.open(home / FILE_NAME)
    if chief is None:
        database.now(start_over)
    people = People(database, home, chief, lifetime=lifetime)
    return Access(database, people, Audit(home / "logs"), key=key, most_keys=most_keys)
