"""The JSON Schema Test Suite on both engines' grammars: what does not match a schema cannot be written under it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

import pytest

pytest.importorskip("llguidance")
pytest.importorskip("xllamacpp")

from dovetail.core.request import Json, JsonObject  # noqa: E402
from dovetail.gateway.schemas import reduced  # noqa: E402

from ...house.schema_suite import cases  # noqa: E402, TID252  the document counts the same schemas
from .grammars import Grammar, of_llama_cpp, of_mlx  # noqa: E402, TID252

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
RANGES = [
    *({"type": "integer", "minimum": low} for low in NUMBERS[:-1]),
    *({"type": "integer", "maximum": high} for high in NUMBERS[:-1]),
    *({"type": "integer", "minimum": low, "maximum": high} for low in NUMBERS for high in (7, 42, 100, 1100) if low <= high),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ends_of_a_range_of_integers(engine: str) -> None:
    probes = {n + d for n in (*NUMBERS[:-2], 7, 42, 100, 1100) for d in (-1, 0, 1)}
    grammars = ENGINES[engine]([reduced(schema, "schema") for schema in RANGES])
    for schema, grammar in zip(RANGES, grammars, strict=True):
        low, high = schema.get("minimum", -(10**9)), schema.get("maximum", 10**9)
        assert {n for n in probes if grammar.lets_through(n)} == {n for n in probes if low <= n <= high}, schema  # type: ignore[operator]
        assert not any(grammar.lets_through(text) for text in ("1", True, None, 1.5)), schema


STRINGS: list[JsonObject] = [
    {"type": "string", "pattern": pattern}
    for pattern in (
        r"^\w+\-\d$", r"^a\+\*\?\{\}\(\)\|\^\$\/\.$", r"^[\[\]^-]{2}$", r"^(é|\.|/|#|@|&|%|~|`|'|!){1,3}$", "^.{2}$",
        r"^[^a-zA-Z]{1,3}$", r"^\S\s\W$",
    )
]  # fmt: skip
OBJECTS: list[JsonObject] = [
    {"type": "object", "properties": {name: {"type": "null"} for name in ("a.b", "a-b", "é", '"', "additional", "a-kv")}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"], "additionalProperties": True},
    {"type": "array", "items": {"$ref": "#/$defs/a.b"}, "$defs": {"a.b": {"type": "null"}, "a_b": {"type": "object"}}},
    {},
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_is_written_is_json_that_matches(engine: str) -> None:
    schemas = [*STRINGS, *OBJECTS]
    rng = random.Random(0)
    for schema, grammar in zip(schemas, ENGINES[engine]([reduced(s, "schema") for s in schemas]), strict=True):
        texts = [text for _ in range(40) if (text := grammar.walk(rng)) is not None]
        assert len(texts) > 3, schema
        for text in texts:
            assert _fits(json.loads(text), schema), (schema, text)


def _fits(value: Json, schema: JsonObject) -> bool:
    import re

    if isinstance(pattern := schema.get("pattern"), str):
        return isinstance(value, str) and re.search(pattern, value, re.ASCII) is not None
    kinds = {"object": dict, "array": list}
    if (kind := schema.get("type")) is None:
        return True
    if not isinstance(value, kinds[str(kind)]):
        return False
    properties = schema.get("properties")
    if isinstance(value, list):
        return all(item is None for item in value)
    if isinstance(properties, dict):
        named = all(name in properties for name in value)
        return named and all(inner is None or properties[name] == {} for name, inner in value.items()) and (
            "required" not in schema or "b" in value
        )
    return schema == {} or all(type(inner) is int for inner in value.values())
