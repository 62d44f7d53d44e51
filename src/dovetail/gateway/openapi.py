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
# What can go wrong at any address; with a body; and with the model that a body names.
_ANYWHERE = {
    400: "The request is wrong, and nothing of it was done; `param` names the field at fault.",
    401: "This takes a key or a login, and none that is good came with the request.",
    403: "The caller may not do this, or another site's page sent it.",
    408: "The request did not arrive in time.",
    421: "The server is not called what the request's Host says.",
    429: "Too much was asked for; `retry-after` says when to come back.",
    431: "The request's head is too large.",
    500: "The server or a model's worker failed.",
    503: "Not now: the server is shutting down, or the model's worker failed and is started again.",
}
_WITH_BODY = {
    413: "The body is too large.",
    415: "The body is compressed, or a browser sent it as something other than JSON.",
}
_WITH_MODEL = {
    404: "There is no model of that name.",
    422: "The model's files or its settings are at fault.",
    499: "The request was cancelled on the server.",
    504: "The model did not answer in time.",
    507: "The model does not fit into memory beside what is in use.",
}
EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


def reads(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of its request body."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["reads"] = body
        return endpoint

    return mark


def takes_bytes(endpoint: EndpointT) -> EndpointT:
    """Marks an endpoint whose request body is a file as it is."""
    endpoint.__dict__["takes_bytes"] = True
    return endpoint


def reads_form(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """The same of a form, whose field `file` is a file."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["reads_form"] = body
        return endpoint

    return mark


def answers(body: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of its answer."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["answers"] = body
        return endpoint

    return mark


def streams(event: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint with the model of the JSON in each event of its answer, where it is asked for as a stream."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["streams"] = event
        return endpoint

    return mark


def lines(line: type[BaseModel]) -> Callable[[EndpointT], EndpointT]:
    """The same, of an answer whose stream is lines of JSON."""

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__["lines"] = line
        return endpoint

    return mark


def document(app: FastAPI, routers: Sequence[APIRouter]) -> JsonObject:
    """The OpenAPI 3.1 document of `app`, into which `routers` were included."""
    whole = cast("JsonObject", get_openapi(title="Dovetail", version=__version__, routes=app.routes))
    schemas = _dig(whole, "components", "schemas")
    schemas["Error"], schemas["OllamaError"] = ERROR, OLLAMA_ERROR
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _describe(route, _dig(whole, "paths", route.path_format, method.lower()), schemas)
    return whole


def _describe(route: APIRoute, operation: JsonObject, schemas: JsonObject) -> None:
    read = cast("type[BaseModel] | None", getattr(route.endpoint, "reads", None))
    form = cast("type[BaseModel] | None", getattr(route.endpoint, "reads_form", None))
    answer = cast("type[BaseModel] | None", getattr(route.endpoint, "answers", None))
    event = cast("type[BaseModel] | None", getattr(route.endpoint, "streams", None))
    responses = _dig(operation, "responses")
    responses.pop("422", None)
    if read is not None:
        operation["requestBody"] = {"required": True, "content": _content(_add(read, schemas, "validation"))}
    if getattr(route.endpoint, "takes_bytes", False):
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
        responses |= {
            str(status): {"description": said, "content": _content("Error")} for status, said in _WITH_BODY.items()
        }
    if form is not None:
        sent = _content(_add(form, schemas, "validation"))
        _dig(cast("JsonObject", schemas[form.__name__]), "properties", "file")["format"] = "binary"
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": sent["application/json"]}}
    if answer is not None:
        _dig(responses, "200", "content").update(_content(_add(answer, schemas, "serialization")))
    if event is not None:
        _dig(responses, "200", "content")["text/event-stream"] = _events(_add(event, schemas, "serialization"))
    if (line := cast("type[BaseModel] | None", getattr(route.endpoint, "lines", None))) is not None:
        _dig(responses, "200", "content")["application/x-ndjson"] = {"schema": _LINES}
        _add(line, schemas, "serialization")
    shape = "OllamaError" if "ollama" in route.tags else "Error"
    for status, description in _errors(route, read or form).items():
        responses[str(status)] = {"description": description, "content": _content(shape)}


def _errors(route: APIRoute, read: type[BaseModel] | None) -> dict[int, str]:
    with_body = {} if read is None else _WITH_BODY | _WITH_MODEL
    said: list[dict[str, object]] = (route.openapi_extra or {}).get("parameters", [])
    by_header = read is None and any(each["name"] == "X-Model-Id" for each in said)
    asked = "{" in route.path_format or MODEL_QUERY in said or by_header
    named = {404: "There is nothing of that name."} if asked else {}
    if "access" in route.tags or "auth" in route.tags:
        named |= {
            409: "There is one of that name already, or as many as there may be.",
            507: "The disk is full: nothing was stored.",
        }
    if "configuration" in route.tags:
        named |= {409: "There is one of that name already, or somebody else has changed the file first."}
        named |= {404: "There is nothing of that name.", 422: "What was to be set cannot be.", 507: "The disk is full."}
    if "chats" in route.tags:
        named |= {409: "It is being written just now, or there are as many as there may be."}
        named |= {404: "You have nothing of that name.", 507: "What you may keep, or the disk, is full."}
    if "benchmarks" in route.tags:
        named |= {409: "Another benchmark runs, or the server is busy and was not to be waited for."}
    if "downloads" in route.tags:
        named |= {409: "The same is under way already.", 507: "The disk has no room for it."}
        named |= {404: "There is nothing of that name.", 502: "The hub refused, or cannot be reached."}
    return dict(sorted((_ANYWHERE | with_body | named).items()))


def _add(model: type[BaseModel], schemas: JsonObject, mode: JsonSchemaMode) -> str:
    """Puts `model` and what it refers to among the components; its name there, which no other model may have."""
    schema = cast("JsonObject", model.model_json_schema(ref_template=_REF, mode=mode))
    for name, found in {**cast("JsonObject", schema.pop("$defs", {})), model.__name__: schema}.items():
        if schemas.setdefault(name, found) != found:
            raise TypeError(f"two models are called {name}: the document can show only one of them")
    return model.__name__


def _content(name: str) -> JsonObject:
    return {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}


def _events(name: str) -> Json:
    """One server-sent event: the model `name`, an error instead of what is still to come, or OpenAI's last word."""
    either: Json = [{"$ref": _REF.format(model=model)} for model in (name, "Error")]
    data: Json = {
        "type": "string",
        "anyOf": [{"const": "[DONE]"}, {"contentMediaType": "application/json", "contentSchema": {"anyOf": either}}],
    }
    return {"schema": {"type": "object", "required": ["data"], "properties": {"data": data}}}


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
_BYTES: JsonObject = {"type": "string", "format": "binary"}
_LINES: JsonObject = {"type": "string", "description": "Each line is such an object, or an error."}
OLLAMA_ERROR: JsonObject = {
    "type": "object",
    "required": ["error", "code", "param"],
    "properties": {
        "error": {"type": "string"},
        "code": {"type": ["string", "null"]},
        "param": {"type": ["string", "null"]},
    },
}
