"""The journal of requests: pages of it, its figures, and all of it as a table."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import astuple
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.errors import Forbidden
from dovetail.core.request import Json
from dovetail.gateway import query
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.journal_feed import EndedRequest, shown_entry
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.query import Query
from dovetail.gateway.services import Services
from dovetail.gateway.streams import Download
from dovetail.storage.journal import COLUMNS, PERCENTS, Entry, Filter, Summary
from dovetail.telemetry.journal import Journal

router = APIRouter(tags=["journal"])

PAGE = 500
_Name = Annotated[str, Field(max_length=256)]
_Time = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e11)]
_TABLE_HEADERS = {
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": 'attachment; filename="journal.csv"',
    "cache-control": "no-store",
}
# What a table program would take for a formula, and run.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Which(Query):
    """Which requests are meant."""

    model: _Name | None = Field(default=None, description="Of this model, by its name.")
    caller: _Name | None = Field(default=None, description="Of this caller; for admins.")
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(default=None, description="With this status.")
    outcome: Literal["ok", "failed"] | None = Field(
        default=None, description="Those with a status below 400, or from it on."
    )
    since: _Time | None = Field(default=None, description="That came at this time or later, in seconds since 1970.")
    until: _Time | None = Field(default=None, description="That came before this time.")

    def filter(self, caller: Caller, made: float) -> Filter:
        """What of it `caller`, whose account was `made` then, may see. Raises Forbidden for one who asks for others'.

        A key that is good for some models sees its own requests alone: its owner may have used others. What is older
        than an account is of another one that had its name.
        """
        whose, since = self.caller, self.since
        narrow = bool(caller.scope.models)
        if narrow or not caller.may("admin"):
            if whose not in {None, caller.id}:
                raise Forbidden("admins alone see the requests of others")
            whose, since = caller.id, max(since or 0.0, made)
        failed = None if self.outcome is None else self.outcome == "failed"
        key = caller.key if narrow else None
        return Filter(self.model, whose, key, self.status, failed, since, self.until)


class Page(Which):
    """A page of them."""

    limit: Annotated[int, Field(ge=1, le=PAGE)] = Field(default=100, description="Requests on a page.")
    before: Annotated[int, Field(ge=1, lt=1 << 62)] | None = Field(
        default=None, description="The `next` of the page before."
    )


class EntryAnswer(EndedRequest):
    """A request of the journal; `number` is its place in it."""

    number: int


class JournalPage(Answer):
    """Requests, the last that ended first; `next` is the `before` of the next page, null on the last."""

    data: list[EntryAnswer]
    next: int | None


class Percentiles(Answer):
    """By the nearest rank."""

    p50: float
    p95: float
    p99: float


class JournalSummary(Answer):
    """Of all requests that are meant; figures are null where none has them, times in seconds, speed in tokens a second.

    `dropped`: requests since the start that could not be written, and are missing.
    """

    requests: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    duration: Percentiles | None
    ttft: Percentiles | None
    speed: Percentiles | None
    dropped: int


@router.get("/api/v1/journal", operation_id="listJournal", response_model=None, openapi_extra=query.parameters(Page))
@answers(JournalPage)
async def list_journal(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Requests that have ended: everybody's for an admin, else one's own. No texts."""
    asked = query.read(request, Page)
    which = await _meant(asked, services, caller)
    found = await services.insight.journal.page(which, asked.limit + 1, asked.before)
    shown = found[: asked.limit]
    data: list[Json] = [{"number": number, **shown_entry(entry)} for number, entry in shown]
    return json_answer({"data": data, "next": shown[-1][0] if len(found) > asked.limit else None})


@router.get(
    "/api/v1/journal/summary",
    operation_id="summarizeJournal",
    response_model=None,
    openapi_extra=query.parameters(Which),
)
@answers(JournalSummary)
async def summarize_journal(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How many there were and how long they took: the median, and what 95 and 99 of a hundred stayed within."""
    which = await _meant(query.read(request, Which), services, caller)
    found = await services.insight.journal.summary(which)
    return json_answer(_summary(found, services.insight.journal.dropped))


@router.get(
    "/api/v1/journal.csv",
    operation_id="exportJournal",
    response_class=Response,
    response_model=None,
    openapi_extra=query.parameters(Which)
    | {"responses": {"200": {"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
async def export_journal(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """All requests that are meant, the last that ended first, as a table for spreadsheets."""
    which = await _meant(query.read(request, Which), services, caller)
    first = await services.insight.journal.page(which, PAGE)
    return Download(
        _table(services.insight.journal, which, first), services.streams, services.timing.stall, _TABLE_HEADERS
    )


async def _meant(asked: Which, services: Services, caller: Caller) -> Filter:
    made = 0.0 if services.access is None else await services.access.people.since(caller.id)
    return asked.filter(caller, made)


async def _table(journal: Journal, which: Filter, page: list[tuple[int, Entry]]) -> AsyncGenerator[bytes, None]:
    """Page by page, so that a reader who takes nothing holds no more than one."""
    yield _lines([COLUMNS])
    while page:
        yield await asyncio.to_thread(_lines, [_cells(entry) for _, entry in page])
        page = await journal.page(which, PAGE, page[-1][0]) if len(page) == PAGE else []


def _cells(entry: Entry) -> list[str | float]:
    values: tuple[str | float | None, ...] = astuple(entry)
    return ["" if value is None else _plain(value) if isinstance(value, str) else value for value in values]


def _plain(text: str) -> str:
    """As text, whatever a client has chosen to call itself."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str | float]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _summary(found: Summary, dropped: int) -> dict[str, Json]:
    names = [f"p{percent}" for percent in PERCENTS]
    figures: dict[str, Json] = {
        figure: dict(zip(names, values, strict=True)) if values else None
        for figure, values in found.percentiles.items()
    }
    counts = {
        "requests": found.requests,
        "failed": found.failed,
        "prompt_tokens": found.prompt_tokens,
        "cached_tokens": found.cached_tokens,
        "completion_tokens": found.completion_tokens,
    }
    return {**counts, **figures, "dropped": dropped}
