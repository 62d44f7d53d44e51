import asyncio
import io
import json
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from dovetail import log
from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import Busy
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import RequestRecord
from dovetail.settings import JournalSettings
from dovetail.storage.database import Database
from dovetail.storage.journal import FILE_NAME, JOURNAL, Filter
from dovetail.telemetry import journal
from dovetail.telemetry.journal import Journal

pytestmark = pytest.mark.anyio

TIMINGS = Timings(cache_n=4, prompt_n=6, prompt_ms=100, predicted_n=5, predicted_ms=250)
RECORD = RequestRecord(
    "chatcmpl-1", Caller("ana", "key_1"), "m", 1.0, 1.25, 2.5,
    (Finished("length", Usage(prompt=10, completion=5, cached=4), TIMINGS),), None,
    endpoint="/v1/completions", request_id="req-1", began=1000.0, streamed=True, queued=0.05, loading=0.1,
)  # fmt: skip


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    made = Database.open(tmp_path / FILE_NAME, JOURNAL)
    yield made
    made.close()


def over(database: Database, clock: Clock | None = None, **said: float) -> Journal:
    return Journal(database, JournalSettings(**said), clock or Clock(), most_waiting=3)  # pyright: ignore[reportArgumentType]


async def test_every_figure_of_a_request_is_there(database: Database) -> None:
    kept = over(database)
    kept.request_done(RECORD)
    ((number, entry),) = await kept.page(Filter(), 10)
    assert number == 1
    assert (entry.id, entry.request_id, entry.caller, entry.key) == ("chatcmpl-1", "req-1", "ana", "key_1")
    assert (entry.endpoint, entry.kind, entry.model, bool(entry.streamed)) == (
        "/v1/completions",
        "generation",
        "m",
        True,
    )
    assert (entry.status, entry.error, entry.finish, entry.choices) == (200, None, "length", 1)
    assert (entry.duration, entry.queued, entry.loading, entry.ttft) == (1.5, 0.05, 0.1, 0.25)
    assert (entry.prefill, entry.decode, entry.prompt_speed, entry.speed) == (0.1, 0.25, 60, 20)
    assert (entry.prompt_tokens, entry.cached_tokens, entry.completion_tokens) == (10, 4, 5)


async def test_of_more_than_it_holds_some_are_dropped_and_counted(database: Database) -> None:
    kept = over(database)
    for number in range(5):
        kept.request_done(replace(RECORD, id=str(number)))
    assert kept.dropped == 2
    assert [entry.id for _, entry in await kept.page(Filter(), 10)] == ["2", "1", "0"]
    kept.request_done(RECORD)
    assert (kept.dropped, (await kept.summary(Filter())).requests) == (2, 4)


async def test_while_the_file_is_locked_requests_wait_and_one_line_says_so(database: Database, tmp_path: Path) -> None:
    log.setup("json", "debug", stream := io.StringIO())
    database.now(lambda c: c.execute("PRAGMA busy_timeout = 1"))
    kept = over(database)
    with sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            kept.request_done(replace(RECORD, id=f"{number}"))
            await kept.write()
        other.execute("ROLLBACK")
    other.close()
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line["waiting"]) for line in said] == [("journal_not_written", 1)]
    assert (kept.dropped, (await kept.summary(Filter())).requests) == (2, 3)


async def test_it_is_kept_for_a_time_and_to_a_number(database: Database) -> None:
    clock = Clock()
    kept = over(database, clock, days=1, requests=2)
    for number in range(3):
        kept.request_done(replace(RECORD, id=str(number)))
    await kept.write()
    assert [entry.id for _, entry in await kept.page(Filter(), 10)] == ["2", "1"]
    clock.now += journal.DAY + 1
    kept.request_done(replace(RECORD, id="today", began=clock.now))
    assert [entry.id for _, entry in await kept.page(Filter(), 10)] == ["today"]


async def test_with_no_requests_to_be_kept_nothing_is(database: Database) -> None:
    kept = over(database, requests=0)
    kept.request_done(RECORD)
    with pytest.raises(Busy, match=r"journal\.requests is 0"):
        await kept.page(Filter(), 10)
    kept.settings = JournalSettings()
    assert (await kept.summary(Filter())).requests == 0


async def test_a_file_that_cannot_be_used_stops_no_server(tmp_path: Path) -> None:
    log.setup("json", "debug", stream := io.StringIO())
    (tmp_path / FILE_NAME).write_text("hello" * 1000)
    kept = journal.opened(tmp_path, JournalSettings())
    kept.request_done(replace(RECORD, caller=LOCAL))
    await kept.write()
    with pytest.raises(Busy):
        await kept.summary(Filter())
    await kept.aclose()
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert line["message"] == "journal_unusable"
    assert FILE_NAME in line["reason"]
    assert (tmp_path / FILE_NAME).read_text() == "hello" * 1000


async def test_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    kept = journal.opened(tmp_path, JournalSettings())
    kept.request_done(replace(RECORD, began=time.time()))
    await kept.aclose()
    again = Journal(Database.open(tmp_path / FILE_NAME, JOURNAL), JournalSettings())
    assert (await again.summary(Filter())).requests == 1
    await again.aclose()


async def test_who_leaves_while_it_is_written_has_nothing_written_twice(database: Database) -> None:
    kept = over(database)
    begun, free = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        free.wait(10)

    holding = asyncio.ensure_future(database.run(hold))
    await asyncio.to_thread(begun.wait, 10)
    kept.request_done(RECORD)
    asking = asyncio.ensure_future(kept.page(Filter(), 10))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    free.set()
    await holding
    kept.request_done(replace(RECORD, id="second"))
    assert [entry.id for _, entry in await kept.page(Filter(), 10)] == ["second", "chatcmpl-1"]


async def test_a_crowd_of_readers_keeps_nothing_from_being_written(database: Database) -> None:
    log.setup("json", "debug", stream := io.StringIO())
    kept = over(database)
    begun, free = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        free.wait(10)

    holding = asyncio.ensure_future(database.run(hold))
    await asyncio.to_thread(begun.wait, 10)
    readers = [asyncio.ensure_future(kept.summary(Filter())) for _ in range(400)]
    await asyncio.sleep(0)
    kept.request_done(RECORD)
    free.set()
    await holding
    await kept.write()
    assert len(await asyncio.gather(*readers)) == 400
    assert (await kept.summary(Filter())).requests == 1
    assert not stream.getvalue()


async def test_what_cannot_be_a_row_keeps_no_other_from_being_one(database: Database) -> None:
    log.setup("json", "debug", stream := io.StringIO())
    kept = Journal(database, JournalSettings(), Clock())
    kept.request_done(replace(RECORD, model="\ud800"))
    for number in range(30):
        kept.request_done(replace(RECORD, id=f"{number}", model="\ud800" if number == 17 else "m"))
    found = [entry.id for _, entry in await kept.page(Filter(), 100)]
    assert found == [str(number) for number in reversed(range(30)) if number != 17]
    assert kept.dropped == 2
    assert "journal_record_lost" in stream.getvalue()
