from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.gateway.tool_schemas import check

DECIMAL = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"  # as pydantic writes it


def of(**city: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"city": city}}


SOUND: list[dict[str, Any]] = [
    {},
    of(),
    of(type=["string", "null"], description="d", default=None, examples=[1]),
    of(type="string", minLength=1, maxLength=10**6, format="email"),
    of(type="string", pattern=DECIMAL),
    of(type="string", pattern="[z-a]"),  # without ends no engine reads it
    of(type="number", exclusiveMinimum=0, exclusiveMaximum=1),
    of(type="integer", minimum=-5.5, maximum=-5),
    of(type="array", items={"anyOf": [{"type": "integer"}, {"const": "a"}]}, maxItems=0),
    of(type="array", items=[{"type": "string"}], prefixItems=[]),
    of(type="object", additionalProperties={"type": "string"}, required=["x"]),
    {"$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}}, **of(**{"$ref": "#/$defs/a"})},
    {"$defs": {"a/b": {"enum": [1]}}, **of(**{"$ref": "#/$defs/a~1b"})},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"type": "strin"}, "type"),
    (of(type=[]), "type"),
    (of(type=5), "type"),
    ({"properties": []}, "properties"),
    ({"properties": {"a": True}}, "an object"),
    (of(anyOf=[]), "anyOf"),
    (of(anyOf=[{"type": "x"}]), "anyOf/0"),
    (of(items=5), "items"),
    (of(items={"enum": []}), "enum"),
    (of(additionalProperties=5), "additionalProperties"),
    (of(pattern=5), "pattern"),
    (of(pattern="^[z-a]$"), "pattern"),
    (of(pattern="^(?=[z-a])$"), "pattern"),
    (of(pattern="^a{5,2}$"), "pattern"),
    (of(pattern="^((a{0,999}){0,999}){0,999}$"), "pattern"),
    (of(format=5), "format"),
    (of(minLength=-1), "minLength"),
    (of(maxItems=1.5), "maxItems"),
    (of(minItems=True), "minItems"),
    (of(minLength=5, maxLength=2), "minLength"),
    (of(minItems=5, maxItems=2), "minItems"),
    (of(type="integer", minimum=5, maximum=2), "least"),
    (of(type="integer", exclusiveMinimum=2, exclusiveMaximum=3), "least"),
    (of(type="integer", minimum=0.2, maximum=0.8), "least"),
    (of(minimum="a"), "minimum"),
    (of(maximum=1e300), "maximum"),
    (of(**{"$ref": "http://x/y"}), "ref"),
    (of(**{"$ref": "#"}), "ref"),
    (of(**{"$ref": "#/$defs/a"}), "ref"),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, **of(**{"$ref": "#/$defs/a"})}, "ref"),
]


@pytest.mark.parametrize("schema", SOUND, ids=str)
def test_what_models_may_be_shown(schema: dict[str, Any]) -> None:
    check(schema, "tools")


@pytest.mark.parametrize(("schema", "about"), WRONG, ids=str)
def test_what_is_wrong_is_named(schema: dict[str, Any], about: str) -> None:
    with pytest.raises(InvalidRequest, match=about) as refused:
        check(schema, "tools[0]")
    assert refused.value.param == "tools[0]"
