"""The one stream of events that the web interface lives on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal, TypeAlias, cast

from fastapi import APIRouter, Request
from pydantic import RootModel
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway.admin.downloads import DownloadAnswer
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, may
from dovetail.gateway.figures import ModelFigures, Reading, RequestAnswer
from dovetail.gateway.openapi import streams
from dovetail.gateway.rights import Right
from dovetail.gateway.services import Services
from dovetail.gateway.streams import EventStream, check_whole, count, frame, last_seen
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


class Event(Answer):
    """Base of the events; `seq` counts up over all topics, and is the event's `id` where a client may go on from it."""

    seq: int


class Resync(Event):
    """More has happened than is kept: what the client knows of the topic is void, its snapshot follows."""

    topic: Topic
    type: Literal["resync"]
    data: dict[str, object]


class MetricsEvent(Event):
    """The figures of now: at the beginning, once a second, and when a model's state changes."""

    topic: Literal["metrics"]
    type: Literal["snapshot", "sample"]
    data: Reading


class ModelsData(Answer):
    """Every model that was asked for since the start."""

    models: list[ModelFigures]


class ModelsSnapshot(Event):
    """All models."""

    topic: Literal["models"]
    type: Literal["snapshot"]
    data: ModelsData


class ModelChanged(Event):
    """A model as it is now."""

    topic: Literal["models"]
    type: Literal["changed"]
    data: ModelFigures


class ModelName(Answer):
    """A model by its name."""

    id: str


class ModelGone(Event):
    """A model that is no more."""

    topic: Literal["models"]
    type: Literal["gone"]
    data: ModelName


class NothingMore(Answer):
    """Nothing is said beside that it is so."""


class ModelsListed(Event):
    """A model has come, gone, or has other settings: `GET /api/v1/models` lists them."""

    topic: Literal["models"]
    type: Literal["listed"]
    data: NothingMore


class DownloadsData(Answer):
    """Every download, the newest first."""

    downloads: list[DownloadAnswer]


class DownloadsSnapshot(Event):
    """All downloads."""

    topic: Literal["downloads"]
    type: Literal["snapshot"]
    data: DownloadsData


class DownloadChanged(Event):
    """A download as it is now: in another state, or further."""

    topic: Literal["downloads"]
    type: Literal["changed", "progress"]
    data: DownloadAnswer


class DownloadGone(Event):
    """A download that was taken off the list."""

    topic: Literal["downloads"]
    type: Literal["gone"]
    data: ModelName


class RequestsData(Answer):
    """The requests under way that the caller may see."""

    requests: list[RequestAnswer]


class RequestsSnapshot(Event):
    """All of them."""

    topic: Literal["requests"]
    type: Literal["snapshot"]
    data: RequestsData


class RequestChanged(Event):
    """A request as it is now."""

    topic: Literal["requests"]
    type: Literal["changed"]
    data: RequestAnswer


class RequestNumber(Answer):
    """A request by its number."""

    number: int


class RequestGone(Event):
    """A request that has ended."""

    topic: Literal["requests"]
    type: Literal["gone"]
    data: RequestNumber


class OtherEvent(Event):
    """Of the topics that are described elsewhere."""

    topic: Literal["bench", "logs"]
    type: str
    data: dict[str, object]


_Any: TypeAlias = (
    MetricsEvent
    | ModelsSnapshot
    | ModelChanged
    | ModelGone
    | ModelsListed
    | DownloadsSnapshot
    | DownloadChanged
    | DownloadGone
    | RequestsSnapshot
    | RequestChanged
    | RequestGone
    | Resync
    | OtherEvent
)


class HubEvent(RootModel[_Any]):
    """One event."""


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
    check_whole(caller)
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
