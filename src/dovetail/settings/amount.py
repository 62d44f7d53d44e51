"""Amounts as people write them: of memory, and of layers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>%|[KMGT]i?B)", re.IGNORECASE)
_UNITS = {f"{letter}{i}b": (1024 if i else 1000) ** n for n, letter in enumerate("kmgt", 1) for i in ("", "i")}


def amount(said: object) -> object:
    """Bytes, or a share of the machine's memory as "75%"."""
    if not isinstance(said, str):
        if isinstance(said, bool) or not isinstance(said, int | None) or (said is not None and said < 1):
            raise ValueError('it is bytes, or text like "12 GiB" or "75%"')
        return said
    if said.strip().isdecimal():
        return int(said)
    found = _AMOUNT.fullmatch(said.strip())
    if found is None:
        raise ValueError('it is bytes, or text like "12 GiB" or "75%"')
    number, unit = float(found["number"]), found["unit"].lower()
    if unit != "%":
        return int(number * _UNITS[unit])
    if not 1 <= number <= 100:
        raise ValueError("it is a share from 1% to 100%")
    return f"{number:g}%"


Memory = Annotated[
    int | str | None,
    BeforeValidator(amount),
    Field(
        description='Memory for all workers together: bytes, "12 GiB" or "75%" of the machine. Empty: four fifths of '
        "what is free, the workers' own counted as free."
    ),
]
Layers = Annotated[int | None, BeforeValidator(lambda said: -1 if said == "auto" else said), Field(ge=-1, le=10_000)]
