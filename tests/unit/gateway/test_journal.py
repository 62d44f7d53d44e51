"""The journal over HTTP: whose requests are shown, in which pages, and what a table program gets."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from dovetail.access.access import Access
from dovetail.access.keys import NewKey
from dovetail.core.caller import Caller, Role, Scope
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import RequestRecord
from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.gateway.admin.journal import EntryAnswer, JournalPage, JournalSummary
from dovetail.gateway.app import create_app
from dovetail.gateway.insight import Insight
from dovetail.gateway.journal_feed import Ended, EndedRequest
from dovetail.settings import JournalSettings
from dovetail.storage.journal import COLUMNS
from dovetail.telemetry import Observers, journal
from dovetail.telemetry.hub import Hub, Listening
from dovetail.telemetry.journal import Journal

from ..access.parts import GOOD, HERE, access  # noqa: TID252
from .fakes import call, services

pytestmark = pytest.mark.anyio

RECORD = RequestRecord(
    "a", Caller("ana"), "m", 1.0, 1.5, 2.0, (Finished("stop", Usage(10, 5), Timings()),), None, began=4e9
)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncGenerator[Journal]:
    made = await asyncio.to_thread(journal.opened, tmp_path, JournalSettings(days=36_500))
    yield made
    await made.aclose()


def app_of(kept: Journal, known: Access | None = None) -> ASGIApp:
    observers = Observers(kept)
    return create_app(replace(services(observer=observers, access=known), insight=Insight(observers, journal=kept)))


async def test_a_request_is_in_the_journal_when_it_has_been_answered(kept: Journal) -> None:
    app = app_of(kept)
    ask = {"model": "m", "prompt": "a secret", "max_tokens": 5}
    await call(app, "POST", "/v1/completions", ask, x_request_id="mine")
    answer = await call(app, "GET", "/api/v1/journal")
    (entry,) = JournalPage.model_validate_json(answer.body).data
    assert (entry.request_id, entry.endpoint, entry.model, entry.status) == ("mine", "/v1/completions", "m", 200)
    assert b"secret" not in answer.body


async def test_pages_follow_one_another(kept: Journal) -> None:
    for name in "abcde":
        kept.request_done(replace(RECORD, id=name))
    app, path, seen = app_of(kept), "/api/v1/journal?limit=2", ""
    while path:
        page = JournalPage.model_validate_json((await call(app, "GET", path)).body)
        seen += "".join(entry.id for entry in page.data)
        path = f"/api/v1/journal?limit=2&before={page.next}" if page.next else ""
    assert seen == "edcba"


async def test_the_summary_is_of_what_is_meant(kept: Journal) -> None:
    kept.request_done(RECORD)
    kept.request_done(replace(RECORD, id="b", model="other", ended=4.0, error="worker_crashed", status=503))
    app = app_of(kept)
    whole = JournalSummary.model_validate_json((await call(app, "GET", "/api/v1/journal/summary")).body)
    assert (whole.requests, whole.failed, whole.dropped, whole.prompt_tokens) == (2, 1, 0, 20)
    assert whole.duration is not None
    assert (whole.duration.p50, whole.duration.p99) == (1.0, 3.0)
    path = "/api/v1/journal/summary?outcome=ok&until=1"
    none = JournalSummary.model_validate_json((await call(app, "GET", path)).body)
    assert (none.requests, none.duration) == (0, None)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("since=nan", "since"),
        ("before=-1", "before"),
        ("outcome=good", "outcome"),
        ("modle=m", "modle"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(kept: Journal, query: str, param: str) -> None:
    answer = await call(app_of(kept), "GET", f"/api/v1/journal?{query}")
    assert answer.error == (400, "invalid_request_error", "invalid_request", param)


async def test_members_see_their_own(kept: Journal, tmp_path: Path) -> None:
    with access(tmp_path) as known:
        await known.people.found("chief", GOOD)
        await known.people.add("ana", GOOD, "member")
        app = app_of(kept, known)
        kept.request_done(RECORD)
        kept.request_done(replace(RECORD, id="b", caller=Caller("bob")))

        async def shown(name: str, path: str = "/api/v1/journal") -> tuple[int, list[str]]:
            _, token = await known.people.log_in(name, GOOD, HERE)
            answer = await call(app, "GET", path, cookie=f"dovetail={token}")
            found = JournalPage.model_validate_json(answer.body).data if answer.status == 200 else []
            return answer.status, [entry.id for entry in found]

        assert await shown("chief") == (200, ["b", "a"])
        assert await shown("chief", "/api/v1/journal?caller=bob") == (200, ["b"])
        assert await shown("ana") == (200, ["a"])
        assert await shown("ana", "/api/v1/journal?caller=ana") == (200, ["a"])
        assert await shown("ana", "/api/v1/journal?caller=bob") == (403, [])


async def test_an_account_sees_nothing_of_an_earlier_one_of_its_name(kept: Journal, tmp_path: Path) -> None:
    with access(tmp_path) as known:
        await known.people.found("chief", GOOD)
        await known.people.add("ana", GOOD, "member")
        app = app_of(kept, known)
        now = await known.people.since("ana")
        kept.request_done(replace(RECORD, began=now - 1))
        kept.request_done(replace(RECORD, began=now + 1))
        for name, seen in (("ana", 1), ("chief", 2)):
            _, token = await known.people.log_in(name, GOOD, HERE)
            for query in ("", "?since=1"):
                answer = await call(app, "GET", f"/api/v1/journal/summary{query}", cookie=f"dovetail={token}")
                assert JournalSummary.model_validate_json(answer.body).requests == seen


@pytest.mark.parametrize("role", ["member", "admin"])
async def test_a_key_of_some_models_sees_what_came_with_it(kept: Journal, tmp_path: Path, role: Role) -> None:
    with access(tmp_path) as known:
        await known.people.found("chief", GOOD)
        made, key = await known.keys.create(NewKey("k", "chief", role, Scope(models=("m",))))
        known.changed()
        app = app_of(kept, known)
        kept.request_done(replace(RECORD, id="a", caller=Caller("chief"), model="not its own"))
        kept.request_done(replace(RECORD, id="c", caller=Caller("ana"), model="not its own"))
        kept.request_done(replace(RECORD, id="b", caller=Caller("chief", made.id)))
        page = await call(app, "GET", "/api/v1/journal", x_api_key=key)
        assert [entry.id for entry in JournalPage.model_validate_json(page.body).data] == ["b"]
        summary = await call(app, "GET", "/api/v1/journal/summary", x_api_key=key)
        assert JournalSummary.model_validate_json(summary.body).requests == 1
        assert "not its own" not in (await call(app, "GET", "/api/v1/journal.csv", x_api_key=key)).body.decode()


async def test_a_table_of_more_than_a_page_with_nothing_a_spreadsheet_runs(kept: Journal) -> None:
    evil = ("=cmd|'/c calc'!A1", "+1", "-1", "@SUM(1)", "\tx", 'a","b', "line\nbreak")
    for name in evil:
        kept.request_done(replace(RECORD, id=f"of {name}", caller=Caller(name), first_output=None))
    for number in range(600):
        kept.request_done(replace(RECORD, id=str(number)))
    answer = await call(app_of(kept), "GET", "/api/v1/journal.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(answer.chunks) > 3
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS == tuple(name for name in EntryAnswer.model_fields if name != "number")
    assert [row["id"] for row in rows[:600]] == [str(number) for number in reversed(range(600))]
    quoted = [f"'{name}" if name[0] in "=+-@\t" else name for name in evil]
    assert [row["caller"] for row in rows[600:]] == quoted[::-1]
    assert (rows[-1]["ttft"], rows[0]["ttft"], rows[0]["streamed"]) == ("", "0.5", "0")


async def test_without_a_journal_there_is_none_to_show() -> None:
    for path in ("/api/v1/journal", "/api/v1/journal/summary", "/api/v1/journal.csv"):
        assert (await call(create_app(services()), "GET", path)).error[::2] == (503, "no_journal")


async def test_who_may_hears_of_a_request_that_has_ended() -> None:
    hub = Hub(now=lambda: 0.0)
    ended = Ended(hub)
    ended.request_done(RECORD)
    ended.request_done(replace(RECORD, id="b", caller=Caller("bob")))
    ended.request_done(replace(RECORD, id="c", streamed=True))
    for own, expected in ((None, ["a", "b", "c"]), ("ana", ["a", "c"]), ("bob", ["b"])):
        hearing = hub.listen(Listening(frozenset({"requests"}), own, after=0))
        told = await anext(hearing)
        await hearing.aclose()
        for message in told:
            assert message.type == "ended"
            HubEvent.model_validate({"seq": 1, "topic": message.topic, "type": "ended", "data": message.data})
        found = [EndedRequest.model_validate(m.data).id for m in told]
        assert found == expected
