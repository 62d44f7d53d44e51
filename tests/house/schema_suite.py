"""The JSON Schema Test Suite's schemas, and which of them are followed: those that the gateway's reduction takes."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.schemas import reduced

DATA = Path(__file__).parents[1] / "data" / "json-schema-test-suite.json.gz"


@dataclass(frozen=True, slots=True)
class Case:
    """A schema, the file of the suite it is from, and values that match it and that do not."""

    keyword: str
    schema: Json
    valid: tuple[Json, ...]
    invalid: tuple[Json, ...]

    @property
    def reduced(self) -> JsonObject | None:
        """What engines are given; None where the schema is refused."""
        if not isinstance(self.schema, dict):  # a schema that is true or false cannot be sent
            return None
        try:
            return reduced(self.schema, "schema")
        except InvalidRequest:
            return None


def cases() -> list[Case]:
    """Every schema of the suite, in its order."""
    found = cast("list[dict[str, Json]]", json.loads(gzip.decompress(DATA.read_bytes())))
    return [
        Case(
            str(case["keyword"]),
            case["schema"],
            tuple(cast("list[Json]", case["valid"])),
            tuple(cast("list[Json]", case["invalid"])),
        )
        for case in found
    ]


def table() -> str:
    """How many schemas of each file are followed and refused, as Markdown."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case in cases():
        counts[case.keyword][case.reduced is None] += 1
    followed, refused = (sum(count[i] for count in counts.values()) for i in (0, 1))
    lines = ["| file of the suite | followed | refused |", "|---|---|---|"]
    lines += [f"| {name} | {count[0]} | {count[1]} |" for name, count in sorted(counts.items())]
    return "\n".join([*lines, f"| **all** | **{followed}** | **{refused}** |", ""])
