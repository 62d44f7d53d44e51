"""`/metrics`: every figure, scraped as text or read as JSON, and pushed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway import views
from dovetail.gateway.deps import ServicesDep, may
from dovetail.gateway.figures import Reading
from dovetail.gateway.guard import check_whole, known
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers, streams
from dovetail.gateway.rights import Right
from dovetail.gateway.services import Services
from dovetail.gateway.streams import EventStream, count, frame, last_seen
from dovetail.telemetry.exposition import CONTENT_TYPE
from dovetail.telemetry.hub import Listening

router = APIRouter(tags=["metrics"])

_FORMATS: tuple[Literal["text", "json"], ...] = ("text", "json")
_FORMAT: JsonObject = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "Wins over `Accept`, which asks for JSON where it names it before text.",
    "schema": {"type": "string", "enum": [*_FORMATS]},
}


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    response_model=None,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    openapi_extra={"parameters": [_FORMAT, MODEL_QUERY]},
)
@answers(Reading)
async def metrics(request: Request, services: ServicesDep) -> Response:
    """Prometheus' text, or JSON. With `model` of that one alone. What is about callers is told to admins."""
    usual = "json" if views.shown(request, services) == "mlx" else "text"
    form = request.query_params.get("format") or _preferred(request.headers.get("accept", ""), usual)
    if form not in _FORMATS:
        raise InvalidRequest("format: should be text or json", param="format")
    model = await _model(request, services)
    if form == "json":
        body = await services.panel.reading(ready=services.is_ready, model=model)
        return json_answer(body)
    full = await may(request, services, Right.ADMIN)
    return Response(await services.panel.text(full=full, model=model), headers={"content-type": CONTENT_TYPE})


@router.get(
    "/metrics/stream",
    operation_id="metricsStream",
    response_class=Response,
    response_model=None,
    openapi_extra={"parameters": [MODEL_QUERY], "tags": ["events"]},
)
@streams(Reading)
async def metrics_stream(request: Request, services: ServicesDep) -> Response:
    """The JSON of `/metrics` as server-sent events: at once, every second, and when a model's state changes."""
    model = await _model(request, services)
    count(request.scope, services.guard)
    return EventStream(_frames(request, services, model), services.streams, services.timing.stall)


async def _frames(request: Request, services: Services, model: str | None) -> AsyncGenerator[bytes, None]:
    wanted = Listening(frozenset({"metrics"}), after=last_seen(request))
    async with aclosing(services.hub.listen(wanted)) as batches:
        async for batch in batches:
            last = batch[-1]
            told = last.data if model is None else await services.panel.reading(ready=services.is_ready, model=model)
            yield frame(told, last.seq)


async def _model(request: Request, services: Services) -> str | None:
    """The id of the model that is asked about. Raises ModelNotFound, and Forbidden for all of them to a key of some."""
    name, caller = request.query_params.get("model"), known(request.scope).caller
    if name is None:
        check_whole(caller)
        return None
    model = await asyncio.to_thread(services.catalog.find, name, None, caller)
    return model.id


def _preferred(accept: str, usual: str) -> str:
    """JSON where it is named, and before text; text where that is; else the `usual`."""
    quality: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        said = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        quality[kind] = float(said) if re.fullmatch(r"[01](\.\d{0,3})?", said) else 0.0
    wanted = quality.get("application/json", 0.0)
    text = max(quality.get("text/plain", 0.0), quality.get("application/openmetrics-text", 0.0))
    return usual if wanted == text == 0 else "json" if wanted > text else "text"
