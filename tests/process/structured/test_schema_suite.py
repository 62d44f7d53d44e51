"""The JSON Schema Test Suite on both engines' grammars: what does not match a schema cannot be written under it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

import pytest

pytest.importorskip("llguidance")
pytest.importorskip("xllamacpp")

from dovetail.core.request import JsonObject
from dovetail.gateway.schemas import reduced

from ...house.schema_suite import cases  # noqa: TID252  the document counts the same schemas
from .grammars import Grammar, of_llama_cpp, of_mlx

ENGINES: dict[str, Callable[[Sequence[JsonObject]], list[Grammar]]] = {"mlx": of_mlx, "gguf": of_llama_cpp}
FOLLOWED = [(case, schema) for case in cases() if (schema := case.reduced) is not None]
# Values that match a schema and are not written: a type or the end of the properties is understood.
NARROWER = {"additionalProperties", "anyOf", "format", "items", "maxItems", "maxLength", "minItems", "minLength",
            "pattern", "properties", "ref", "required", "date", "time", "date-time", "uuid"}  # fmt: skip


@pytest.mark.accept("E16")
@pytest.mark.parametrize("engine", ENGINES)
def test_every_schema_that_is_followed_is_followed_rightly(engine: str) -> None:
    assert len(FOLLOWED) > 100
    narrower: set[str] = set()
    for (case, _), grammar in zip(FOLLOWED, ENGINES[engine]([schema for _, schema in FOLLOWED]), strict=True):
        wrong = [value for value in case.invalid if grammar.lets_through(value)]
        assert wrong == [], case
        written = [value for value in case.valid if grammar.lets_through(value)]
        if len(written) < len(case.valid):
            narrower.add(case.keyword)
    assert narrower == NARROWER


NUMBERS = [-1000, -101, -100, -99, -10, -9, -1, 0, 1, 9, 10, 11, 19, 99, 100, 101, 999, 10**15 - 1, 1 << 53]
HIGHS = (7, 42, 100, 1100)
RANGES: list[JsonObject] = [
    *({"type": "integer", "minimum": low} for low in NUMBERS[:-1]),
    *({"type": "integer", "maximum": high} for high in NUMBERS[:-1]),
    *({"type": "integer", "minimum": a, "maximum": b} for a in NUMBERS for b in HIGHS if a <= b),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ends_of_a_range_of_integers(engine: str) -> None:
    probes = {n + d for n in (*NUMBERS[:-2], *HIGHS) for d in (-1, 0, 1)}
    grammars = ENGINES[engine]([reduced(schema, "schema") for schema in RANGES])
    for schema, grammar in zip(RANGES, grammars, strict=True):
        low, high = cast("int", schema.get("minimum", -(10**9))), cast("int", schema.get("maximum", 10**9))
        assert {n for n in probes if grammar.lets_through(n)} == {n for n in probes if low <= n <= high}, schema
        assert not any(grammar.lets_through(text) for text in ("1", True, None, 1.5)), schema


PATTERNS = (
    r"^\w+\-\d$", r"^a\+\*\?\{\}\(\)\|\^\$\/\.$", r"^[\[\]^-]{2}$", r"^(é|\.|/|#|@|&|%|~|`|'|!){1,3}$", "^.{2}$",
    r"^[^a-zA-Z]{1,3}$", r"^\S\s\W$",
)  # fmt: skip
NAMES = {"a.b", "a-b", "é", '"', "additional", "a-kv"}
AB: JsonObject = {"a": {}, "b": {}}


def matching(pattern: str) -> Callable[[Any], bool]:
    return lambda value: re.search(pattern, value, re.ASCII) is not None


# A schema that a converter can get wrong, and what holds of every value that matches.
WRITTEN: list[tuple[JsonObject, Callable[[Any], bool]]] = [
    *(({"type": "string", "pattern": pattern}, matching(pattern)) for pattern in PATTERNS),
    ({"type": "object", "properties": {name: {"type": "null"} for name in NAMES}},
     lambda value: value.keys() <= NAMES and not any(value.values())),
    ({"type": "object", "additionalProperties": {"type": "integer"}},
     lambda value: all(type(inner) is int for inner in value.values())),
    ({"type": "object", "properties": AB, "required": ["b"], "additionalProperties": True},
     lambda value: {"b"} <= value.keys() <= AB.keys()),
    ({"type": "array", "items": {"$ref": "#/$defs/a.b"}, "$defs": {"a.b": {"type": "null"}, "a_b": {"type": "object"}}},
     lambda value: all(item is None for item in value)),
    ({"type": "string", "format": "date"}, lambda value: date.fromisoformat(value).isoformat() == value),
    ({"type": "string", "format": "uuid"}, lambda value: str(UUID(value)) == value.lower()),
    ({}, lambda _: True),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_is_written_is_json_that_matches(engine: str) -> None:
    rng = random.Random(0)
    grammars = ENGINES[engine]([reduced(schema, "schema") for schema, _ in WRITTEN])
    for (schema, holds), grammar in zip(WRITTEN, grammars, strict=True):
        texts = [text for _ in range(40) if (text := grammar.walk(rng)) is not None]
        assert len(texts) > 3, schema
        for text in texts:
            assert holds(json.loads(text)), (schema, text)
