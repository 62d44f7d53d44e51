"""Request capture, turned on and off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import Forbidden, InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import CaptureAnswer
from dovetail.gateway.deps import ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire
from dovetail.telemetry.capture import Capture

router = APIRouter(tags=["access"])

_MINUTE = 60.0


class CaptureRequest(Wire):
    """For how long; at most, and where it is left out, `log.capture_minutes`."""

    minutes: Annotated[float, Field(gt=0, le=1440)] | None = None


@router.get("/api/v1/capture", operation_id="showCapture", response_model=None)
@answers(CaptureAnswer)
async def show_capture(services: ServicesDep) -> Response:
    """Whether prompts and replies are written to a file now, and to which."""
    return _shown(_capture(services))


@router.post("/api/v1/capture", operation_id="beginCapture", response_model=None)
@reads(CaptureRequest)
@answers(CaptureAnswer)
async def begin_capture(request: Request, services: ServicesDep) -> Response:
    """Has everybody's prompts and replies written to a file in the home folder, until the time or the file is full."""
    body = await receive_body(request, services, CaptureRequest)
    capture, said = _capture(services), services.settings.log
    if not said.capture_minutes:
        raise Forbidden("log.capture_minutes is 0: requests are never captured here", code="capture_is_off")
    minutes = said.capture_minutes if body.minutes is None else body.minutes
    if minutes > said.capture_minutes:
        raise InvalidRequest(f"at most {said.capture_minutes:g} minutes (log.capture_minutes)", param="minutes")
    begun = await capture.begin(minutes * _MINUTE, said.capture_bytes)
    guard.detail(request.scope, file=begun.path.name, minutes=f"{minutes:g}")
    return _shown(capture)


@router.delete("/api/v1/capture", operation_id="endCapture", response_model=None)
@answers(CaptureAnswer)
async def end_capture(services: ServicesDep) -> Response:
    """Ends it; the file stays. Nothing happens when it is off."""
    capture = _capture(services)
    capture.end("an admin ended it")
    return _shown(capture)


def _capture(services: Services) -> Capture:
    if services.capture is None:
        raise InvalidRequest("this server has no home folder", code="not_found", status=404)
    return services.capture


def _shown(capture: Capture) -> Response:
    now = capture.now
    body: JsonObject = {
        "on": now is not None,
        "path": None if now is None else str(now.path),
        "until": None if now is None else now.until,
        "bytes": 0 if now is None else now.written,
    }
    return json_answer(body, headers={"cache-control": "no-store"})
