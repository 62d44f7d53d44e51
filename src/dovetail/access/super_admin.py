"""The super-admin's record, `.auth.json` in the home folder: name and hash, 0600. Deleted, it offers setup again."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dovetail.access.passwords import pbkdf2_hash

FILE_NAME = ".auth.json"
_MOST_BYTES = 16 << 10


class RecordUnusable(Exception):
    """The file is there and cannot be used; the message is one line that says how to go on."""


@dataclass(frozen=True, slots=True)
class SuperAdmin:
    """The account that is made first; `password` is a hash."""

    name: str
    password: str


def load(home: Path) -> SuperAdmin | None:
    """Blocks. Raises RecordUnusable for a file that says something else: nobody is to be made anew over it."""
    path = home / FILE_NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    if len(raw) > _MOST_BYTES:
        raise _unusable(path, "it is too large")
    try:
        return _read(cast("object", json.loads(raw)))
    except ValueError as error:
        raise _unusable(path, str(error)) from None


def save(home: Path, record: SuperAdmin) -> None:
    """Blocks until it is on the disk; the file is private from its first byte on."""
    path = home / FILE_NAME
    said = {"super_admin_id": record.name, "scheme": "argon2id", "hash": record.password}
    part = path.with_name(f"{FILE_NAME}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read(said: object) -> SuperAdmin:
    match said:
        case {"super_admin_id": str(name), "scheme": "argon2id", "hash": str(stored)} if name and stored.startswith(
            "$argon2id$"
        ):
            return SuperAdmin(name, stored)
        # As the earlier server wrote it.
        case {
            "super_admin_id": str(name),
            "salt_hex": str(salt),
            "hash_hex": str(digest),
            "iterations": int(iterations),
        } if name and digest:
            return SuperAdmin(name, pbkdf2_hash(bytes.fromhex(salt), bytes.fromhex(digest), iterations))
        case _:
            raise ValueError("it does not hold a super-admin's hash")


def _unusable(path: Path, reason: str) -> RecordUnusable:
    return RecordUnusable(
        f"{path} cannot be used: {reason}; put a backup in its place with: dovetail admin restore FILE, "
        f"or make the account anew with: dovetail admin reset"
    )
