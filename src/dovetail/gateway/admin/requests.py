"""Requests under way: seen in line and at work, and ended by their ids."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.figures import RequestAnswer, request_answer
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers

router = APIRouter(tags=["requests"])


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
    found: list[Json] = [request_answer(ticket) for ticket in services.requests]
    return json_answer({"object": "list", "data": found})


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
    return json_answer({"cancelled": count})
