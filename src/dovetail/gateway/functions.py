"""The functions that a request offers a model, whatever its dialect calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.request import JsonObject, NamedTool, Tool, ToolChoice
from dovetail.gateway import tool_schemas
from dovetail.gateway.structured import forced_tool

MAX_BYTES = 512 << 10  # of all schemas together; patterns take some seconds for so many


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `place` is where it is in the request, `schema` the field of it that has its parameters."""

    place: str
    schema: str
    name: str
    description: str | None
    parameters: dict[str, object] | None
    strict: bool


def tools(functions: Sequence[Function], choice: ToolChoice, shown: set[str] | None = None) -> tuple[Tool, ...]:
    """The core's form; the model sees those of the names in `shown` alone. Raises InvalidRequest naming one's field."""
    if len(orjson.dumps([function.parameters for function in functions])) > MAX_BYTES:
        raise InvalidRequest(f"tools: their schemas are larger than {MAX_BYTES} bytes", param="tools")
    for function in functions:
        tool_schemas.check(cast("JsonObject", function.parameters or {}), f"{function.place}.{function.schema}")
    if shown is not None:
        functions = [function for function in functions if function.name in shown]
    if choice == "required" or isinstance(choice, NamedTool):
        return tuple(forced_tool(f.name, f.description, f.parameters, strict=f.strict) for f in functions)
    strict = next((function for function in functions if function.strict), None)
    if choice == "auto" and strict is not None:
        where = strict.schema.rpartition(".")[0]
        raise UnsupportedField(
            ".".join(filter(None, (strict.place, where, "strict"))), "holds only where tool_choice forces a call"
        )
    return tuple(Tool(f.name, f.description, cast("JsonObject | None", f.parameters)) for f in functions)


def arguments(text: str, param: str) -> str:
    """A call's arguments, for templates that read them. Raises InvalidRequest for what is no object."""
    try:
        if isinstance(orjson.loads(text or "{}"), dict):
            return text or "{}"
    except orjson.JSONDecodeError:
        pass
    raise InvalidRequest(f"{param}: has to be the text of a JSON object", param=param)
