"""The bytes of files that conversations hold: on disk, each named by its hash, so that the same is there once."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Set as AbstractSet
from pathlib import Path

from dovetail.settings.document import sync

FOLDER = "chats"


class Blobs:
    """All in one folder, which is made when the first comes. Everything here blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Its name; whole on disk when this returns, behind a power cut too. Raises OSError."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{digest}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            part.replace(path)
            for folder in (path.parent, self._folder, self._folder.parent):
                sync(folder)
        finally:
            part.unlink(missing_ok=True)
        return digest

    def read(self, digest: str) -> bytes:
        """Raises OSError where it is gone."""
        return self._path(digest).read_bytes()

    def keep_only(self, digests: AbstractSet[str]) -> int:
        """Removes all others, and what was never finished: how many those were."""
        gone = [path for path in self._folder.glob("??/*") if path.name not in digests]
        gone += self._folder.glob("??/.*")
        for path in set(gone):
            path.unlink(missing_ok=True)
        return len(set(gone))

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest
