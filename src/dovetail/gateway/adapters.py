"""Adapters: the field that asks for one, and `GET /v1/internal/adapter/list`, their names without their places."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from dovetail.core.model import Adapter
from dovetail.gateway.answers import AdapterList
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["adapters"])

MAX_SCALE = 100.0
AdapterName = Annotated[str, Field(max_length=128)]


class AdapterBody(Wire):
    """An adapter and how strongly it is applied."""

    name: AdapterName
    scale: Annotated[float | None, Field(ge=-MAX_SCALE, le=MAX_SCALE, description="1 is as it was trained.")] = None


AdapterField = AdapterName | AdapterBody | None


def adapter(asked: str | AdapterBody | None) -> Adapter | None:
    """The core's form; the empty name is none."""
    if not asked:
        return None
    if isinstance(asked, str):
        return Adapter(asked)
    return Adapter(asked.name, 1.0 if asked.scale is None else asked.scale)


@router.get("/v1/internal/adapter/list", operation_id="listAdapters", response_model=None)
@answers(AdapterList)
async def list_adapters(services: ServicesDep, _caller: CallerDep) -> Response:
    """The adapters that can be asked for."""
    found = await asyncio.to_thread(services.catalog.adapters.list)
    return json_answer({"adapters": [{"name": each.name} for each in found]})
