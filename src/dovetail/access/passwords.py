"""Passwords: what one has to be, and how it is kept. Argon2id; PBKDF2 of an earlier server is still verified."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dovetail.core.errors import Busy, InvalidRequest

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST = 8
MOST = 256
# Each hash takes 64 MiB and a core for a twentieth of a second.
_AT_ONCE = 2
_WAITING = 16
_PBKDF2 = "pbkdf2-sha256"
_MOST_ITERATIONS = 10_000_000
_COMMON = Path(__file__).with_name("common_passwords.txt")
# What that list leaves out, because it is a name, or this program's.
_ALSO = "00000000 87654321 aaaaaaaa administrator changeme1 dovetail dovetail1 jennifer michelle welcome123"


T = TypeVar("T")


def check_password(password: str, name: str) -> None:
    """Raises InvalidRequest for a password that must not be taken."""
    if not LEAST <= len(password) <= MOST:
        raise InvalidRequest(f"a password has {LEAST} to {MOST} characters", code="weak_password", param="password")
    if password.lower() in common() or password.lower() == name.lower():
        raise InvalidRequest("that password is among the first anybody tries", code="weak_password", param="password")


@cache
def common() -> frozenset[str]:
    """Passwords that everybody has, in lower case. Reads them at the first call, a millisecond."""
    lines = _COMMON.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#")) | frozenset(_ALSO.split())


def pbkdf2_hash(salt: bytes, digest: bytes, iterations: int) -> str:
    """A hash of the earlier server in the form that `Passwords` verifies."""
    return f"${_PBKDF2}${iterations}${salt.hex()}${digest.hex()}"


class Passwords:
    """Hashes and verifies, a few at a time, beside the event loop. Raises Busy when too many wait."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher
        self._decoy: str | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        return await self._in_turn(lambda: self.hash_now(password))

    async def verified(self, stored: str | None, password: str) -> str | None:
        """None for a wrong password, else the hash to keep, which is another when parameters have risen.

        Without `stored` (there is nobody of that name) it takes as long, and is wrong.
        """
        return await self._in_turn(lambda: self._verify(stored, password))

    def hash_now(self, password: str) -> str:
        """`hashed`, blocking."""
        return self._argon2().hash(_bytes(password))

    def _verify(self, stored: str | None, password: str) -> str | None:
        if stored is not None and stored.startswith(f"${_PBKDF2}$"):
            return self.hash_now(password) if _pbkdf2(stored, password) else None
        from argon2.exceptions import InvalidHashError, VerificationError

        if self._decoy is None:
            self._decoy = self.hash_now(secrets.token_hex())
        try:
            self._argon2().verify(self._decoy if stored is None else stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return None
        if stored is None:
            return None
        return self.hash_now(password) if self._argon2().check_needs_rehash(stored) else stored

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise Busy("too many logins at once; try again in a moment", code="too_many_logins")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1

    def _argon2(self) -> PasswordHasher:
        if self._hasher is None:
            from argon2 import PasswordHasher  # not at the start, which is to be quick

            self._hasher = PasswordHasher()
        return self._hasher


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _pbkdf2(stored: str, password: str) -> bool:
    _, _, iterations, salt, digest = stored.split("$")
    if not 0 < int(iterations) <= _MOST_ITERATIONS:
        return False
    found = hashlib.pbkdf2_hmac("sha256", _bytes(password), bytes.fromhex(salt), int(iterations), len(digest) // 2)
    return hmac.compare_digest(found.hex(), digest)
