"""Answers being written into conversations: begun, listened to, stopped. A client that leaves changes nothing."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.request import Json
from dovetail.gateway import query
from dovetail.gateway.admin.chats import ID, ShelfDep
from dovetail.gateway.chats.beginning import Asking, begin
from dovetail.gateway.chats.rendering import chat_answer, message_answer
from dovetail.gateway.chats.run import told_again
from dovetail.gateway.chats.run_shapes import RunEvent, RunStarted, RunStopped
from dovetail.gateway.chats.shapes import NewRun
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.query import Query
from dovetail.gateway.sse import endpoint, request_id, trace
from dovetail.gateway.streams import EventStream, last_seen

router = APIRouter(tags=["chats"])


class RunQuery(Query):
    """Where a listener begins."""

    after: int = Field(
        default=0, ge=0, lt=1 << 53, description="The last event it has; 0: the message so far. So does Last-Event-ID."
    )


@router.post(
    "/api/v1/chats/{id}/runs",  # noqa: FAST003  read from the path
    operation_id="startRun",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@reads(NewRun)
@answers(RunStarted)
async def start_run(request: Request, services: ServicesDep, caller: CallerDep, shelf: ShelfDep) -> Response:
    """Has a model answer: a new message behind another, or the same one gone on with. It is written whoever listens."""
    body = await receive_body(request, services, NewRun)
    who = Asking(caller, endpoint(request.scope), request_id(request.scope), trace(request.scope))
    chat, run = await begin(services, shelf, request.path_params["id"], body, who)
    message = run.message
    return json_answer(
        {
            "run_id": run.id,
            "message_id": message.id,
            "chat": chat_answer(chat, run.id),
            "message": message_answer(message),
        }
    )


@router.get(
    "/api/v1/runs/{id}/events",  # noqa: FAST003  read from the path
    operation_id="runEvents",
    response_class=Response,
    response_model=None,
    openapi_extra={"parameters": [ID, *cast("list[Json]", query.parameters(RunQuery)["parameters"])]},
)
@streams(RunEvent)
async def run_events(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """What is written, as it is written: the message so far, then each piece; of a run that has ended, its end."""
    run_id: str = request.path_params["id"]
    after = last_seen(request) or query.read(request, RunQuery).after
    run = services.runs.run(shelf.owner, run_id)
    source = run.listen(after) if run is not None else told_again(await shelf.of_run(run_id), after)
    return EventStream(source, services.streams, services.timing.stall)


@router.post(
    "/api/v1/runs/{id}/cancel",  # noqa: FAST003  read from the path
    operation_id="cancelRun",
    response_model=None,
    openapi_extra={"parameters": [ID]},
)
@answers(RunStopped)
async def cancel_run(request: Request, services: ServicesDep, shelf: ShelfDep) -> Response:
    """Stops writing and keeps what there is; the model is free when this answers. One that has ended stays as it is."""
    run_id: str = request.path_params["id"]
    run = services.runs.run(shelf.owner, run_id)
    if run is None:
        message = await shelf.of_run(run_id)
    else:
        await services.runs.stop(run)
        message = run.message
    return json_answer({"run_id": run_id, "message": message_answer(message)})
