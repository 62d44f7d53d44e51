"""What happens to an account while a login of it is under way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dovetail.access import super_admin
from dovetail.access.passwords import Passwords
from dovetail.access.people import People
from dovetail.core.errors import Unauthenticated
from dovetail.storage.database import Database

from .parts import CHEAP, GOOD, HERE

pytestmark = pytest.mark.anyio

OTHER = "another horse battery"
WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16)


class Slow(Passwords):
    """Tells when it has verified one, and holds the answer until it is let go."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.done = asyncio.Event()
        self.go_on = asyncio.Event()

    async def verified(self, stored: str | None, password: str) -> str | None:
        found = await super().verified(stored, password)
        self.done.set()
        await self.go_on.wait()
        return found


@asynccontextmanager
async def people(home: Path) -> AsyncGenerator[tuple[People, Slow]]:
    """An admin and a member, whose hashes both are to be made anew at their next login."""
    for_chief, for_ann = WEAK.hash(GOOD), WEAK.hash(GOOD)
    chief = super_admin.SuperAdmin("chief", for_chief)
    super_admin.save(home, chief)
    database = Database.open(home / "dovetail.db")
    slow = Slow()
    made = People(database, home, chief, passwords=slow)
    await made.add("ann", GOOD, "member")
    await database.run(lambda c: c.execute("UPDATE account SET password = ?", (for_ann,)))
    try:
        yield made, slow
    finally:
        database.close()


async def logged_in_meanwhile(made: People, slow: Slow, name: str, change: Callable[[], Awaitable[object]]) -> None:
    login = asyncio.create_task(made.log_in(name, GOOD, HERE))
    await slow.done.wait()
    await change()
    slow.go_on.set()
    with pytest.raises(Unauthenticated):
        await login
    assert await made.sessions(None) == []


@pytest.mark.bad_input("53")
@pytest.mark.parametrize("name", ["chief", "ann"])
async def test_a_password_that_is_changed_while_the_old_one_is_verified_stays_changed(
    tmp_path: Path, name: str
) -> None:
    async with people(tmp_path) as (made, slow):
        await logged_in_meanwhile(made, slow, name, lambda: made.set_password(name, OTHER))
        with pytest.raises(Unauthenticated):
            await made.log_in(name, GOOD, HERE)
        await made.log_in(name, OTHER, HERE)


async def test_an_account_that_is_removed_while_it_logs_in_leaves_no_session_to_its_successor(tmp_path: Path) -> None:
    async def replaced() -> None:
        await made.remove("ann")
        await made.add("ann", OTHER, "admin")

    async with people(tmp_path) as (made, slow):
        await logged_in_meanwhile(made, slow, "ann", replaced)
