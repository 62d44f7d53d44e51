"""The model that a request of an older client means: by its name, by the number in `X-Model-Id`, or by neither."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol, Self, TypeVar

from fastapi import Request

from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.core.request import JsonObject
from dovetail.gateway.instances import base
from dovetail.gateway.preload import preloads
from dovetail.gateway.services import Services

HEADER = "X-Model-Id"
PARAMETER: JsonObject = {"name": HEADER, "in": "header", "required": False, "schema": {"type": "string"}}
_MOST_LISTED = 20
_DIGITS = 6


class _Modelled(Protocol):
    """A body whose model is the empty text where it names none."""

    @property
    def model(self) -> str: ...

    def model_copy(self, *, update: Mapping[str, object] | None = None) -> Self: ...


BodyT = TypeVar("BodyT", bound=_Modelled)


async def meant(request: Request, services: Services, caller: Caller, name: str | None = None) -> str:
    """The name given; else the header's number or name; else number 0; else the only loaded or preloaded model.

    Of the loaded ones only those count that write text. Raises InvalidRequest, which lists the models, if none is.
    """
    asked = name or request.headers.get(HEADER)
    if asked and (name or not asked.isdecimal()):
        return asked
    numbers = {each: model for each, model in numbered(services).items() if caller.may_use(base(model))}
    number = int(asked[:_DIGITS]) if asked else 0
    if number in numbers:
        return numbers[number]
    if asked:
        listed = ", ".join(f"{each}: {model}" for each, model in numbers.items())
        none = "none has been asked for yet"
        raise InvalidRequest(f"there is no process with the number {number}; there are {listed or none}", param=HEADER)
    ready = [state.served for state in services.pool.states() if state.served and state.state == "ready"]
    loaded = {model.id for model in ready if model.writes}
    for ids in (loaded, set(preloads(services.settings))):
        if len(only := [each for each in ids if caller.may_use(each)]) == 1:
            return only[0]
    models = await asyncio.to_thread(services.catalog.models)
    names = [model.id for model in models if caller.may_use(model.id)]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    listed = ", ".join(names[:_MOST_LISTED]) or "none"
    raise InvalidRequest(f"model: name one; models here: {listed}{more}", param="model")


async def found(request: Request, services: Services, caller: Caller, name: str | None = None) -> Model:
    """The same, as the catalog has it. Raises ModelNotFound and AdapterNotFound too."""
    return await asyncio.to_thread(services.catalog.find, await meant(request, services, caller, name), None, caller)


async def addressed(body: BodyT, request: Request, services: Services, caller: Caller) -> BodyT:
    """`body` with the model that is meant where it names none."""
    if body.model:
        return body
    return body.model_copy(update={"model": await meant(request, services, caller)})


def numbered(services: Services) -> dict[int, str]:
    """Every number with its model, of those that run or ran."""
    return services.instances.numbers(state.served.id for state in services.pool.states() if state.served)
