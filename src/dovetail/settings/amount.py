"""Amounts as people write them: of memory, and of layers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?(?= ?[%KMGT])|\d+) ?(?P<unit>%|[KMGT]i?B)?", re.IGNORECASE)
_UNITS = {f"{letter}{i}b": (1024 if i else 1000) ** n for n, letter in enumerate("kmgt", 1) for i in ("", "i")}
_UNITS[""] = 1
_MOST = 1 << 60
_FORM = 'it is bytes, or text like "12 GiB" or "75%"'


def amount(said: object) -> object:
    """Bytes, or a share of the machine's memory as "75%"."""
    if said is None:
        return None
    if isinstance(said, int) and not isinstance(said, bool):
        return _bytes(said)
    found = _AMOUNT.fullmatch(said.strip()) if isinstance(said, str) else None
    if found is None:
        raise ValueError(_FORM)
    number, unit = float(found["number"]), (found["unit"] or "").lower()
    if unit != "%":
        return _bytes(number * _UNITS[unit])
    if not 1 <= number <= 100:
        raise ValueError("it is a share from 1% to 100%")
    return f"{number:g}%"


def _bytes(count: float) -> int:
    if not 1 <= count <= _MOST:
        raise ValueError("it is at least a byte, and at most 2^60")
    return int(count)


Memory = Annotated[
    int | str | None,
    BeforeValidator(amount),
    Field(
        description='Memory for all workers together: bytes, "12 GiB" or "75%" of the machine. Empty: four fifths of '
        "what is free, the workers' own counted as free."
    ),
]
Layers = Annotated[int | None, BeforeValidator(lambda said: -1 if said == "auto" else said), Field(ge=-1, le=10_000)]
