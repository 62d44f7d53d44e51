"""The key that a running server leaves in the home folder for the commands of whoever owns it."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "local.key"


def write(home: Path, key: str) -> None:
    """Blocks. The file is private from its first byte on."""
    remove(home)
    file = os.open(home / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, key.encode())
    finally:
        os.close(file)


def read(home: Path) -> str | None:
    """None when no server runs, or the folder is somebody else's."""
    try:
        return (home / NAME).read_text("ascii")
    except (OSError, ValueError):
        return None


def remove(home: Path) -> None:
    (home / NAME).unlink(missing_ok=True)
