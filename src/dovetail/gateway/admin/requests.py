"""Requests under way: seen in line and at work, and ended by their ids."""

from __future__ import annotations

from typing import Literal

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.openapi import answers
from dovetail.serving.requests import Kind, Phase, Ticket

router = APIRouter(tags=["requests"])


class RequestAnswer(Answer):
    """A request under way.

    `id` is its `x-request-id`, `worker` the worker it waits for or runs on, empty while that is not known. `position`
    and `wait` (seconds, a guess) in line, 0 and null when it is not there. `params` are its fields as they were sent;
    of texts, lists and objects only the length.
    """

    id: str
    kind: Kind
    caller: str
    model: str
    worker: str
    phase: Phase
    position: int
    wait: float | None
    prompt_tokens: int
    prefilled_tokens: int
    output_tokens: int
    started: float
    params: dict[str, object]


class RequestList(Answer):
    """All requests under way, oldest first."""

    object: Literal["list"] = "list"
    data: list[RequestAnswer]


class CancelAnswer(Answer):
    """How many requests were ended: an id may be the client's own."""

    cancelled: int


@router.get("/api/v1/requests", operation_id="listRequests", response_model=None)
@answers(RequestList)
async def list_requests(services: ServicesDep, _caller: CallerDep) -> Response:
    """Every generation, embedding, ranking, token count and load that waits or runs, without what was written in it."""
    found: list[Json] = [_shown(ticket) for ticket in services.requests]
    return _json({"object": "list", "data": found})


@router.post("/api/v1/requests/{request_id}/cancel", operation_id="cancelRequest", response_model=None)
@answers(CancelAnswer)
async def cancel_request(request_id: str, services: ServicesDep, _caller: CallerDep) -> Response:
    """Ends a request, queued or running: its client gets the error `cancelled`, its slot is free."""
    count = services.requests.cancel(request_id)
    if not count:
        raise InvalidRequest(
            f"no request with the id {request_id[:64]!r} is under way; GET /api/v1/requests lists those that are",
            code="request_not_found",
            status=404,
        )
    return _json({"cancelled": count})


def _shown(ticket: Ticket) -> JsonObject:
    queued = ticket.phase == "queued"
    return {
        "id": ticket.id,
        "kind": ticket.kind,
        "caller": ticket.caller.id,
        "model": ticket.model,
        "worker": ticket.worker,
        "phase": ticket.phase,
        "position": ticket.position if queued else 0,
        "wait": ticket.wait if queued else None,
        "prompt_tokens": ticket.prompt,
        "prefilled_tokens": ticket.prefilled,
        "output_tokens": ticket.tokens,
        "started": ticket.began,
        "params": ticket.params,
    }


def _json(body: JsonObject) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
