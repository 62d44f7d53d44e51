from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.storage import journal
from dovetail.storage.database import Database, DatabaseUnusable
from dovetail.storage.journal import JOURNAL, Entry, Filter

pytestmark = pytest.mark.anyio

EVERYTHING = Filter()
ENTRY = Entry(
    began=1000.0,
    id="chatcmpl-1",
    request_id="req-1",
    caller="ana",
    key=None,
    kind="generation",
    endpoint="/v1/chat/completions",
    model="tiny-gguf",
    streamed=True,
    status=200,
    error=None,
    finish="stop",
    choices=1,
    duration=2.0,
    queued=0.0,
    loading=0.5,
    prefill=0.25,
    ttft=1.0,
    decode=1.0,
    prompt_tokens=10,
    cached_tokens=4,
    completion_tokens=20,
    prompt_speed=24.0,
    speed=20.0,
)


@pytest.fixture
def opened(tmp_path: Path) -> Generator[Database]:
    made = Database.open(tmp_path / journal.FILE_NAME, JOURNAL)
    yield made
    made.close()


def put(opened: Database, *entries: Entry) -> None:
    opened.now(lambda c: journal.add(c, entries))


def ids(opened: Database, which: Filter = EVERYTHING) -> list[str]:
    return [entry.id for _, entry in opened.now(lambda c: journal.page(c, which, 100))]


def test_what_was_stored_is_read_as_it_was(opened: Database) -> None:
    put(opened, ENTRY)
    assert opened.now(lambda c: journal.page(c, Filter(), 10)) == [(1, ENTRY)]


def test_what_is_stored_again_is_there_once(opened: Database) -> None:
    put(opened, ENTRY)
    put(opened, ENTRY, replace(ENTRY, id="next"), replace(ENTRY, began=ENTRY.began + 1))
    assert len(ids(opened)) == 3


def test_pages_go_backwards_and_neither_repeat_nor_skip(opened: Database) -> None:
    put(opened, *(replace(ENTRY, id=str(i)) for i in range(7)))
    later = iter(range(7))
    seen: list[str] = []
    before = None
    while found := opened.now(lambda c, before=before: journal.page(c, Filter(), 3, before)):
        seen += [entry.id for _, entry in found]
        before = found[-1][0]
        put(opened, replace(ENTRY, id=f"later {next(later)}"))  # what comes meanwhile moves nothing
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Filter(), "dcba"),
        (Filter(model="b"), "b"),
        (Filter(caller="bob"), "c"),
        (Filter(key="another"), "b"),
        (Filter(status=404), "d"),
        (Filter(failed=True), "d"),
        (Filter(failed=False), "cba"),
        (Filter(since=1001), "dcb"),
        (Filter(since=1001, until=1003), "cb"),
        (Filter(model="' OR 1=1 --"), ""),
    ],
)
def test_filters(opened: Database, which: Filter, expected: str) -> None:
    put(
        opened,
        replace(ENTRY, id="a"),
        replace(ENTRY, id="b", model="b", key="another", began=1001.0),
        replace(ENTRY, id="c", caller="bob", began=1002.0),
        replace(ENTRY, id="d", status=404, began=1003.0),
    )
    assert "".join(ids(opened, which)) == expected
    assert opened.now(lambda c: journal.summary(c, which)).requests == len(expected)


def test_sums_and_percentiles_by_the_nearest_rank(opened: Database) -> None:
    put(opened, *(replace(ENTRY, id=str(i), duration=float(i), ttft=None) for i in range(1, 201)))
    put(opened, replace(ENTRY, status=500))
    found = opened.now(lambda c: journal.summary(c, Filter(status=200)))
    assert (found.requests, found.failed, found.prompt_tokens) == (200, 0, 2000)
    assert (found.cached_tokens, found.completion_tokens) == (800, 4000)
    assert found.percentiles == {"duration": (100.0, 190.0, 198.0), "ttft": (), "speed": (20.0, 20.0, 20.0)}
    assert opened.now(lambda c: journal.summary(c, Filter())).failed == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_a_percentile_is_the_least_value_that_so_many_stay_within(opened: Database, values: list[float]) -> None:
    opened.now(lambda c: journal.prune(c, 0.0, 0))
    put(opened, *(replace(ENTRY, id=str(i), duration=value) for i, value in enumerate(values)))
    told = opened.now(lambda c: journal.summary(c, Filter())).percentiles["duration"]
    for percent, found in zip(journal.PERCENTS, told, strict=True):
        within = [value for value in values if value <= found]
        assert len(within) * 100 >= percent * len(values)
        assert (len(within) - values.count(found)) * 100 < percent * len(values)


def test_an_empty_journal_has_no_figures(opened: Database) -> None:
    found = opened.now(lambda c: journal.summary(c, Filter()))
    assert (found.requests, found.failed) == (0, 0)
    assert found.percentiles == {"duration": (), "ttft": (), "speed": ()}


def test_the_old_and_the_many_go(opened: Database) -> None:
    put(opened, *(replace(ENTRY, id=str(i), began=float(i)) for i in range(10)))
    opened.now(lambda c: journal.prune(c, 3.0, 100))
    assert ids(opened) == ["9", "8", "7", "6", "5", "4", "3"]
    opened.now(lambda c: journal.prune(c, 3.0, 2))
    assert ids(opened) == ["9", "8"]
    opened.now(lambda c: journal.prune(c, 3.0, 2))
    put(opened, replace(ENTRY, id="next"))
    assert [number for number, _ in opened.now(lambda c: journal.page(c, Filter(), 1))] == [11]  # no number twice
    opened.now(lambda c: journal.prune(c, 3.0, 0))
    assert ids(opened) == []


def test_the_journal_and_the_accounts_are_not_taken_for_each_other(tmp_path: Path) -> None:
    Database.open(tmp_path / "dovetail.db").close()
    with pytest.raises(DatabaseUnusable, match=r"not a database of this program.*move it away"):
        Database.open(tmp_path / "dovetail.db", JOURNAL)
