"""Key/value caches kept in memory between requests: the longest common token prefix is never computed twice."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

MAX_ENTRIES = 256


class Kept(Protocol):
    """One sequence's cache, as `batch.py` holds it."""

    @property
    def nbytes(self) -> int: ...
    @property
    def trimmable(self) -> bool: ...


class Trimmable(Kept, Protocol):
    def trimmed(self, drop: int) -> Trimmable:
        """The same cache without its last `drop` tokens; the original stays as it is."""
        ...


K = TypeVar("K", bound=Trimmable)


@dataclass(frozen=True, slots=True)
class Entry(Generic[K]):
    space: str
    key: bytes
    length: int
    cache: K
    lasting: bool = True  # it may be written to a file


class PromptCache(Generic[K]):
    """Least recently used first out, by bytes, told to `on_evict` first. Used on the generation thread alone."""

    def __init__(self, max_bytes: int, max_entries: int = MAX_ENTRIES) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._entries: OrderedDict[tuple[str, bytes], Entry[K]] = OrderedDict()
        self.nbytes = 0
        self.on_evict: Callable[[Entry[K]], None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def fetch(self, prompt: Sequence[int], space: str = "") -> tuple[K | None, int]:
        """The cache kept in `space` that covers most of `prompt`, and how much it covers: never all of it."""
        wanted = key_of(prompt)
        best: Entry[K] | None = None
        covered = 0
        for entry in self._entries.values():
            if entry.space != space:
                continue
            usable = min(common(wanted, entry.key), len(prompt) - 1)
            if usable < entry.length and not entry.cache.trimmable:
                continue
            if usable > covered:
                best, covered = entry, usable
        if best is None:
            return None, 0
        self._entries.move_to_end((best.space, best.key))
        drop = best.length - covered
        # `trimmed` returns the type it is called on; the bound cannot say so.
        return (best.cache if drop == 0 else best.cache.trimmed(drop)), covered  # pyright: ignore[reportReturnType]

    def keep(self, tokens: Sequence[int], cache: K, space: str = "", *, lasting: bool = True) -> None:
        """Keep the cache of `tokens` in `space`; a shorter cache that this one makes useless goes."""
        if tokens:
            self.put(Entry(space, key_of(tokens), len(tokens), cache, lasting))

    def put(self, entry: Entry[K]) -> None:
        """The same, with an entry that is one already."""
        size = entry.cache.nbytes
        if size > self._max_bytes:
            if self.on_evict is not None:
                self.on_evict(entry)
            return
        space, key = entry.space, entry.key
        self._drop((space, key))
        if entry.cache.trimmable:
            for shorter in [name for name in self._entries if name[0] == space and key.startswith(name[1])]:
                self._drop(shorter)
        self._entries[space, key] = entry
        self.nbytes += size
        while self.nbytes > self._max_bytes or len(self._entries) > self._max_entries:
            oldest = next(iter(self._entries))
            if self.on_evict is not None:
                self.on_evict(self._entries[oldest])
            self._drop(oldest)

    def newest(self) -> list[Entry[K]]:
        """Every entry, the last used first."""
        return list(reversed(self._entries.values()))

    def clear(self) -> None:
        self._entries.clear()
        self.nbytes = 0

    def _drop(self, name: tuple[str, bytes]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.nbytes -= entry.cache.nbytes


def key_of(tokens: Sequence[int]) -> bytes:
    return array("I", tokens).tobytes()


def common(a: bytes, b: bytes) -> int:
    """Tokens that both keys begin with, by bisection: memcmp is the fastest comparison Python has."""
    width = array("I").itemsize
    low, high = 0, min(len(a), len(b)) // width
    if a[: high * width] == b[: high * width]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if a[low * width : middle * width] == b[low * width : middle * width]:
            low = middle
        else:
            high = middle
    return low
