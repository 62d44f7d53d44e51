"""The values of a GGUF header's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class GgufArray:
    """An array in the metadata, or a very long text: `values` are kept of short ones only, None where not."""

    type: str
    count: int
    values: tuple[Scalar, ...] | None


Value: TypeAlias = Scalar | GgufArray
