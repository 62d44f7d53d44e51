"""The folder of prompt caches on disk, as the gateway and its workers share it: modes, names, and what goes first.

`ROOT/MODEL-DIGEST/NAME.SUFFIX`. Files of one name belong together, and their newest time says when they were last
used. What is being written has a name that begins with `part-`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PART = "part-"
_ABANDONED = 600.0  # seconds in which any file is written


@dataclass(frozen=True, slots=True)
class _Kept:
    files: tuple[Path, ...]
    size: int
    used: float


def make(folder: Path) -> None:
    """Makes a model's folder, and the one of all models above it, for this user alone."""
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for made in (folder.parent, folder):
        made.mkdir(mode=0o700, exist_ok=True)


def part(suffix: str) -> str:
    """A name nobody else writes to, for a file that is not complete yet."""
    return f"{_PART}{secrets.token_hex(8)}{suffix}"


def publish(written: Path, name: Path) -> None:
    """Gives a complete file its name. It is not synced: what a power cut tears is found to be torn, and is a miss."""
    written.chmod(0o600)
    written.replace(name)


def touch(*files: Path) -> None:
    """Notes that `files` were used now."""
    for file in files:
        with contextlib.suppress(OSError):
            os.utime(file)


def sweep(root: Path, older: float = 0.0) -> None:
    """Removes what was left half written more than `older` seconds ago; 0 only while nobody writes."""
    for file in _files(root):
        if file.name.startswith(_PART):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime >= older:
                    file.unlink()


def prune(root: Path, max_bytes: int) -> None:
    """Removes what was used longest ago until the rest fits into `max_bytes`. Blocks; raises nothing."""
    sweep(root, _ABANDONED)
    kept = _kept(root)
    size = sum(entry.size for entry in kept)
    for entry in sorted(kept, key=lambda entry: entry.used):
        if size <= max_bytes:
            return
        for file in entry.files:
            with contextlib.suppress(OSError):
                file.unlink()
        size -= entry.size


def _kept(root: Path) -> list[_Kept]:
    groups: dict[Path, list[Path]] = {}
    for file in _files(root):
        if not file.name.startswith(_PART):
            groups.setdefault(file.with_suffix(""), []).append(file)
    found: list[_Kept] = []
    for files in groups.values():
        with contextlib.suppress(OSError):  # another process has just removed it
            stats = [file.stat() for file in files]
            found.append(_Kept(tuple(files), sum(s.st_size for s in stats), max(s.st_mtime for s in stats)))
    return found


def _files(root: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from [file for folder in root.iterdir() if folder.is_dir() for file in folder.iterdir()]
