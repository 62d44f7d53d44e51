"""The published description of the HTTP interface.

Bodies are read and checked by Dovetail, not by FastAPI, so that limits come first and errors have one shape;
routes say with `reads` and `answers` what the document shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from dovetail import __version__
from dovetail.core.request import Json, JsonObject

_REF = "#/components/schemas/{model}"
# A parameter in a signature would make FastAPI import all of pydantic.v1 at start.
MODEL_QUERY: JsonObject = {"name": "model", "in": "query", "required": False, "schema": {"type": "string"}}
EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


def reads(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of its request body."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["reads"] = body
        return endpoint

    return mark


def answers(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of its answer."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["answers"] = body
        return endpoint

    return mark


def document(app: FastAPI, routers: Sequence[APIRouter]) -> JsonObject:
    """The OpenAPI 3.1 document of `app`, into which `routers` were included."""
    whole = cast("JsonObject", get_openapi(title="Dovetail", version=__version__, routes=app.routes))
    schemas = _dig(whole, "components", "schemas")
    schemas["Error"] = ERROR
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                _describe(route, _dig(whole, "paths", route.path_format, method.lower()), schemas)
    return whole


def _describe(route: APIRoute, operation: JsonObject, schemas: JsonObject) -> None:
    read = cast("type[BaseModel] | None", getattr(route.endpoint, "reads", None))
    answer = cast("type[BaseModel] | None", getattr(route.endpoint, "answers", None))
    responses = _dig(operation, "responses")
    responses.pop("422", None)
    responses["default"] = {"description": "An error, in OpenAI's shape.", "content": _content("Error")}
    if read is not None:
        operation["requestBody"] = {"required": True, "content": _content(_add(read, schemas, "validation"))}
    if answer is not None:
        _dig(responses, "200")["content"] = _content(_add(answer, schemas, "serialization"))


def _add(model: type[BaseModel], schemas: JsonObject, mode: JsonSchemaMode) -> str:
    """Puts `model` and what it refers to among the components; its name there."""
    schema = cast("JsonObject", model.model_json_schema(ref_template=_REF, mode=mode))
    schemas.update(cast("JsonObject", schema.pop("$defs", {})))
    schemas[model.__name__] = schema
    return model.__name__


def _content(name: str) -> Json:
    return {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}


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
