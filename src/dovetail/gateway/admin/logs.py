"""The server's log as a stream of events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from dovetail.gateway import query
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.log_feed import BATCH, GATHER
from dovetail.gateway.openapi import streams
from dovetail.gateway.query import Query
from dovetail.gateway.streams import EventStream, count, frame, last_seen
from dovetail.telemetry.log_lines import MOST, Line, LogLines, Source

router = APIRouter(tags=["events"])

Level = Literal["debug", "info", "warning", "error"]


class LogQuery(Query):
    """Which lines are meant."""

    model: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="About this model, by its name; with its workers for adapters and embeddings."
    )
    source: Source | None = Field(default=None, description="Of the server itself, or of the models' workers.")
    level: Level | None = Field(default=None, description="Of this level or above.")
    backlog: Annotated[int, Field(ge=0, le=MOST)] = Field(
        default=100, description="So many of the last lines come first; a client that comes back gets what it missed."
    )

    def means(self, line: Line) -> bool:
        if self.level is not None and line.level < logging.getLevelNamesMapping()[self.level.upper()]:
            return False
        if self.source is not None and line.source != self.source:
            return False
        return self.model is None or (line.model is not None and self.model in {line.model, _base(line.model)})


class LogLine(Answer):
    """A line, with whatever else belongs to it; or, with `dropped`, how many lines are missing here."""

    model_config = ConfigDict(extra="allow")

    timestamp: str | None = None
    level: str | None = None
    message: str | None = None
    dropped: int | None = None


@router.get(
    "/logs/stream",
    operation_id="logStream",
    response_class=Response,
    response_model=None,
    openapi_extra=query.parameters(LogQuery),
)
@streams(LogLine)
async def log_stream(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """The log, line by line as it is written, the last lines first. The `id` of an event is the line's number.

    Who comes back with `Last-Event-ID` gets what came meanwhile. Lines that are no longer kept when it is their turn
    are left out, and an event says how many they are.
    """
    asked = query.read(request, LogQuery)
    count(request.scope, services.guard)
    return EventStream(
        _frames(services.insight.lines, asked, last_seen(request)), services.streams, services.timing.stall
    )


async def _frames(lines: LogLines, asked: LogQuery, seen: int | None) -> AsyncGenerator[bytes, None]:
    at = seen if seen is not None and lines.knows(seen) else _begin(lines, asked)
    while True:
        batch = lines.after(at, BATCH)
        if batch.lines:
            at = batch.lines[-1].number
            note = frame({"dropped": batch.missed}) if batch.missed else b""
            if told := note + b"".join(_frame(line) for line in batch.lines if asked.means(line)):
                yield told
        if at == lines.last:
            await lines.more(at)
            await asyncio.sleep(GATHER)


def _begin(lines: LogLines, asked: LogQuery) -> int:
    """The number behind which the backlog lies."""
    kept = lines.after(0).lines
    meant = [line.number for line in kept if asked.means(line)] if asked.backlog else []
    return meant[-asked.backlog :][0] - 1 if meant else lines.last


def _frame(line: Line) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (line.number, line.text.encode("utf-8", "replace"))


def _base(worker: str) -> str:
    """The model of a worker's name."""
    for mark in "+:#":
        worker = worker.partition(mark)[0]
    return worker
