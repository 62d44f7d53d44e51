"""The form that a request asks its answer to have, in llama-server's fields."""

from __future__ import annotations

import json
from dataclasses import dataclass

from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.protocol import Fields, RequestError


@dataclass(frozen=True, slots=True)
class Schema:
    """JSON that matches a schema, given as JSON text."""

    text: str


@dataclass(frozen=True, slots=True)
class Gbnf:
    """Text of a GBNF grammar."""

    text: str


Form = Schema | Gbnf


def read_form(body: JsonObject) -> Form | None:
    """The form, or None for free text. Raises RequestError."""
    fields = Fields(body)
    grammar = fields.get("grammar")
    schema = fields.get("json_schema")
    response = fields.mapping("response_format")
    match response.get("type"):
        case None | "text":
            pass
        case "json_object":
            schema = response.get("schema") or {"type": "object"}
        case "json_schema":
            schema = Fields(response).mapping("json_schema").get("schema", {})
        case _:
            raise RequestError("Field 'response_format': type must be text, json_object or json_schema")
    if grammar is not None and grammar != "":
        return _gbnf(grammar, body, schema)
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise RequestError("Field 'json_schema': must be an object")
    return Schema(json.dumps({key: value for key, value in schema.items() if key != "x-guidance"}))


def _gbnf(grammar: Json, body: JsonObject, schema: Json) -> Gbnf:
    if not isinstance(grammar, str):
        raise RequestError("Field 'grammar': must be a string")
    if schema is not None:
        raise RequestError('Either "json_schema" or "grammar" can be specified, but not both')
    if body.get("tools") and body.get("tool_choice") != "none":
        raise RequestError("Cannot use custom grammar constraints with tools.")
    return Gbnf(grammar)
