"""What stands behind the ? of an address, as values: known by name, bounded, or a 400 that names it."""

from __future__ import annotations

from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from dovetail.core.request import Json, JsonObject
from dovetail.gateway import errors

QueryT = TypeVar("QueryT", bound="Query")


class Query(BaseModel):
    """Base of what a route may be asked for; every field has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read(request: Request, query: type[QueryT]) -> QueryT:
    """Raises InvalidRequest naming the first at fault. Of a name that comes twice the last counts."""
    try:
        return query.model_validate(dict(request.query_params))
    except ValidationError as failure:
        raise errors.as_dovetail(failure) from None


def parameters(query: type[Query]) -> JsonObject:
    """What the OpenAPI document says of them: a route's `openapi_extra`."""
    properties = cast("dict[str, JsonObject]", query.model_json_schema()["properties"])
    return {"parameters": [_parameter(name, schema) for name, schema in properties.items()]}


def _parameter(name: str, schema: JsonObject) -> Json:
    either = cast("list[JsonObject]", schema.get("anyOf") or [schema])
    said = {key: value for key, value in either[0].items() if key not in {"title", "description"}}
    return {"name": name, "in": "query", "required": False, "schema": said, "description": schema["description"]}
