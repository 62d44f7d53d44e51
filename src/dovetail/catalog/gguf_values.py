"""The values of a GGUF header's metadata, and how many of them are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MAX_VALUES = 1024
MAX_TEXT = 1 << 20
# In all: a value of one byte takes forty in memory, and stays there for as long as the model is listed.
MAX_VALUES_IN_ALL = 1 << 16
MAX_TEXT_IN_ALL = 4 << 20

Scalar: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class GgufArray:
    """An array in the metadata, or a very long text: `values` are kept of short ones only, None where not."""

    type: str
    count: int
    values: tuple[Scalar, ...] | None


Value: TypeAlias = Scalar | GgufArray


class Keeping:
    """What is kept of one header: short arrays and texts, until there are many. The rest is counted alone."""

    def __init__(self) -> None:
        self._values = MAX_VALUES_IN_ALL
        self._text = MAX_TEXT_IN_ALL

    def values(self, count: int) -> bool:
        """Whether an array of so many is kept."""
        kept = count <= min(MAX_VALUES, self._values)
        self._values -= count if kept else 0
        return kept

    def text(self, length: int) -> bool:
        """Whether a text of so many bytes is kept."""
        kept = length <= min(MAX_TEXT, self._text)
        self._text -= length if kept else 0
        return kept
