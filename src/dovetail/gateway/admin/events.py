"""The one stream of events that the web interface lives on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.gateway.deps import CallerDep, ServicesDep, may
from dovetail.gateway.openapi import streams
from dovetail.gateway.rights import Right
from dovetail.gateway.services import Services
from dovetail.gateway.streams import EventStream, count, frame, last_seen
from dovetail.telemetry.hub import TOPICS, Hub, Listening, Message, Topic

router = APIRouter(tags=["events"])

# What it takes to hear of them; requests of others are the admin's alone.
TOPIC_RIGHTS: dict[Topic, Right] = {
    "metrics": Right.VIEW,
    "models": Right.VIEW,
    "downloads": Right.ADMIN,
    "requests": Right.USE,
    "bench": Right.ADMIN,
    "logs": Right.ADMIN,
}
_TOPICS: JsonObject = {
    "name": "topics",
    "in": "query",
    "required": False,
    "description": "Separated by commas; without any, all that the caller may hear of.",
    "schema": {"type": "string"},
}
_LOG_AFTER: JsonObject = {
    "name": "log_after",
    "in": "query",
    "required": False,
    "description": "The number of the last log line that the client has.",
    "schema": {"type": "integer", "minimum": 0},
}


@router.get(
    "/api/v1/events",
    operation_id="events",
    response_class=Response,
    response_model=None,
    openapi_extra={"parameters": [_TOPICS, _LOG_AFTER]},
)
@streams(HubEvent)
async def events(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What happens, as it happens: for each topic how it stands, then every change. Nothing has to be asked for again.

    A client that comes back with `Last-Event-ID` gets what it missed, or `resync` and how things stand.
    """
    topics = await _topics(request, services)
    count(request.scope, services.guard)
    own = None if await may(request, services, Right.ADMIN) else caller.id
    wanted = Listening(topics, own, last_seen(request), _marks(request))
    return EventStream(_frames(services.hub, wanted), services.streams, services.timing.stall)


async def _frames(hub: Hub, wanted: Listening) -> AsyncGenerator[bytes, None]:
    async with aclosing(hub.listen(wanted)) as batches:
        async for batch in batches:
            yield b"".join(_frame(message) for message in batch)


def _frame(message: Message) -> bytes:
    told: JsonObject = {"seq": message.seq, "topic": message.topic, "type": message.type, "data": message.data}
    return frame(told, message.seq if message.whole else None)


async def _topics(request: Request, services: Services) -> frozenset[Topic]:
    """Those that are asked for. Raises what keeps the caller from one of them."""
    asked = [name for name in request.query_params.get("topics", "").split(",") if name]
    if not asked:
        return frozenset([topic for topic in TOPICS if await may(request, services, TOPIC_RIGHTS[topic])])
    for name in asked:
        if name not in TOPIC_RIGHTS:
            raise InvalidRequest(f"topics: {name[:64]!r} is none; there are {', '.join(TOPICS)}", param="topics")
    topics = frozenset(cast("list[Topic]", asked))
    if services.guard is not None:
        for right in {TOPIC_RIGHTS[topic] for topic in topics}:
            await services.guard.admit(request.scope, right)
    return topics


def _marks(request: Request) -> dict[Topic, int]:
    said = request.query_params.get("log_after")
    if said is None:
        return {}
    if not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise InvalidRequest("log_after: should be the number of a log line", param="log_after")
    return {"logs": int(said)}
