"""Bounded JSON, strict models, named fields."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.gateway import wire
from dovetail.gateway.wire import Inert, Refused, Wire

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 60), 1 << 60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=30,
)


class Inner(Wire):
    text: str = ""
    strict: Annotated[object, Refused(False)] = None


class Body(Wire):
    name: str = ""
    count: Annotated[int, Field(ge=0, le=10)] = 0
    share: Annotated[float | None, Field(ge=0, le=1)] = None
    inner: Inner | None = None
    list_of: list[Inner] | None = None
    either: str | list[Annotated[int, Field(ge=0)]] | None = None
    user: Annotated[object, Inert()] = None
    logprobs: Annotated[object, Refused(False)] = None
    zero: Annotated[object, Refused(0)] = None


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(v) for v in cast("dict[str, Any]", value).values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(v) for v in cast("list[Any]", value)), default=0)
    return 0


def nested(levels: int, value: Any = None) -> Any:
    for i in range(levels):
        value = [value] if i % 2 else {"[{": value}
    return value


def code_of(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        wire.parse(body)
    assert caught.value.status == 400
    return caught.value.code


@given(st.dictionaries(st.text(), JSON))
def test_what_is_json_and_shallow_comes_through(value: dict[str, Any]) -> None:
    assert wire.parse(json.dumps(value).encode()) == value
    assert wire.parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(JSON, st.integers(0, 140))
def test_depth_is_what_a_recursive_walk_finds(value: Any, levels: int) -> None:
    whole = nested(levels, value)
    assert wire.too_deep(json.dumps(whole).encode()) == (depth(whole) > wire.MAX_DEPTH)


@given(st.text(alphabet='[]{}",\\:a1 ', max_size=300) | st.binary(max_size=300))
def test_no_bytes_raise_anything_else(body: str | bytes) -> None:
    raw = body.encode() if isinstance(body, str) else body
    with suppress(InvalidRequest):
        wire.parse(raw)


@pytest.mark.parametrize("levels", [65, 1000, 100_000])
def test_deep_json_is_refused_before_it_is_parsed(levels: int) -> None:
    assert code_of(b"[" * levels + b"]" * levels) == "json_too_deep"
    assert code_of(b"[" * levels) == "json_too_deep"
    assert code_of(b'{"a":' * levels + b"1" + b"}" * levels) == "json_too_deep"


def test_brackets_in_strings_do_not_count() -> None:
    assert wire.parse(json.dumps({"a": "[" * 1000, "b": '\\"[' * 100}).encode())


def test_a_million_quotes_take_no_time() -> None:
    assert wire.too_deep(b"[" * 65 + b'\\"' * 1_000_000)


@pytest.mark.parametrize(
    "body",
    [b"", b"nope", b"[]", b"null", b"5", b'"x"', b"{", b"{}x", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}',
     b'{"a":1e999}', b'{"a":' + b"9" * 5000 + b"}", b'{"a":"\xff"}', "{}".encode("utf-16"), b'{"a":"\\ud800"}',
     b'{"a":0x10}'],
    ids=repr,
)  # fmt: skip
def test_what_is_no_json_object_is_invalid_json(body: bytes) -> None:
    assert code_of(body) == "invalid_json"


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"name": 5}, "name"),
        ({"count": True}, "count"),
        ({"count": "3"}, "count"),
        ({"count": 2.0}, "count"),
        ({"count": 11}, "count"),
        ({"count": 1 << 63}, "count"),
        ({"count": 10**25}, "count"),
        ({"share": 1.5}, "share"),
        ({"share": "hot"}, "share"),
        ({"share": True}, "share"),
        ({"list_of": [{"text": "a"}, {"text": 1}]}, "list_of[1].text"),
        ({"list_of": [None]}, "list_of[0]"),
        ({"either": [1, -1]}, "either[1]"),
        ({"either": 7}, "either"),
    ],
)
def test_types_and_ranges_name_their_field(value: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.read(Body, json.dumps(value).encode())
    assert caught.value.param == param
    assert caught.value.message.startswith(param)


def test_an_integer_is_a_number() -> None:
    assert wire.read(Body, b'{"share": 1}').share == 1


@pytest.mark.parametrize("value", [None, False])
def test_a_refused_field_that_asks_for_nothing_passes(value: object) -> None:
    wire.read(Body, json.dumps({"logprobs": value}).encode())


@pytest.mark.parametrize(("field", "value"), [("logprobs", True), ("logprobs", 0), ("zero", False), ("zero", 1)])
def test_a_refused_field_names_itself(field: str, value: object) -> None:
    with pytest.raises(UnsupportedField) as caught:
        wire.read(Body, json.dumps({field: value}).encode())
    assert caught.value.param == field


def test_a_refused_field_inside_another_names_the_way_to_it() -> None:
    with pytest.raises(UnsupportedField) as caught:
        wire.read(Body, b'{"list_of": [{}, {"strict": true}]}')
    assert caught.value.param == "list_of[1].strict"


def test_an_inert_field_takes_anything() -> None:
    assert not wire.warnings(wire.read(Body, b'{"user": {"a": [1]}}'), strict=True)


def test_unknown_fields_are_named_wherever_they_are() -> None:
    body = wire.read(Body, b'{"foo": 1, "inner": {"bar": 2}, "list_of": [{}, {"baz": 3}]}')
    warned = wire.warnings(body, strict=False)["x-dovetail-warnings"]
    assert sorted(warned.split(", ")) == [
        "unknown field: foo",
        "unknown field: inner.bar",
        "unknown field: list_of[1].baz",
    ]


def test_a_header_cannot_be_forged_by_a_field_name() -> None:
    body = wire.read(Body, json.dumps({"a\r\nset-cookie: x\u00e9": 1}).encode())
    assert wire.warnings(body, strict=False) == {"x-dovetail-warnings": "unknown field: a??set-cookie??x?"}


def test_a_thousand_unknown_fields_make_a_short_header() -> None:
    body = wire.read(Body, json.dumps({f"{i}" * 200: 1 for i in range(1000)}).encode())
    assert len(wire.warnings(body, strict=False)["x-dovetail-warnings"]) < 4000


def test_strict_refuses_unknown_fields() -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.warnings(wire.read(Body, b'{"foo": 1}'), strict=True)
    assert (caught.value.code, caught.value.param) == ("unknown_field", "foo")


def test_the_schema_says_what_is_refused_and_inert() -> None:
    schema = Body.model_json_schema()["properties"]
    assert schema["logprobs"]["enum"] == [None, False]
    assert "no effect" in schema["user"]["description"]
