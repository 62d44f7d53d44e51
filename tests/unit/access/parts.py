"""Access over a real database, with a hash that costs little and a clock that stands."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from dovetail.access import super_admin
from dovetail.access.access import Access
from dovetail.access.audit import Audit
from dovetail.access.backoff import Backoff
from dovetail.access.passwords import Passwords
from dovetail.access.people import Lifetime, People, Visitor, start_over
from dovetail.storage.database import Database

from ... import canaries  # noqa: TID252

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD = canaries.PASSWORD
HERE = Visitor("127.0.0.1", "a browser")


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def access(
    home: Path,
    *,
    key: str | None = None,
    clock: Clock | None = None,
    lifetime: Lifetime | None = None,
    most_keys: int | None = None,
) -> Generator[Access]:
    """As `opened` makes it."""
    clock = clock or Clock()
    database = Database.open(home / "dovetail.db")
    chief = super_admin.load(home)
    if chief is None:
        database.now(start_over)
    people = People(
        database, home, chief, passwords=Passwords(CHEAP), lifetime=lifetime, backoff=Backoff(clock), clock=clock
    )
    try:
        yield Access(database, people, Audit(home / "logs"), key=key, most_keys=most_keys, clock=clock)
    finally:
        database.close()


def audited(home: Path) -> list[dict[str, object]]:
    path = home / "logs" / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
