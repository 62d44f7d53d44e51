"""Prompt caches on disk: one shelf a model, found by what their prompts begin with, the oldest out when it is full.

Everything here touches the disk and blocks. Nothing that is wrong with a file is an error: it is not there.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from dovetail import kv_folder
from dovetail.core.model import Model
from dovetail.fleet.chain import LINK, Chain, common, reach, sound
from dovetail.fleet.measured import identity

SLOT = ".slot"


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation on disk: `tokens` in a file of `size` bytes."""

    name: str
    chain: Chain
    tokens: int
    size: int

    @property
    def file(self) -> str:
        return self.name + SLOT

    def covers(self, chain: Chain) -> int:
        """About how many of its tokens are those of the conversation `chain`."""
        shared = common(self.chain, chain)
        return round(self.tokens * reach(chain, shared) / reach(self.chain)) if shared else 0


class PromptStore:
    """The folder of all shelves. Opening it clears away what a gateway that died left half written."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._root = root
        kv_folder.clear_away(root)
        self.prune()

    def shelf(self, model: Model, key: str) -> Shelf:
        """The caches of `model` as it is on disk now, written by an engine of which `key` says the rest.

        Raises OSError when its folder cannot be made.
        """
        folder = self._root / shelf_name(model, key)
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
        self._index = kv_folder.Index(folder, _read)
        self._index.items()
        self._lock = threading.RLock()

    def find(self, chain: Chain) -> tuple[Stored | None, int]:
        """The conversation that shares most with `chain`, and how many links it shares.

        Among equals the longest of those that `chain` may go on with, else the shortest: the rest is read for nothing.
        Blocks for a look at the folder, and to read what somebody else has put there.
        """
        with self._lock:
            known = list(self._index.items().values())

        def gain(stored: Stored) -> tuple[int, int]:
            shared = common(stored.chain, chain)
            return shared, stored.tokens if shared == len(stored.chain) else -stored.tokens

        found = max(known, key=gain, default=None)
        shared = 0 if found is None else common(found.chain, chain)
        return (found, shared) if shared else (None, 0)

    def put(self, part: str, chain: Chain, tokens: int, used: float | None = None) -> None:
        """Takes in the complete file `part`, in place of shorter conversations that it goes on with.

        One that is larger than all files together may be is not kept. Raises OSError.
        """
        written = self.folder / part
        if written.stat().st_size > self.max_bytes:
            kv_folder.discard(written)
            return
        name, card = kv_folder.publish(written, tokens, b"".join(chain).hex(), used)
        with self._lock:
            for old in list(self._index.items().values()):
                if old.name != name and common(old.chain, chain) == len(old.chain) and old.tokens <= tokens:
                    self._index.drop(old.name, SLOT)
            self._index.add(name, Stored(name, chain, tokens, card.size))
        self._store.prune()

    def sound(self, stored: Stored) -> bool:
        """Whether a conversation's file is what was written; blocks while it is read, the first time."""
        return self._index.sound(stored.name, SLOT)  # nobody waits for the lock meanwhile

    def used(self, stored: Stored) -> None:
        kv_folder.touch(self.folder / stored.file)

    def drop(self, stored: Stored) -> None:
        """Removes a conversation that the engine will not take."""
        with self._lock:
            self._index.drop(stored.name, SLOT)

    def discard(self, file: str) -> None:
        kv_folder.discard(self.folder / file)


def _read(path: Path) -> Stored | None:
    """What a card says, if the file it speaks of is there and of that size."""
    card = kv_folder.read_card(path)
    try:
        if card is None or path.with_suffix(SLOT).stat().st_size != card.size:
            return None
        links = bytes.fromhex(card.chain)
    except (OSError, ValueError):
        return None
    chain = tuple(links[at : at + LINK] for at in range(0, len(links), LINK))
    return Stored(path.stem, chain, card.tokens, card.size) if sound(chain) else None


def shelf_name(model: Model, key: str) -> str:
    """The folder of a model's caches; another one as soon as anything differs that they depend on."""
    return f"{_slug(model.name)}-{identity(model, key, model.template)}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", name)[:40].strip("-") or "model"
