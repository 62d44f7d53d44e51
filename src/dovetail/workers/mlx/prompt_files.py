"""Prompt caches in files, beside those in memory: written when the worker is idle or leaves, read when they fit.

safetensors as mlx-lm's `save_prompt_cache` writes them; the metadata says which tokens and which space.
Used on the generation thread alone. What is wrong with a file makes it a miss, never an error.
"""

from __future__ import annotations

import json
import logging
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import mlx.core as mx
from mlx_lm.models.cache import (
    load_prompt_cache,  # pyright: ignore[reportUnknownVariableType]
    save_prompt_cache,
)

from dovetail import kv_folder
from dovetail.workers.mlx.batch import Cache, LayerCache
from dovetail.workers.mlx.prompt_cache import Entry, PromptCache, common, key_of

LEAST_TOKENS = 128  # what costs less than this to prefill is not worth a file
WORTH = 0.1  # of an entry's tokens must be in no file: writing one takes a fraction of the time of computing it
WORTH_IDLE = 0.5  # while the worker only waits: a conversation that grows is written whole, and not at every turn
_LEAST_GAIN = 32  # tokens that a file must hold more than memory does, to be read
_MAX_HEADER = 64 << 20
_SUFFIX = ".safetensors"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Stored:
    name: str
    space: str
    key: bytes
    length: int
    trimmable: bool

    def covers(self, key: bytes, space: str) -> int:
        """Tokens of `key` that the file can give."""
        shared = common(key, self.key) if space == self.space else 0
        return shared if self.trimmable or shared == self.length else 0


