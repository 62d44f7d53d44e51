"""One field of a request, and tables of them.

honoured   does on the engine what its API says
inert      has no effect on the output by its definition
refused    a 400 that names it, unless the value asks for nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dovetail.core.request import Json

Treatment: TypeAlias = Literal["honoured", "inert", "refused"]
Table: TypeAlias = Mapping[str, "FieldSpec"]

MAX_INT = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field.

    aliases   its other names in published APIs
    low, high   bounds of a number
    default   what holds on every engine where neither the request nor the model says anything
    neutral   the values of a refused field that ask for nothing, beside null
    """

    name: str
    meaning: str = ""
    low: float | None = None
    high: float | None = None
    aliases: tuple[str, ...] = ()
    default: Json = None
    gguf: Treatment = "honoured"
    mlx: Treatment = "honoured"
    neutral: tuple[Json, ...] = ()

    def admits(self, value: float) -> bool:
        """Whether a number is within the bounds; NaN is within none."""
        return (
            (self.low is None or value >= self.low) and (self.high is None or value <= self.high) and value == value  # noqa: PLR0124
        )


def table(*specs: FieldSpec) -> Table:
    """Fields by their names, in their order."""
    return {spec.name: spec for spec in specs}


def inert(name: str, meaning: str) -> FieldSpec:
    """A field without effect on the output."""
    return FieldSpec(name, meaning, gguf="inert", mlx="inert")


def refused(name: str, *neutral: Json, meaning: str = "", aliases: tuple[str, ...] = ()) -> FieldSpec:
    """A field that only the `neutral` values of may be sent."""
    return FieldSpec(name, meaning, aliases=aliases, gguf="refused", mlx="refused", neutral=neutral)
