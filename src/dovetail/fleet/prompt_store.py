"""Prompt caches on disk: one shelf a model, found by what their prompts begin with, the oldest out when it is full.

Everything here but `Shelf.find` touches the disk and blocks. Nothing that is wrong with a file is an error: it is
not there.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import cast

from dovetail import kv_folder
from dovetail.core.model import Model
from dovetail.fleet.chain import LINK, Chain, common

_VERSION = 1
_SLOT, _CARD = ".slot", ".json"


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation on disk: `tokens` in a file of `size` bytes."""

    name: str
    chain: Chain
    tokens: int
    size: int

    @property
    def file(self) -> str:
        return self.name + _SLOT


class PromptStore:
    """The folder of all shelves. Opening it clears away what a gateway that died left half written."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._root = root
        kv_folder.sweep(root)
        self.prune()

    def shelf(self, model: Model, key: str) -> Shelf:
        """The caches of `model` as it is on disk now, written by an engine of which `key` says the rest.

        Raises OSError when its folder cannot be made.
        """
        folder = self._root / f"{_slug(model.id)}-{_identity(model, key)}"
        kv_folder.make(folder)
        return Shelf(folder, self)

    def prune(self) -> None:
        kv_folder.prune(self._root, self.max_bytes)


class Shelf:
    """One model's conversations, each a slot file by the engine and a card by us that says what is in it.

    May be used from several threads at once.
    """

    def __init__(self, folder: Path, store: PromptStore) -> None:
        self.folder = folder
        self.max_bytes = store.max_bytes
        self._store = store
        self._lock = threading.Lock()
        found = (_read(card) for card in folder.glob("*" + _CARD))
        self._stored = {stored.name: stored for stored in found if stored is not None}

    def find(self, chain: Chain) -> tuple[Stored | None, int]:
        """The conversation that shares most with `chain`, and how many links it shares. Does not block."""
        with self._lock:
            known = list(self._stored.values())
        found = max(known, key=lambda stored: common(stored.chain, chain), default=None)
        shared = 0 if found is None else common(found.chain, chain)
        return (found, shared) if shared else (None, 0)

    def put(self, part: str, chain: Chain, tokens: int) -> None:
        """Takes in the complete file `part`, in place of conversations that it goes on with. Raises OSError."""
        written = self.folder / part
        stored = Stored(secrets.token_hex(8), chain, tokens, written.stat().st_size)
        card = {
            "version": _VERSION,
            "tokens": stored.tokens,
            "size": stored.size,
            "chain": b"".join(stored.chain).hex(),
        }
        note = self.folder / kv_folder.part(_CARD)
        note.write_text(json.dumps(card))
        kv_folder.publish(written, self.folder / stored.file)
        kv_folder.publish(note, self.folder / (stored.name + _CARD))
        with self._lock:
            superseded = [old for old in self._stored.values() if common(old.chain, chain) == len(old.chain)]
            self._stored[stored.name] = stored
        for old in superseded:
            self.drop(old)
        self._store.prune()

    def used(self, stored: Stored) -> None:
        kv_folder.touch(self.folder / stored.file)

    def drop(self, stored: Stored) -> None:
        """Removes a conversation that is superseded, or that the engine will not take."""
        with self._lock:
            self._stored.pop(stored.name, None)
        for suffix in (_SLOT, _CARD):
            self.discard(stored.name + suffix)

    def discard(self, file: str) -> None:
        with contextlib.suppress(OSError):
            (self.folder / file).unlink(missing_ok=True)


def _read(card: Path) -> Stored | None:
    """What a card says, if the file it speaks of is there and whole."""
    try:
        said = cast("object", json.loads(card.read_bytes()))
        size = card.with_suffix(_SLOT).stat().st_size
        match said:
            case {"version": 1, "tokens": int(tokens), "size": int(wanted), "chain": str(text)} if wanted == size:
                links = bytes.fromhex(text)
                chain = tuple(links[at : at + LINK] for at in range(0, len(links), LINK))
                return Stored(card.stem, chain, tokens, size)
            case _:
                return None
    except (OSError, ValueError):
        return None


def _identity(model: Model, key: str) -> str:
    """A digest of everything that a cache must have in common with the model it is for."""
    facts: list[object] = [key, model.template]
    files = list(model.files or (model.path,))
    if model.adapter is not None and model.adapter.path is not None:
        files.append(model.adapter.path)
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            facts.append(str(file))
        else:
            facts.append((str(file), stat.st_size, stat.st_mtime_ns))
    return blake2b(repr(facts).encode(), digest_size=12).hexdigest()


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", name)[:40].strip("-") or "model"
