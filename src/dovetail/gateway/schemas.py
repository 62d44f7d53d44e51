"""A client's JSON schema, reduced to what every engine follows alike; all else is refused by name.

What is left may match less than the client's schema, never more. Where llama.cpp's own converter (b11549) would let
through what does not match, the reduction says the same thing in a way that it gets right.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, cast
from urllib.parse import unquote

import orjson

from dovetail.core import regex
from dovetail.core.closure import Closure, Goal
from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.grammar import GrammarError, expanded
from dovetail.core.request import Json, JsonObject

MAX_BYTES = 64 << 10
MAX_DEPTH = 32
MAX_ITEMS = 1000
MAX_CHARS = 5000
MAX_OPTIONAL = 400  # properties
MAX_EXPANDED = 20_000  # symbols, once engines have written out every bounded repetition
_MAX_INTEGER = (1 << 53) - 1
_MAX_DIGITS = 15  # of a value that is no integer
_OPEN_ENDED = 10**15 - 1  # stands for the bound that an integer does not have: what engines write without one
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly"}
    | {"writeOnly", "discriminator", "$defs", "definitions"}
)
_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DATE = (
    "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+\-]([01][0-9]|2[0-3]):[0-5][0-9])"
# RFC 3339 without its leap seconds, RFC 9562.
_FORMATS: Mapping[str, str] = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "uuid": "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
}
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}
_IMPLIED = ("object", "array", "string")  # types that a schema without one gets from its keywords


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
        self._names: dict[str, str] = {}  # of definitions, by the pointer that refers to them
        self._referred: deque[tuple[str, Json]] = deque()

    def run(self) -> JsonObject:
        # llama.cpp takes an empty schema at the root, there alone, for that of an object.
        root = self._visit(self._schema, "#") or {"anyOf": [{}]}
        definitions: JsonObject = {}
        while self._referred:
            pointer, schema = self._referred.popleft()
            definitions[self._names[pointer]] = self._visit(schema, f"#{pointer}")
        if not _has_an_end(root, definitions):
            self._fail("#", "no finite value can match it")
        return {**root, "$defs": definitions} if definitions else root

    def _visit(self, schema: Json, at: str) -> JsonObject:
        self._grow(1, at)
        if at.count("/") > 2 * MAX_DEPTH:
            self._fail(at, f"it is nested deeper than {MAX_DEPTH} levels")
        if schema is True:
            return {}
        if schema is False:
            self._fail(at, "nothing matches it")
        if not isinstance(schema, dict):
            self._fail(at, "a schema has to be an object")
        if "$id" in schema and schema is not self._schema:
            self._unsupported(at, "an $id of its own")
        said: JsonObject = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
        for key, visit in self._combined().items():
            if key in said:
                if others := [name for name in said if name != key and not (name == "type" and key in _VALUES)]:
                    self._unsupported(at, f"{others[0]} beside {key}")
                return visit(said, at)
        return self._typed(said, at)

    def _combined(self) -> Mapping[str, Callable[[JsonObject, str], JsonObject]]:
        return {
            "$ref": self._ref,
            "allOf": self._all_of,
            "anyOf": self._any_of,
            "oneOf": self._one_of,
            "const": self._values,
            "enum": self._values,
        }

    def _ref(self, said: JsonObject, at: str) -> JsonObject:
        ref = said["$ref"]
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            self._unsupported(at, "a $ref that is not to a place in the same schema (#/…)")
        pointer = unquote(ref[1:])
        if pointer not in self._names:
            self._referred.append((pointer, self._pointed_to(pointer, at)))
            # Plain names: engines make rule names of them, in which a "." and a "_" would be one.
            self._names[pointer] = f"d{len(self._names)}"
        return {"$ref": f"#/$defs/{self._names[pointer]}"}

    def _pointed_to(self, pointer: str, at: str) -> Json:
        """What a JSON pointer (RFC 6901) points to."""
        found: Json = self._schema
        for step in pointer.split("/")[1:]:
            if found is not self._schema and isinstance(found, dict) and isinstance(found.get("$id"), str):
                self._unsupported(at, "a $ref into a schema with an $id of its own")
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(found):
                found = found[int(key[:9])]
            else:
                self._fail(at, f"$ref names {pointer[:64]}, which is not there")
        return found

    def _all_of(self, said: JsonObject, at: str) -> JsonObject:
        parts = self._parts(said, "allOf", at)
        if len(parts) > 1:
            self._unsupported(at, "allOf of several schemas")
        return self._visit(parts[0], f"{at}/allOf/0")

    def _any_of(self, said: JsonObject, at: str) -> JsonObject:
        parts = self._parts(said, "anyOf", at)
        return {"anyOf": [self._visit(part, f"{at}/anyOf/{i}") for i, part in enumerate(parts)]}

    def _one_of(self, said: JsonObject, at: str) -> JsonObject:
        parts = [self._visit(p, f"{at}/oneOf/{i}") for i, p in enumerate(self._parts(said, "oneOf", at))]
        # Only a type that is said tells two apart: one that keywords imply is narrower than what they mean.
        said_types = [part.get("type") if isinstance(part, dict) else None for part in self._parts(said, "oneOf", at)]
        kinds = [part.get("type") if kind is not None else None for part, kind in zip(parts, said_types, strict=True)]
        if len(set(map(str, kinds))) != len(kinds) or None in kinds or {"number", "integer"} <= set(kinds):
            self._unsupported(at, "oneOf of schemas that are not of different types (use anyOf)")
        return {"anyOf": cast("list[Json]", parts)}

    def _values(self, said: JsonObject, at: str) -> JsonObject:
        values = said["enum"] if "enum" in said else [said["const"]]
        if not isinstance(values, list) or not values or len(values) > MAX_ITEMS:
            self._fail(at, f"enum has to be a list of 1 to {MAX_ITEMS} values")
        if b'"$ref":' in orjson.dumps(values):
            self._unsupported(at, "a $ref inside a value")
        if not all(map(_exact, _numbers(values))):
            self._unsupported(at, f"a number beyond 2^53 or of more than {_MAX_DIGITS} digits in a value")
        if "type" in said:
            types = said["type"] if isinstance(said["type"], list) else [said["type"]]
            values = [value for value in values if any(_is(value, kind) for kind in types)]
            if not values:
                self._fail(at, "no value has the type")
        # One way to write a number on every engine, and one that each reads as an integer.
        return {"enum": [int(v) if isinstance(v, float) and _whole(v) else v for v in values]}

    def _typed(self, said: JsonObject, at: str) -> JsonObject:
        kinds = said.get("type")
        if kinds is None:
            implied = [kind for kind in _IMPLIED if any(key in _KEYWORDS[kind] for key in said)]
            kinds = implied[0] if len(implied) == 1 else None
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
        found = [self._of_kind(kind, said, at) for kind in names]
        return found[0] if len(found) == 1 else {"anyOf": cast("list[Json]", found)}

    def _of_kind(self, kind: str, said: JsonObject, at: str) -> JsonObject:
        match kind:
            case "object":
                return self._object(said, at)
            case "array":
                return self._array(said, at)
            case "string":
                return self._string(said, at)
            case "integer":
                return self._integer(said, at)
            case _:
                return {"type": kind}

    def _object(self, said: JsonObject, at: str) -> JsonObject:
        properties, required = said.get("properties", {}), said.get("required", [])
        if not isinstance(properties, dict):
            self._fail(at, "properties has to be an object")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            self._fail(at, "required has to be a list of names")
        if missing := [str(name) for name in required if name not in properties]:
            self._fail(at, f"required names {missing[0][:64]}, which is not in properties")
        if "*" in properties:
            self._unsupported(at, 'a property named "*"')
        # Beside properties, more are allowed unless that is said; none is an answer that matches too.
        more = said.get("additionalProperties", True)
        found: JsonObject = {"type": "object"}
        if properties:
            if len(properties) - len(set(required)) > MAX_OPTIONAL:
                self._fail(at, f"more than {MAX_OPTIONAL} properties that are not required")
            if isinstance(more, dict) and more:
                self._unsupported(at, "additionalProperties beside properties")
            more = False
            found["properties"] = {
                name: self._visit(inner, f"{at}/properties/{_step(name)}") for name, inner in properties.items()
            }
            found["required"] = [name for name in properties if name in required]
        found["additionalProperties"] = (
            more if isinstance(more, bool) else self._visit(more, f"{at}/additionalProperties/")
        )
        return found

    def _array(self, said: JsonObject, at: str) -> JsonObject:
        least = self._bound(said, "minItems", at, MAX_ITEMS)
        most = self._bound(said, "maxItems", at, MAX_ITEMS)
        self._ordered(least, most, at)
        # Engines write out the repetition of a reference, not of what it stands for.
        self._grow(max(least or 0, most or 0), at)
        items = self._visit(said.get("items", True), f"{at}/items/")
        bounds: JsonObject = {
            key: value for key, value in (("minItems", least), ("maxItems", most)) if value is not None
        }
        return {"type": "array", "items": items, **bounds}

    def _string(self, said: JsonObject, at: str) -> JsonObject:
        pattern, form = said.get("pattern"), said.get("format")
        least = self._bound(said, "minLength", at, MAX_ITEMS)
        most = self._bound(said, "maxLength", at, MAX_CHARS)
        self._ordered(least, most, at)
        if sum([pattern is not None, form is not None, least is not None or most is not None]) > 1:
            self._unsupported(at, "more than one of pattern, format and length")
        if form is not None:
            if form not in _FORMATS:
                self._unsupported(at, f"the format {str(form)[:64]}")
            pattern = _FORMATS[str(form)]
        found: JsonObject = {"type": "string"}
        if pattern is not None:
            try:
                found["pattern"] = regex.inside_json(str(pattern))
                self._grow(expanded(regex.parse(str(pattern))), at)
            except GrammarError as error:
                self._fail(at, f"pattern: {error}")
        self._grow(max(least or 0, most or 0), at)
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
        if limits:  # llama.cpp's grammar of a range with one end is wrong, that of one with both is right
            edge = _OPEN_ENDED if all(abs(limit) < _OPEN_ENDED for limit in limits.values()) else _MAX_INTEGER
            limits = {"minimum": -edge, "maximum": edge} | limits
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


def _whole(value: float) -> bool:
    return value.is_integer() and abs(value) <= _MAX_INTEGER


def _numbers(value: Json) -> Iterator[float]:
    """Every number in a value."""
    if isinstance(value, list | dict):
        for inner in value if isinstance(value, list) else value.values():
            yield from _numbers(inner)
    elif isinstance(value, int | float):
        yield value


def _exact(number: float) -> bool:
    """Whether engines write it as it is: llguidance (1.9.1) rounds others, and dies of integers next to -2^63."""
    if isinstance(number, int):
        return abs(number) <= _MAX_INTEGER + 1
    digits = repr(abs(number)).partition("e")[0].replace(".", "").strip("0")
    return _whole(number) or len(digits) <= _MAX_DIGITS


def _known(key: str) -> bool:
    return any(key in keywords for keywords in _KEYWORDS.values())


def _is(value: Json, kind: Json) -> bool:
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, int | float):
        return kind == "number" or (kind == "integer" and float(value).is_integer())
    return kind == ("string" if isinstance(value, str) else "array" if isinstance(value, list) else "object")


def _has_an_end(root: JsonObject, definitions: JsonObject) -> bool:
    """Whether some value of finite size matches `root`."""
    closure = Closure()
    for name, schema in (("#", root), *((f"#/$defs/{name}", schema) for name, schema in definitions.items())):
        _end_goals(closure, schema, Goal(1, name=name))
    return "#" in closure.reached()


def _end_goals(closure: Closure, schema: Json, goal: Goal) -> None:
    """What has to have an end for `schema` to have one, as a part of `goal`."""
    if not isinstance(schema, dict):
        return
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(ref := schema.get("$ref"), str):
        closure.awaits(goal, ref)
    elif isinstance(parts := schema.get("anyOf"), list):
        either = Goal(1, goal)
        for part in parts:
            _end_goals(closure, part, either)
    elif schema.get("minItems"):
        _end_goals(closure, schema.get("items"), goal)
    elif isinstance(properties, dict) and isinstance(required, list) and required:
        every = Goal(len(required), goal)
        for name in required:
            _end_goals(closure, properties[str(name)], every)
    else:
        closure.given(goal)
