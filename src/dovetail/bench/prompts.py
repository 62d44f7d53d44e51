"""Prompts of an exact number of tokens, no two of which begin alike: no cache can have seen one before."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class Prompts:
    """Draws prompts from the `ids` of a text; one `seed` gives the same prompts in the same order."""

    def __init__(self, ids: Sequence[int], seed: int) -> None:
        """`ids` must hold two different ones."""
        self._ids = sorted(set(ids))
        self._random = Random(seed)  # noqa: S311  nothing secret
        self._begun: set[tuple[int, ...]] = set()

    def draw(self, length: int) -> tuple[int, ...]:
        """`length` ids. Their order means nothing: what is computed is the same."""
        while True:
            found = tuple(self._random.choices(self._ids, k=length))
            beginning = found[:4]
            # Of very short prompts there are not enough that differ.
            if beginning not in self._begun or len(self._begun) >= len(self._ids) ** min(length, 4) // 2:
                self._begun.add(beginning)
                return found
