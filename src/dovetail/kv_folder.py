"""The folder of prompt caches on disk, as the gateway and its workers share it: names, cards, and what goes first.

`ROOT/MODEL-DIGEST/NAME.SUFFIX`, beside it `NAME.json`, the card that says what is in it. A card is written last, so a
file without one is not there. Their newest time says when they were last used. What is being written has a name that
begins with `part-`. Files come and go while others look: the folder is the truth, nobody's memory of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

CARD = ".json"
VERSION = 2
_PART = "part-"
_ABANDONED = 600.0  # seconds in which any file is written
_TICK_NS = 100_000_000  # of folder times: what changed within one of them may change again unseen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Card:
    """What is in a file: `tokens` of a conversation, in `size` bytes of which `digest` is the checksum.

    `chain` is the gateway's own note of which conversation that is.
    """

    tokens: int
    size: int
    digest: str
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One conversation's files, and when they were last used (seconds since the epoch)."""

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


def publish(written: Path, tokens: int, chain: str = "", used: float | None = None) -> tuple[str, Card]:
    """Gives a complete file a name and a card, last used now or at `used`. Raises OSError, with nothing left behind.

    Neither is synced: what a power cut tears does not match its checksum, and is a miss.
    """
    folder, name = written.parent, secrets.token_hex(8)
    file, note = folder / (name + written.suffix), folder / part(CARD)
    try:
        card = Card(tokens, written.stat().st_size, digest(written), chain)
        note.write_text(json.dumps({"version": VERSION, **asdict(card)}))
        for made in (written, note):
            made.chmod(0o600)
            if used is not None:
                os.utime(made, (used, used))
        written.replace(file)
        note.replace(file.with_suffix(CARD))
    except OSError:
        for left in (written, note, file):
            discard(left)
        raise
    return name, card


def read_card(path: Path) -> Card | None:
    """What a card says, None where it is none of ours."""
    try:
        said = cast("object", json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None
    match said:
        case {
            "version": 2,
            "tokens": int(tokens),
            "size": int(size),
            "digest": str(found),
            "chain": str(chain),
        }:
            return Card(tokens, size, found, chain)
        case _:
            return None


def digest(path: Path) -> str:
    """A file's checksum; blocks for about a second a gigabyte. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Index(Generic[T]):
    """What is in one folder, by name, read again when the folder has changed. Not for several threads at once.

    `read` makes an item of a card's path, None where the file it speaks of cannot be used.
    """

    def __init__(self, folder: Path, read: Callable[[Path], T | None]) -> None:
        self._folder = folder
        self._read = read
        self._items: dict[str, T] = {}
        self._unread: set[str] = set()
        self._sound: set[str] = set()
        self._changed: int | None = None

    def items(self) -> dict[str, T]:
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return {}
        if changed != self._changed:
            self._look()
            self._changed = changed if time.time_ns() - changed > _TICK_NS else None
        return self._items

    def add(self, name: str, item: T) -> None:
        """An item that was written here: its checksum is known to match."""
        self._items[name] = item
        self._sound.add(name)

    def drop(self, name: str, suffix: str) -> None:
        """Removes an item and its files."""
        self._items.pop(name, None)
        for ending in (CARD, suffix):
            discard(self._folder / (name + ending))

    def sound(self, name: str, suffix: str) -> bool:
        """Whether a file matches its card; blocks while it is read, once for each file that was not written here."""
        if name in self._sound:
            return True
        card = read_card(self._folder / (name + CARD))
        try:
            matches = card is not None and digest(self._folder / (name + suffix)) == card.digest
        except OSError:
            matches = False
        if matches:
            self._sound.add(name)
        return matches

    def _look(self) -> None:
        try:
            names = {path.stem for path in self._folder.iterdir() if _is_card(path.name)}
        except OSError:
            names = set[str]()
        self._unread &= names
        self._sound &= names
        for gone in self._items.keys() - names:
            del self._items[gone]
        for name in names - self._items.keys() - self._unread:
            item = self._read(self._folder / (name + CARD))
            if item is None:
                self._unread.add(name)
            else:
                self._items[name] = item


def touch(*files: Path) -> None:
    """Notes that `files` were used now."""
    for file in files:
        with contextlib.suppress(OSError):
            os.utime(file)


def discard(file: Path) -> None:
    """Removes a file, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def clear_away(root: Path) -> None:
    """Removes what a process that died has left: parts, files without a card, empty folders. While nobody writes."""
    _sweep(root, 0)
    for entry in entries(root):
        if len(entry.files) < 2:
            for file in entry.files:
                discard(file)
    with contextlib.suppress(OSError):
        for folder in root.iterdir():
            with contextlib.suppress(OSError):
                folder.rmdir()  # fails unless it is empty


def prune(root: Path, max_bytes: int) -> None:
    """Removes what was used longest ago until the rest fits into `max_bytes`. Blocks; raises nothing."""
    _sweep(root, _ABANDONED)
    kept = entries(root)
    size = sum(entry.size for entry in kept)
    for entry in sorted(kept, key=lambda entry: entry.used):
        if size <= max_bytes:
            return
        for file in entry.files:
            discard(file)
        size -= entry.size


def entries(root: Path) -> list[Entry]:
    """Everything in the folders of all models, half-written files left out."""
    groups: dict[Path, list[Path]] = {}
    for file in _files(root):
        if not file.name.startswith(_PART):
            groups.setdefault(file.with_suffix(""), []).append(file)
    found: list[Entry] = []
    for files in groups.values():
        with contextlib.suppress(OSError):  # another process has just removed it
            stats = [file.stat() for file in files]
            found.append(Entry(tuple(files), sum(s.st_size for s in stats), max(s.st_mtime for s in stats)))
    return found


def _sweep(root: Path, older: float) -> None:
    """Removes what was left half written more than `older` seconds ago."""
    for file in _files(root):
        if file.name.startswith(_PART):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime >= older:
                    file.unlink()


def _is_card(name: str) -> bool:
    return name.endswith(CARD) and not name.startswith(_PART)


def _files(root: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from [file for folder in root.iterdir() if folder.is_dir() for file in folder.iterdir()]
