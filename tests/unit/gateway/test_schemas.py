"""Schemas reduced to what both engines follow."""

from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway.schemas import reduced


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


KEPT: list[tuple[dict[str, Any], JsonObject]] = [
    ({}, {"anyOf": [{}]}),
    ({"title": "x", "default": 5, "description": "y"}, {"anyOf": [{}]}),
    ({"const": 5}, {"enum": [5]}),
    ({"enum": [1, "a", True], "type": ["string", "integer"]}, {"enum": [1, "a"]}),
    ({"type": "object"}, {"type": "object", "additionalProperties": True}),
    (record(a=True) | {"required": ["a"]},
     {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}),
    ({"type": "integer", "exclusiveMinimum": 2, "maximum": 4.5}, {"type": "integer", "minimum": 3, "maximum": 4}),
    ({"type": ["string", "null"], "maxLength": 3},
     {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}),
    ({"allOf": [{"type": "null"}], "description": "x"}, {"type": "null"}),
    ({"items": {"type": "null"}}, {"type": "array", "items": {"type": "null"}}),
    ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}},
     {"$ref": "#/$defs/d0", "$defs": {"d0": {"type": "null"}}}),
    ({"type": "integer", "minimum": 3}, {"type": "integer", "minimum": 3, "maximum": 10**15 - 1}),
    ({"enum": [-2.0, 1.5]}, {"enum": [-2, 1.5]}),
    ({"enum": [-(1 << 53), 2.5e-10, 1e22]}, {"enum": [-(1 << 53), 2.5e-10, 1e22]}),
    ({"minLength": 2}, {"type": "string", "minLength": 2}),
    (record(next={"$ref": "#"}),
     {"type": "object", "properties": {"next": {"$ref": "#/$defs/d0"}}, "required": [], "additionalProperties": False,
      "$defs": {"d0": {"type": "object", "properties": {"next": {"$ref": "#/$defs/d0"}}, "required": [],
                       "additionalProperties": False}}}),
    (record(**{"a/b~": {"type": "null"}, "c": {"$ref": "#/properties/a~1b~0"}}),
     {"type": "object", "properties": {"a/b~": {"type": "null"}, "c": {"$ref": "#/$defs/d0"}}, "required": [],
      "additionalProperties": False, "$defs": {"d0": {"type": "null"}}}),
    ({"items": {"$ref": "#/$defs/a%20b/anyOf/0"}, "$defs": {"a b": {"anyOf": [{"type": "null"}]}}},
     {"type": "array", "items": {"$ref": "#/$defs/d0"}, "$defs": {"d0": {"type": "null"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "kept"), KEPT)
def test_what_is_kept(schema: dict[str, Any], kept: JsonObject) -> None:
    assert reduced(schema, "p") == kept
    assert list(reduced(record(b=True, a=True), "p")["properties"]) == ["b", "a"]  # type: ignore[arg-type]


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


REFUSED: list[dict[str, Any]] = [
    {"not": {}}, {"if": {}}, {"type": "array", "uniqueItems": True}, {"type": "number", "minimum": 3}, {"minimum": 3},
    {"type": "integer", "multipleOf": 7}, {"type": "string", "format": "email"}, {"type": "string", "pattern": "a"},
    {"type": "string", "format": "date", "maxLength": 3}, {"type": "object", "patternProperties": {}}, {"type": "x"},
    {"type": []}, {"type": {}}, {"enum": []}, {"enum": 5}, {"enum": [1], "type": "string"}, {"anyOf": []},
    {"anyOf": [{}], "type": "object"}, {"allOf": [{}, {}]}, {"oneOf": [{"type": "object"}, {"type": "object"}]},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]}, {"$ref": "#"}, {"$ref": 5}, {"$ref": "#/$defs/a/b"},
    {"$ref": "#a"}, {"$ref": "http://127.0.0.1/#/a"}, {"enum": [{"$ref": "#/$defs/a"}]}, record(**{"*": True}),
    record(a={"$id": "http://127.0.0.1/a", "type": "null"}), {"minLength": 1, "items": {}},
    record(a={"$ref": "#/$defs/a/items"}) | {"$defs": {"a": {"$id": "b", "type": "array", "items": {"type": "null"}}}},
    record(a=True) | {"additionalProperties": {"type": "null"}}, {"oneOf": [{"items": {}}, {"type": "object"}]},
    {"enum": [1e400], "type": "integer"}, {"const": -(1 << 63)}, {"const": {"a": [(1 << 53) + 1]}},
    {"enum": [929803009326.5321]}, {"const": 0.1 + 0.2},
    {"$ref": "#/$defs/a", "$defs": 5}, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1}}},
    record(a=False), record(a=5), {"type": "object", "properties": 5}, {"type": "object", "required": 5},
    {"type": "object", "required": ["a"]}, {"type": "array", "minItems": 3, "maxItems": 2},
    {"type": "array", "maxItems": 1001}, {"type": "array", "maxItems": True}, {"type": "string", "maxLength": 1 << 20},
    {"type": "integer", "minimum": 1e300}, {"type": "integer", "minimum": "3"}, {"x-guidance": {}}, nested(40),
    {"type": "array", "items": [*[{"type": "string", "maxLength": 5000}] * 5]}, {"enum": ["x" * 70_000]},
]  # fmt: skip


@pytest.mark.parametrize("schema", REFUSED, ids=lambda v: str(v)[:50])
def test_what_engines_differ_on_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        reduced(schema, "p")
    assert caught.value.param == "p"
