"""The published description of the HTTP interface.

Bodies are read and checked by Dovetail, not by FastAPI, so that limits come first and errors have one shape;
routes say with `reads` and `answers` what the document shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from dovetail import __version__
from dovetail.core.request import Json, JsonObject

_REF = "#/components/schemas/{model}"
EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


def reads(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of its request body."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["reads"] = body
        return endpoint

    return mark


def document(app: FastAPI) -> JsonObject:
    """The OpenAPI 3.1 document of `app`."""
    whole = cast("JsonObject", get_openapi(title="Dovetail", version=__version__, routes=app.routes))
    schemas = _dig(whole, "components", "schemas")
    schemas["Error"] = ERROR
    for route in app.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                _describe(route, _dig(whole, "paths", route.path_format, method.lower()), schemas)
    return whole


def _describe(route: APIRoute, operation: JsonObject, schemas: JsonObject) -> None:
    body = cast("type[BaseModel] | None", getattr(route.endpoint, "reads", None))
    if body is not None:
        schema = cast("JsonObject", body.model_json_schema(ref_template=_REF))
        schemas.update(cast("JsonObject", schema.pop("$defs", {})))
        schemas[body.__name__] = schema
        content: Json = {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}}
        operation["requestBody"] = {"required": True, "content": content}
    responses = _dig(operation, "responses")
    responses.pop("422", None)
    error: Json = {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}}
    responses["default"] = {"description": "An error, in OpenAI's shape.", "content": error}


def _dig(tree: JsonObject, *path: str) -> JsonObject:
    for step in path:
        tree = cast("JsonObject", tree.setdefault(step, {}))
    return tree


ERROR: JsonObject = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
