"""Request bodies as values: bounded JSON, then a strict wire model, then the fields it does not know.

A wire model lists every field of its published API, each as `core.fields` declares it: typed fields are honoured,
`Inert` ones have no effect by definition, `Refused` ones are a 400 that names them unless they ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, islice
from typing import Self, TypeVar, cast

import orjson
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dovetail.core.errors import InvalidRequest
from dovetail.core.field import FieldSpec
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import errors

MAX_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_MAX_WARNINGS = 16
_UNPRINTABLE = re.compile(r"[^ -~]")
_NAME = re.compile(r"[^\w.\-\[\]]", re.ASCII)

WireT = TypeVar("WireT", bound="Wire")


class Wire(BaseModel):
    """Base of all wire models: types are not coerced, unknown fields are kept to be named."""

    # Validators are built at first use: together they would take a tenth of the time to the first /health.
    model_config = ConfigDict(strict=True, extra="allow", frozen=True, protected_namespaces=(), defer_build=True)

    def ignored(self) -> Sequence[str]:
        """What it asks for and is passed over, where a dialect's clients need that: named as unknown fields are."""
        return ()


def also(*names: str) -> AliasChoices:
    """A `validation_alias`: the field's own name first, then the other names it has in published APIs."""
    return AliasChoices(*names)


def _fold(body: dict[str, object], names: Sequence[str]) -> None:
    """Leaves one of the names a field was given by. Raises InvalidRequest when two of them say different things."""
    said = [name for name in names if body.get(name) is not None]
    for name in said[1:]:
        if body[name] != body[said[0]] or isinstance(body[name], bool) is not isinstance(body[said[0]], bool):
            raise InvalidRequest(f"{said[0]} and {name} are one field and say different things", param=name)
    for name in names:
        if name in body and name not in said[:1]:
            del body[name]


def of(spec: FieldSpec) -> object:
    """What pydantic is told of a declared field: its range, other names and description, or that it is not honoured."""
    if spec.gguf == "inert":
        return Inert(spec.meaning)
    names = also(spec.name, *spec.aliases) if spec.aliases or "." in spec.name else None
    if spec.gguf == "refused":
        told = FieldInfo(validation_alias=names)
        told.metadata.append(Refused(*spec.neutral, meaning=spec.meaning))
        return told
    return Field(ge=spec.low, le=spec.high, validation_alias=names, description=spec.meaning or None)


class Named(Wire):
    """A wire model whose fields may have several names, see `also`."""

    _said: Mapping[str, str] = PrivateAttr({})

    @model_validator(mode="wrap")
    @classmethod
    def _one_name_each(cls, body: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(body, dict):
            return handler(body)
        named, fields = cast("dict[str, object]", body), cls._fields()
        for names in cls.aliases().values():
            _fold(named, names)
        made = handler(named)
        if said := {fields[name]: name for name in named if name in fields}:
            made._said = said  # noqa: SLF001  its own
        return made

    def said(self, field: str) -> str:
        """The name by which the client has said a field, for messages."""
        return self._said.get(field, field)

    @classmethod
    @cache
    def aliases(cls) -> Mapping[str, Sequence[str]]:
        """All names, its own first, of each field that has several."""
        fields = cls.model_fields.items()
        found = ((name, field.validation_alias) for name, field in fields)
        return {name: cast("list[str]", a.choices) for name, a in found if isinstance(a, AliasChoices)}

    @classmethod
    @cache
    def _fields(cls) -> Mapping[str, str]:
        """The field of each other name."""
        return {name: field for field, names in cls.aliases().items() for name in names[1:]}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, names in cls.aliases().items():
            others = {other: {**properties[name], "description": f"Another name of `{name}`."} for other in names[1:]}
            properties.update(cast("dict[str, JsonObject]", others))
        return found


class Inert:
    """A field of the published API that is documented to have no effect on the output."""

    def __init__(self, meaning: str = "") -> None:
        self._meaning = meaning

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"description": f"{self._meaning} Accepted; has no effect on the output.".lstrip()}


class Refused:
    """A field that is not honoured: only null and the `harmless` values, which ask for nothing, may be sent."""

    def __init__(self, *harmless: Json, meaning: str = "") -> None:
        self._harmless = harmless
        self._meaning = meaning

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "enum": [None, *self._harmless],
            "description": f"{self._meaning} Not supported: any other value is refused.".lstrip(),
        }

    def _check(self, value: object) -> None:
        # `True == 1` in Python, not in JSON.
        if value is not None and not any(type(value) is type(h) and value == h for h in self._harmless):
            raise PydanticCustomError(errors.UNSUPPORTED, "not supported")


def read(model: type[WireT], body: bytes, name: str | None = None) -> WireT:
    """`body` as a wire model, asked of the model `name` where the path says one. Raises InvalidRequest for a field."""
    value = parse(body)
    if name is not None and "model" in model.model_fields:
        value["model"] = name
    try:
        return model.model_validate(value)
    except ValidationError as failure:
        raise errors.as_dovetail(failure) from None


def parse(body: bytes) -> JsonObject:
    """A JSON object within MAX_DEPTH. NaN, Infinity, numbers beyond a double and bad UTF-8 are invalid JSON."""
    if too_deep(body):
        raise InvalidRequest(f"the JSON is nested deeper than {MAX_DEPTH} levels", code="json_too_deep")
    try:
        value = cast("Json", orjson.loads(body))
    except orjson.JSONDecodeError as failure:
        raise InvalidRequest(f"the body is not valid JSON: {failure}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the body has to be a JSON object", code="invalid_json")
    return value


def too_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH; linear in time and without recursion, whatever the bytes."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH


def warnings(model: Wire, *, strict: bool) -> dict[str, str]:
    """The header that names the fields no published API knows, and what is passed over; with `strict` a 400 instead."""
    names = list(islice(_unknown(model, ""), _MAX_WARNINGS))
    if strict and names:
        raise InvalidRequest(f"unknown field: {names[0]}", code="unknown_field", param=names[0])
    ignored = [_UNPRINTABLE.sub("?", name[:128]) for name in islice(model.ignored(), _MAX_WARNINGS)]
    if strict and ignored:
        raise InvalidRequest(
            f"not supported: {ignored[0]}", code=errors.UNSUPPORTED, param=ignored[0].partition(" ")[0]
        )
    told = [f"unknown field: {name}" for name in names] + [f"passed over: {name}" for name in ignored]
    return {"x-dovetail-warnings": ", ".join(told)} if told else {}


def _unknown(value: object, path: str) -> Iterator[str]:
    if isinstance(value, Wire):
        for name in value.model_extra or ():
            yield _NAME.sub("?", f"{path}{name}"[:128])
        for name in value.model_fields_set:
            yield from _unknown(getattr(value, name, None), f"{path}{name}.")
    elif isinstance(value, list):
        for i, item in enumerate(cast("list[object]", value)):
            if isinstance(item, Wire):
                yield from _unknown(item, f"{path[:-1]}[{i}].")
