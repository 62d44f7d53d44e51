"""A request's fields as they were sent, without what was written in them."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel

from dovetail.core.request import Json, JsonObject

# Texts that name something; of every other only the length is shown.
_NAMES = frozenset({"model", "adapter", "encoding_format", "pooling", "reasoning_effort", "tool_choice"})
_LONGEST = 128


def outline(body: BaseModel) -> JsonObject:
    """Numbers and switches as they are; of texts, lists and objects the length. Fields no API knows are left out."""
    given = body.model_fields_set
    said = (name for name in type(body).model_fields if name in given)
    return {name: _outlined(name, cast("object", getattr(body, name))) for name in said}


def _outlined(name: str, value: object) -> Json:
    match value:
        case None | bool() | int() | float():
            return value
        case str() if name in _NAMES:
            return value[:_LONGEST]
        case str():
            return {"characters": len(value)}
        case list():
            return {"items": len(cast("list[object]", value))}
        case _:
            return {"fields": len(value.model_fields_set) if isinstance(value, BaseModel) else _size(value)}


def _size(value: object) -> int:
    return len(cast("dict[str, object]", value)) if isinstance(value, dict) else 1
