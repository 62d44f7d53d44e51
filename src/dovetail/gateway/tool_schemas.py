"""The schema of a function that a model may call of its own accord: shown to it, and read by some engines.

Nothing is held to it, so nearly anything goes. Refused is what is no JSON schema, and what llama.cpp's reader of
schemas (b11549) does not take, such as references to elsewhere and schemas that are true or false. A least above
a most must not get there at all, in a pattern neither: it is taken literally until memory or patience end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NoReturn

from dovetail.core import regex
from dovetail.core.errors import InvalidRequest
from dovetail.core.grammar import GrammarError
from dovetail.core.request import Json, JsonObject

_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_MAY_BE_EMPTY = frozenset({"prefixItems", "items"})
_NAMED = ("properties", "$defs", "definitions")
_COUNTS = (("minItems", "maxItems"), ("minLength", "maxLength"))
_HOPS = 32
# Look-around makes llama.cpp leave a pattern unread, but only once it gets there.
_LOOK = re.compile(r"\(\?<?[=!]\^?")
_LOOK_END = re.compile(r"(?<!\\)\$\)")
_MOST = (1 << 31) - 1
_LARGEST = 1 << 53
_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def check(schema: JsonObject, param: str) -> None:
    """Raises InvalidRequest naming `param`, in time linear in the schema."""
    _Check(schema, param).visit(schema, "#")


class _Check:
    def __init__(self, root: JsonObject, param: str) -> None:
        self._root = root
        self._param = param

    def visit(self, schema: Json, at: str) -> None:
        if not isinstance(schema, dict):
            self._fail(at, "a schema has to be an object")
        if "$ref" in schema:
            self._resolve(schema["$ref"], at)
        self._check_types(schema, at)
        self._check_values(schema, at)
        for where, part in self._parts(schema, at):
            self.visit(part, where)

    def _parts(self, schema: JsonObject, at: str) -> Iterator[tuple[str, Json]]:
        """The schemas inside, each with its place."""
        for key in _LISTED:
            if key in schema and not (key == "items" and isinstance(schema[key], dict)):
                parts = schema[key]
                if not isinstance(parts, list) or (key not in _MAY_BE_EMPTY and not parts):
                    self._fail(at, f"{key} has to be a list of schemas")
                yield from ((f"{at}/{key}/{i}", part) for i, part in enumerate(parts))
        for key in _NAMED:
            inner = schema.get(key, {})
            if not isinstance(inner, dict):
                self._fail(at, f"{key} has to be an object")
            yield from ((f"{at}/{key}/{name[:64]}", part) for name, part in inner.items())
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                yield f"{at}/{key}", schema[key]
        if not isinstance(schema.get("additionalProperties", True), bool | dict):
            self._fail(at, "additionalProperties has to be a boolean or a schema")

    def _check_types(self, schema: JsonObject, at: str) -> None:
        said = schema.get("type")
        kinds = said if isinstance(said, list) else [] if said is None else [said]
        if said == [] or not all(isinstance(kind, str) and kind in _TYPES for kind in kinds):
            self._fail(at, "type has to be one of " + ", ".join(sorted(_TYPES)))

    def _check_values(self, schema: JsonObject, at: str) -> None:
        if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
            self._fail(at, "enum has to be a list of values")
        if not isinstance(pattern := schema.get("pattern", ""), str):
            self._fail(at, "pattern has to be a string")
        if pattern.startswith("^") and pattern.endswith("$"):  # no other is read
            try:
                regex.parse(_LOOK_END.sub(")", _LOOK.sub("(", pattern)))
            except GrammarError as error:
                self._fail(at, f"pattern: {error}")
        if not isinstance(schema.get("format", ""), str):
            self._fail(at, "format has to be a string")
        for low, high in _COUNTS:
            least, most = schema.get(low, 0), schema.get(high, _MOST)
            for key, count in ((low, least), (high, most)):
                if not _is_count(count):
                    self._fail(at, f"{key} has to be an integer from 0 to {_MOST}")
            if _number(least) > _number(most):
                self._fail(at, f"{low} is more than {high}")
        self._check_range(schema, at)

    def _check_range(self, schema: JsonObject, at: str) -> None:
        said = {key: schema[key] for key in _RANGE if key in schema}
        for key, value in said.items():
            if not isinstance(value, int | float) or abs(value) > _LARGEST:
                self._fail(at, f"{key} has to be a number up to {_LARGEST}")
        # By whole numbers: what leaves none leaves an engine that is to write one nothing.
        least = [math.ceil(_number(said["minimum"]))] if "minimum" in said else []
        least += [math.floor(_number(said["exclusiveMinimum"])) + 1] if "exclusiveMinimum" in said else []
        most = [math.floor(_number(said["maximum"]))] if "maximum" in said else []
        most += [math.ceil(_number(said["exclusiveMaximum"])) - 1] if "exclusiveMaximum" in said else []
        whole = schema.get("type") != "number"
        if least and most and (max(least) > min(most) if whole else max(least) > min(most) + 1):
            self._fail(at, "its least is more than its most")

    def _resolve(self, ref: Json, at: str) -> None:
        """Follows a reference until it is a schema of its own."""
        for _ in range(_HOPS):
            if not isinstance(ref, str) or not ref.startswith("#/"):
                self._fail(at, "$ref has to be to #/$defs/NAME")
            found: Json = self._root
            for step in ref[2:].split("/", _HOPS):
                name = step.replace("~1", "/").replace("~0", "~")
                found = found.get(name) if isinstance(found, dict) else None
            if not isinstance(found, dict):
                self._fail(at, f"$ref names {ref[:64]}, which is no schema")
            if "$ref" not in found:
                return
            ref = found["$ref"]
        self._fail(at, "$ref leads to no schema of its own")

    def _fail(self, at: str, problem: str) -> NoReturn:
        raise InvalidRequest(f"{self._param}: the schema at {at[:200]}: {problem}", param=self._param)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else 0