class PromptFiles:
    """The files of one model, in a folder that is its own; with all folders beside it, at most `max_bytes`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes
        self._index = kv_folder.Index(folder, _read)

    def worth_saving(self, entry: Entry[Cache], share: float = WORTH) -> bool:
        """Whether enough of an entry, at least `share` of it, is in no file."""
        if not entry.lasting or entry.length < LEAST_TOKENS or entry.cache.nbytes > self.max_bytes:
            return False
        covered = max((stored.covers(entry.key, entry.space) for stored in self._stored()), default=0)
        return entry.length - covered >= max(LEAST_TOKENS, share * entry.length)

    def save(self, entry: Entry[Cache], used: float | None = None) -> None:
        """Writes an entry that is worth it, last used now or at `used`, in place of what it goes on with."""
        if not self.worth_saving(entry):
            return
        tokens = list(memoryview(entry.key).cast("I"))
        told = {
            "tokens": json.dumps(tokens, separators=(",", ":")),
            "space": json.dumps(entry.space),
            "trimmable": json.dumps(entry.cache.trimmable),
        }
        part = self._folder / kv_folder.part(_SUFFIX)
        try:
            kv_folder.make(self._folder)
            save_prompt_cache(str(part), list(entry.cache.layers), told)
            name, _ = kv_folder.publish(part, entry.length, used=used)
        except Exception as error:  # noqa: BLE001  a full disk, or a cache that mlx-lm cannot write
            log.warning("a prompt cache was not saved error=%s", type(error).__name__)
            kv_folder.discard(part)
            return
        new = _Stored(name, entry.space, entry.key, entry.length, entry.cache.trimmable)
        if new.trimmable:
            for old in [old for old in self._stored() if old.space == new.space and new.key.startswith(old.key)]:
                if old.name != name:
                    self._index.drop(old.name, _SUFFIX)
        self._index.add(name, new)
        kv_folder.prune(self._folder.parent, self.max_bytes)

    def fetch(self, prompt: Sequence[int], space: str, covered: int) -> Entry[Cache] | None:
        """The entry that covers most of `prompt`, if that is well more than `covered`."""
        wanted = key_of(prompt)
        best, most = None, covered + _LEAST_GAIN
        for stored in self._stored():
            usable = stored.covers(wanted, space)
            if stored.trimmable:
                usable = min(usable, len(prompt) - 1)
            if most <= usable < len(prompt):
                best, most = stored, usable
        return None if best is None else self._load(best)

    def _load(self, stored: _Stored) -> Entry[Cache] | None:
        path = self._folder / (stored.name + _SUFFIX)
        try:
            if not self._index.sound(stored.name, _SUFFIX):
                raise ValueError("its checksum does not match")  # noqa: TRY301  as any other reason
            layers = cast("Sequence[LayerCache]", load_prompt_cache(str(path)))
            mx.eval([layer.state for layer in layers])  # pyright: ignore[reportUnknownMemberType]
        except Exception as error:  # noqa: BLE001  whatever it is, it is no cache of ours
            log.warning("a prompt cache was not read error=%s", type(error).__name__)
            self._index.drop(stored.name, _SUFFIX)
            return None
        kv_folder.touch(path)
        return Entry(stored.space, stored.key, stored.length, Cache(tuple(layers)))

    def _stored(self) -> list[_Stored]:
        return list(self._index.items().values())


class Conversations:
    """A `PromptCache` with files behind it: what memory lets go of is written first, what it lacks is read."""

    def __init__(self, memory: PromptCache[Cache], files: PromptFiles | None = None) -> None:
        self._memory = memory
        self._files = files
        self._fresh: set[tuple[str, bytes]] = set()  # kept since the worker was last idle
        if files is not None:
            memory.on_evict = files.save

    def fetch(self, prompt: Sequence[int], space: str = "") -> tuple[Cache | None, int]:
        """As `PromptCache.fetch`."""
        found, covered = self._memory.fetch(prompt, space)
        entry = None if self._files is None else self._files.fetch(prompt, space, covered)
        if entry is None:
            return found, covered
        self._memory.put(entry)
        usable = min(common(key_of(prompt), entry.key), len(prompt) - 1)
        return entry.cache.trimmed(entry.length - usable) if usable < entry.length else entry.cache, usable

    def keep(self, tokens: Sequence[int], cache: Cache, space: str = "", *, lasting: bool = True) -> None:
        """What is not `lasting` is kept in memory alone."""
        self._memory.keep(tokens, cache, space, lasting=lasting)
        self._fresh.add((space, key_of(tokens)))

    def save_next(self) -> None:
        """Writes the newest entry of which most is in no file, if there is one; blocks while it is written."""
        files = self._files
        for entry in self._memory.newest() if self._fresh and files is not None else ():
            if (entry.space, entry.key) in self._fresh:
                # Once: the oldest that a full disk has lost is not written again.
                self._fresh.discard((entry.space, entry.key))
                if files is not None and files.worth_saving(entry, WORTH_IDLE):
                    files.save(entry)
                    return
        self._fresh.clear()

    def save_all(self, within: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Writes what is in no file yet, newest first; begins none after `within` seconds or when the disk is full."""
        files = self._files
        if files is None:
            return
        deadline, room = clock() + within, files.max_bytes
        now = time.time()
        for age, entry in enumerate([entry for entry in self._memory.newest() if files.worth_saving(entry)]):
            room -= entry.cache.nbytes
            if clock() > deadline or room < 0:
                return
            files.save(entry, now - age)  # the oldest goes first when the disk is full

    def clear(self) -> None:
        self._memory.clear()


def _read(card: Path) -> _Stored | None:
    """What a file's header says of it, if it is as long as its card says. Format: huggingface/safetensors, README."""
    told, path = kv_folder.read_card(card), card.with_suffix(_SUFFIX)
    try:
        if told is None or path.stat().st_size != told.size:
            return None
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                return None
            header = cast("dict[str, dict[str, object]]", json.loads(file.read(length)))
        said = cast("Mapping[str, str]", header["__metadata__"])
        tokens = cast("list[int]", json.loads(said["0.tokens"]))
        trimmable = cast("bool", json.loads(said["0.trimmable"]))
        return _Stored(path.stem, str(json.loads(said["0.space"])), key_of(tokens), len(tokens), trimmable)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, struct.error):
        return None
