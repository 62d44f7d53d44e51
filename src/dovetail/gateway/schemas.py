"""A client's JSON schema, reduced to the keywords that every engine follows alike; all others are refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NoReturn, cast

import orjson

from dovetail.core import regex
from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.grammar import GrammarError
from dovetail.core.request import Json, JsonObject

MAX_BYTES = 64 << 10
MAX_DEPTH = 32
MAX_ITEMS = 1000
MAX_CHARS = 5000
MAX_EXPANDED = 20_000  # symbols, once engines have written out every bounded repetition
_MAX_INTEGER = (1 << 53) - 1
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly"}
    | {"writeOnly", "discriminator", "$defs", "definitions"}
)
_FORMATS = frozenset({"date", "time", "date-time", "uuid"})
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}


def reduced(schema: JsonObject, param: str) -> JsonObject:
    """`schema` with what engines agree on. Raises InvalidRequest naming `param`, in time linear in the schema."""
    if len(orjson.dumps(schema)) > MAX_BYTES:
        raise InvalidRequest(f"{param}: the schema is larger than {MAX_BYTES} bytes", param=param)
    return _Reduction(schema, param).run()


class _Reduction:
    def __init__(self, schema: JsonObject, param: str) -> None:
        self._schema = schema
        self._param = param
        self._expanded = 0
        self._definitions: JsonObject = {}
        for key in ("$defs", "definitions"):
            found = schema.get(key, {})
            if not isinstance(found, dict):
                self._fail("#", f"{key} has to be an object")
            self._definitions |= found

    def run(self) -> JsonObject:
        root = self._visit(self._schema, "#", 1)
        definitions: JsonObject = {
            name: self._visit(inner, f"#/$defs/{name}", 1) for name, inner in self._definitions.items()
        }
        finite: frozenset[str] = frozenset()
        while True:
            more = frozenset(name for name, inner in definitions.items() if _ends(inner, finite))
            if more == finite:
                break
            finite = more
        if not _ends(root, finite):
            self._fail("#", "no finite value can match it")
        return {**root, "$defs": definitions} if definitions else root

    def _visit(self, schema: Json, at: str, times: int) -> JsonObject:
        self._grow(times, at)
        if at.count("/") > 2 * MAX_DEPTH:
            self._fail(at, f"it is nested deeper than {MAX_DEPTH} levels")
        if schema is True:
            return {}
        if schema is False:
            self._fail(at, "nothing matches it")
        if not isinstance(schema, dict):
            self._fail(at, "a schema has to be an object")
        said: JsonObject = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
        for key, visit in self._combined().items():
            if key in said:
                if others := [name for name in said if name != key and not (name == "type" and key in _VALUES)]:
                    self._unsupported(at, f"{others[0]} beside {key}")
                return visit(said, at, times)
        return self._typed(said, at, times)

    def _combined(self) -> Mapping[str, Callable[[JsonObject, str, int], JsonObject]]:
        return {
            "$ref": self._ref,
            "allOf": self._all_of,
            "anyOf": self._any_of,
            "oneOf": self._one_of,
            "const": self._values,
            "enum": self._values,
        }

    def _ref(self, said: JsonObject, at: str, times: int) -> JsonObject:
        del times
        ref = said["$ref"]
        name = ref.removeprefix("#/$defs/").removeprefix("#/definitions/") if isinstance(ref, str) else ""
        if not isinstance(ref, str) or name == ref or not all(c.isalnum() or c in "_-." for c in name):
            self._unsupported(at, "a $ref that is not to #/$defs/NAME")
        if name not in self._definitions:
            self._fail(at, f"$ref names {name[:64]}, which is not in $defs")
        return {"$ref": f"#/$defs/{name}"}

    def _all_of(self, said: JsonObject, at: str, times: int) -> JsonObject:
        parts = self._parts(said, "allOf", at)
        if len(parts) > 1:
            self._unsupported(at, "allOf of several schemas")
        return self._visit(parts[0], f"{at}/allOf/0", times)

    def _any_of(self, said: JsonObject, at: str, times: int) -> JsonObject:
        parts = self._parts(said, "anyOf", at)
        return {"anyOf": [self._visit(part, f"{at}/anyOf/{i}", times) for i, part in enumerate(parts)]}

    def _one_of(self, said: JsonObject, at: str, times: int) -> JsonObject:
        parts = [self._visit(p, f"{at}/oneOf/{i}", times) for i, p in enumerate(self._parts(said, "oneOf", at))]
        kinds = [part.get("type") for part in parts]
        if len(set(map(str, kinds))) != len(kinds) or None in kinds or {"number", "integer"} <= set(kinds):
            self._unsupported(at, "oneOf of schemas that are not of different types (use anyOf)")
        return {"anyOf": cast("list[Json]", parts)}

    def _values(self, said: JsonObject, at: str, times: int) -> JsonObject:
        del times
        values = said["enum"] if "enum" in said else [said["const"]]
        if not isinstance(values, list) or not values or len(values) > MAX_ITEMS:
            self._fail(at, f"enum has to be a list of 1 to {MAX_ITEMS} values")
        if "type" in said:
            types = said["type"] if isinstance(said["type"], list) else [said["type"]]
            values = [value for value in values if any(_is(value, kind) for kind in types)]
            if not values:
                self._fail(at, "no value has the type")
        return {"enum": values}

    def _typed(self, said: JsonObject, at: str, times: int) -> JsonObject:
        kinds = said.get("type")
        if kinds is None:
            kinds = "object" if "properties" in said else "array" if "items" in said else None
        if kinds is None:
            for key in said:
                self._unsupported(at, f"{key[:64]} without a type" if _known(key) else key[:64])
            return {}
        listed = kinds if isinstance(kinds, list) else [kinds]
        if not listed or not all(isinstance(kind, str) and kind in _KEYWORDS for kind in listed):
            self._fail(at, "type has to be one of " + ", ".join(_KEYWORDS))
        names = cast("list[str]", listed)
        for key in said:
            if key != "type" and not any(key in _KEYWORDS[kind] for kind in names):
                self._unsupported(at, f"{key[:64]} for {names[0]}" if _known(key) else key[:64])
        found = [self._of_kind(kind, said, at, times) for kind in names]
        return found[0] if len(found) == 1 else {"anyOf": cast("list[Json]", found)}

    def _of_kind(self, kind: str, said: JsonObject, at: str, times: int) -> JsonObject:
        match kind:
            case "object":
                return self._object(said, at, times)
            case "array":
                return self._array(said, at, times)
            case "string":
                return self._string(said, at, times)
            case "integer":
                return self._integer(said, at)
            case _:
                return {"type": kind}

    def _object(self, said: JsonObject, at: str, times: int) -> JsonObject:
        properties, required = said.get("properties", {}), said.get("required", [])
        if not isinstance(properties, dict):
            self._fail(at, "properties has to be an object")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            self._fail(at, "required has to be a list of names")
        if missing := [str(name) for name in required if name not in properties]:
            self._fail(at, f"required names {missing[0][:64]}, which is not in properties")
        # Unsaid, more properties are allowed; none is an answer that matches too, and the one that is wanted.
        more = said.get("additionalProperties", not properties)
        found: JsonObject = {"type": "object"}
        if properties:
            found["properties"] = {
                name: self._visit(inner, f"{at}/properties/{_step(name)}", times) for name, inner in properties.items()
            }
            found["required"] = [name for name in properties if name in required]
        found["additionalProperties"] = (
            more if isinstance(more, bool) else self._visit(more, f"{at}/additionalProperties/", times)
        )
        return found

    def _array(self, said: JsonObject, at: str, times: int) -> JsonObject:
        least = self._bound(said, "minItems", at, MAX_ITEMS)
        most = self._bound(said, "maxItems", at, MAX_ITEMS)
        self._ordered(least, most, at)
        items = self._visit(said.get("items", True), f"{at}/items/", times * max(least or 0, most or 0, 1))
        bounds: JsonObject = {
            key: value for key, value in (("minItems", least), ("maxItems", most)) if value is not None
        }
        return {"type": "array", "items": items, **bounds}

    def _string(self, said: JsonObject, at: str, times: int) -> JsonObject:
        pattern, form = said.get("pattern"), said.get("format")
        least = self._bound(said, "minLength", at, MAX_CHARS)
        most = self._bound(said, "maxLength", at, MAX_CHARS)
        self._ordered(least, most, at)
        if sum([pattern is not None, form is not None, least is not None or most is not None]) > 1:
            self._unsupported(at, "more than one of pattern, format and length")
        if form is not None and form not in _FORMATS:
            self._unsupported(at, f"the format {str(form)[:64]}")
        found: JsonObject = {"type": "string"} if form is None else {"type": "string", "format": form}
        if pattern is not None:
            try:
                found["pattern"] = regex.inside_json(str(pattern))
            except GrammarError as error:
                self._fail(at, f"pattern: {error}")
        self._grow(times * max(least or 0, most or 0), at)
        bounds = (("minLength", least), ("maxLength", most))
        return {**found, **{key: value for key, value in bounds if value is not None}}

    def _integer(self, said: JsonObject, at: str) -> JsonObject:
        limits: dict[str, int] = {}
        for key, value in said.items():
            if key == "type":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MAX_INTEGER:
                self._fail(at, f"{key} has to be a number up to {_MAX_INTEGER}")
            match key:
                case "minimum":
                    limits["minimum"] = max(math.ceil(value), limits.get("minimum", -_MAX_INTEGER))
                case "exclusiveMinimum":
                    limits["minimum"] = max(math.floor(value) + 1, limits.get("minimum", -_MAX_INTEGER))
                case "maximum":
                    limits["maximum"] = min(math.floor(value), limits.get("maximum", _MAX_INTEGER))
                case "exclusiveMaximum":
                    limits["maximum"] = min(math.ceil(value) - 1, limits.get("maximum", _MAX_INTEGER))
                case _:
                    pass  # another type's, beside this one in a list of types
        self._ordered(limits.get("minimum"), limits.get("maximum"), at)
        return {"type": "integer", **limits}

    def _grow(self, by: int, at: str) -> None:
        self._expanded += by
        if self._expanded > MAX_EXPANDED:
            self._fail(at, f"written out it has more than {MAX_EXPANDED} parts")

    def _parts(self, said: JsonObject, key: str, at: str) -> list[Json]:
        parts = said[key]
        if not isinstance(parts, list) or not parts:
            self._fail(at, f"{key} has to be a list of schemas")
        return parts

    def _bound(self, said: JsonObject, key: str, at: str, limit: int) -> int | None:
        value = said.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit):
            self._fail(at, f"{key} has to be an integer from 0 to {limit}")
        return value

    def _ordered(self, least: int | None, most: int | None, at: str) -> None:
        if least is not None and most is not None and least > most:
            self._fail(at, "its least is more than its most")

    def _fail(self, at: str, problem: str) -> NoReturn:
        raise InvalidRequest(f"{self._param}: the schema at {at[:200]}: {problem}", param=self._param)

    def _unsupported(self, at: str, what: str) -> NoReturn:
        raise UnsupportedField(self._param, f"holds a schema with {what} (at {at[:200]}), which is not supported")


_VALUES = ("const", "enum")


def _step(name: str) -> str:
    return name[:64].replace("/", "~1")


def _known(key: str) -> bool:
    return any(key in keywords for keywords in _KEYWORDS.values())


def _is(value: Json, kind: Json) -> bool:
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, int | float):
        return kind == "number" or (kind == "integer" and value == int(value))
    return kind == ("string" if isinstance(value, str) else "array" if isinstance(value, list) else "object")


def _ends(schema: Json, finite: frozenset[str]) -> bool:
    """Whether some value of finite size matches, where the definitions in `finite` have one."""
    if not isinstance(schema, dict):
        return True
    if isinstance(ref := schema.get("$ref"), str):
        return ref.removeprefix("#/$defs/") in finite
    if isinstance(parts := schema.get("anyOf"), list):
        return any(_ends(part, finite) for part in parts)
    if schema.get("minItems"):
        return _ends(schema.get("items"), finite)
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        return all(_ends(properties[str(name)], finite) for name in required)
    return True
