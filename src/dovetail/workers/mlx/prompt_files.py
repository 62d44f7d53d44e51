"""Prompt caches in files, beside those in memory: written when the worker is idle or leaves, read when they fit.

safetensors as mlx-lm's `save_prompt_cache` writes them; the metadata says which tokens, which model and which space.
Used on the generation thread alone. What is wrong with a file makes it a miss, never an error.
"""

from __future__ import annotations

import json
import logging
import secrets
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
_LEAST_GAIN = 32  # tokens that a file must hold more than memory does, to be read
_MAX_HEADER = 64 << 20
_SUFFIX = ".safetensors"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Stored:
    path: Path
    space: str
    key: bytes
    length: int
    trimmable: bool


class PromptFiles:
    """The files of one model, in a folder that is its own; with all folders beside it, at most `max_bytes`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._identity = folder.name  # the gateway's digest of the model's files, its template and the engine
        self._index: list[_Stored] | None = None

    def holds(self, entry: Entry[Cache]) -> bool:
        return any(stored.space == entry.space and stored.key == entry.key for stored in self._stored())

    def save(self, entry: Entry[Cache]) -> None:
        """Writes an entry that is long enough, in place of what it goes on with."""
        if entry.length < LEAST_TOKENS or entry.cache.nbytes > self._max_bytes or self.holds(entry):
            return
        tokens = list(memoryview(entry.key).cast("I"))
        told = {
            "tokens": json.dumps(tokens, separators=(",", ":")),
            "identity": self._identity,
            "space": json.dumps(entry.space),
            "trimmable": json.dumps(entry.cache.trimmable),
        }
        part = self._folder / kv_folder.part(_SUFFIX)
        try:
            kv_folder.make(self._folder)
            save_prompt_cache(str(part), list(entry.cache.layers), told)
            path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
            kv_folder.publish(part, path)
        except Exception as error:  # noqa: BLE001  a full disk, or a cache that mlx-lm cannot write
            log.warning("a prompt cache was not saved error=%s", type(error).__name__)
            part.unlink(missing_ok=True)
            return
        new = _Stored(path, entry.space, entry.key, entry.length, entry.cache.trimmable)
        if new.trimmable:
            for old in [old for old in self._stored() if old.space == new.space and new.key.startswith(old.key)]:
                self._drop(old)
        self._stored().append(new)
        kv_folder.prune(self._folder.parent, self._max_bytes)

    def fetch(self, prompt: Sequence[int], space: str, covered: int) -> Entry[Cache] | None:
        """The entry that covers most of `prompt`, if that is well more than `covered`."""
        wanted = key_of(prompt)
        best, most = None, covered + _LEAST_GAIN
        for stored in self._stored():
            usable = min(common(wanted, stored.key), len(prompt) - 1) if stored.space == space else 0
            if usable >= most and (stored.trimmable or usable == stored.length):
                best, most = stored, usable
        return None if best is None else self._load(best)

    def _load(self, stored: _Stored) -> Entry[Cache] | None:
        try:
            layers = cast("Sequence[LayerCache]", load_prompt_cache(str(stored.path)))
            mx.eval([layer.state for layer in layers])  # pyright: ignore[reportUnknownMemberType]
        except Exception as error:  # noqa: BLE001  whatever it is, it is no cache of ours
            log.warning("a prompt cache was not read error=%s", type(error).__name__)
            self._drop(stored)
            return None
        kv_folder.touch(stored.path)
        return Entry(stored.space, stored.key, stored.length, Cache(tuple(layers)))

    def _drop(self, stored: _Stored) -> None:
        self._stored().remove(stored)
        stored.path.unlink(missing_ok=True)

    def _stored(self) -> list[_Stored]:
        if self._index is None:
            found = (_read(path, self._identity) for path in self._folder.glob("*" + _SUFFIX))
            self._index = [stored for stored in found if stored is not None]
        return self._index


class Conversations:
    """A `PromptCache` with files behind it: what memory lets go of is written first, what it lacks is read."""

    def __init__(self, memory: PromptCache[Cache], files: PromptFiles | None = None) -> None:
        self._memory = memory
        self._files = files
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

    def keep(self, tokens: Sequence[int], cache: Cache, space: str = "") -> None:
        self._memory.keep(tokens, cache, space)

    def save_next(self) -> None:
        """Writes the newest entry that has no file yet, if there is one; blocks while it is written."""
        for entry in self._unsaved():
            self._save(entry)
            return

    def save_all(self, within: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Writes what has no file yet, newest first; begins none after `within` seconds."""
        deadline = clock() + within
        for entry in self._unsaved():
            if clock() > deadline:
                return
            self._save(entry)

    def clear(self) -> None:
        self._memory.clear()

    def _save(self, entry: Entry[Cache]) -> None:
        if self._files is not None:
            self._files.save(entry)

    def _unsaved(self) -> Iterator[Entry[Cache]]:
        files = self._files
        if files is not None:
            newest = self._memory.newest()
            yield from [entry for entry in newest if entry.length >= LEAST_TOKENS and not files.holds(entry)]


def _read(path: Path, identity: str) -> _Stored | None:
    """What a file's header says of it, if it is whole and of this model. Format: huggingface/safetensors, README."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                return None
            header = cast("dict[str, dict[str, object]]", json.loads(file.read(length)))
        told = cast("Mapping[str, str]", header.pop("__metadata__"))
        end = max(cast("Sequence[int]", tensor["data_offsets"])[1] for tensor in header.values())
        if told["0.identity"] != identity or path.stat().st_size != 8 + length + end:
            return None
        tokens = cast("list[int]", json.loads(told["0.tokens"]))
        trimmable = cast("bool", json.loads(told["0.trimmable"]))
        return _Stored(path, str(json.loads(told["0.space"])), key_of(tokens), len(tokens), trimmable)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, struct.error):
        return None
