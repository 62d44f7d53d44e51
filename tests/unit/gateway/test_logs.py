"""`GET /logs/stream` and the hub's topic `logs`."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from dovetail.gateway.admin.logs import LogLine
from dovetail.gateway.app import create_app
from dovetail.gateway.insight import Insight
from dovetail.gateway.log_feed import BATCH, published
from dovetail.gateway.services import Services
from dovetail.telemetry.hub import Listening, Topic
from dovetail.telemetry.log_lines import LogLines

from .fakes import Client, call, services

pytestmark = pytest.mark.anyio

Say = Callable[..., None]


def serving(most: int = 10_000) -> tuple[Services, Say]:
    lines = LogLines(most)

    def say(*texts: str, level: int = logging.INFO, model: str | None = None, worker: bool = False) -> None:
        for text in texts:
            line = {"timestamp": "2026-01-01T00:00:00Z", "level": logging.getLevelName(level).lower(), "message": text}
            lines.add(level, "worker" if worker else "gateway", model, json.dumps(line))

    return replace(services(), insight=Insight(lines=lines)), say


class Listener:
    def __init__(self, built: Services, path: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.client = Client(create_app(built), "GET", path, headers=named)

    def events(self) -> list[tuple[int | None, Any]]:
        """Number and data of each."""
        found: list[tuple[int | None, Any]] = []
        for block in self.client.answer.body.decode().split("\n\n"):
            said = dict(line.split(": ", 1) for line in block.splitlines())
            if "data" in said:
                LogLine.model_validate_json(said["data"])
                found.append((int(said["id"]) if "id" in said else None, json.loads(said["data"])))
        return found

    async def heard(self, *expected: str | int) -> None:
        """Waits until these messages have come, a number for so many that were dropped, and no others."""
        heard: list[str | int] = []
        async with asyncio.timeout(5):
            while len(heard) < len(expected):
                await asyncio.sleep(0.005)
                heard = [data.get("message", data.get("dropped")) for _, data in self.events()]
        assert heard == list(expected)


@asynccontextmanager
async def listening(built: Services, path: str = "/logs/stream", **headers: str) -> AsyncGenerator[Listener]:
    listener = Listener(built, path, **headers)
    running = asyncio.create_task(listener.client.run())
    try:
        yield listener
    finally:
        listener.client.leave()
        await running


@pytest.mark.accept("A12")
async def test_the_last_lines_then_every_new_one() -> None:
    built, say = serving()
    say("one", "two", "three")
    async with listening(built, "/logs/stream?backlog=2") as listener:
        await listener.heard("two", "three")
        say("four")
        await listener.heard("two", "three", "four")
        assert [number for number, _ in listener.events()] == [built.insight.lines.last - 2 + i for i in range(3)]
    assert listener.client.answer.headers["content-type"].startswith("text/event-stream")


async def test_who_comes_back_misses_nothing() -> None:
    built, say = serving()
    say("one", "two")
    seen = str(built.insight.lines.last)
    say("three", "four")
    async with listening(built, "/logs/stream?backlog=0", last_event_id=seen) as listener:
        await listener.heard("three", "four")


@pytest.mark.parametrize("seen", ["7", "99999999999999999", "x"])
async def test_who_comes_back_to_another_process_begins_anew(seen: str) -> None:
    built, say = serving()
    say("one", "two")
    async with listening(built, "/logs/stream?backlog=1", last_event_id=seen) as listener:
        await listener.heard("two")


async def test_lines_that_are_no_longer_kept_are_a_number() -> None:
    built, say = serving(most=2)
    say("one")
    seen = str(built.insight.lines.last)
    say("two", "three", "four", "five")
    async with listening(built, last_event_id=seen) as listener:
        await listener.heard(2, "four", "five")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["plain", "of a", "of a's worker", "of b's worker", "bad"]),
        ("level=warning", ["of b's worker", "bad"]),
        ("level=error", ["bad"]),
        ("source=worker", ["of a's worker", "of b's worker"]),
        ("source=gateway&level=info", ["plain", "of a", "bad"]),
        ("model=a", ["of a", "of a's worker"]),
        ("model=a%2Bshout", ["of a's worker"]),
        ("model=a&backlog=1", ["of a's worker"]),
    ],
)
async def test_filters_of_the_backlog_and_of_what_comes(query: str, expected: list[str]) -> None:
    built, say = serving()

    def say_all() -> None:
        say("plain")
        say("of a", model="a")
        say("of a's worker", model="a+shout", worker=True)
        say("of b's worker", model="b:mean", worker=True, level=logging.WARNING)
        say("bad", level=logging.ERROR)

    say_all()
    async with listening(built, f"/logs/stream?{query}") as listener:
        await listener.heard(*expected)
        say_all()
        live = expected if "backlog" not in query else ["of a", "of a's worker"]
        await listener.heard(*expected, *live)


@pytest.mark.parametrize("query", ["level=loud", "source=moon", "backlog=-1", "lvl=info"])
async def test_what_cannot_be_meant_is_refused_by_name(query: str) -> None:
    built, _ = serving()
    answer = await call(create_app(built), "GET", f"/logs/stream?{query}")
    assert (answer.status, answer.error[3]) == (400, query.partition("=")[0])


async def test_it_ends_when_the_server_does() -> None:
    built, say = serving()
    say("one")
    async with listening(built) as listener:
        await listener.heard("one")
        built.streams.cut()
        async with asyncio.timeout(5):
            while not listener.client.answer.complete:
                await asyncio.sleep(0.005)


async def told(built: Services, after: int | None = None, mark: int | None = None) -> AsyncGenerator[Any]:
    marks: dict[Topic, int] = {} if mark is None else {"logs": mark}
    wanted = Listening(frozenset({"logs"}), after=after, marks=marks)
    async for batch in built.hub.listen(wanted):
        for message in batch:
            yield message.type, message.data


async def test_the_hub_tells_the_last_lines_then_batches() -> None:
    built, say = serving()
    say("one", "two")
    mark = built.insight.lines.last - 1
    publishing = asyncio.create_task(published(built.insight.lines, built.hub))
    await asyncio.sleep(0)
    hearing = told(built, mark=mark)
    kind, data = await anext(hearing)
    assert (kind, [line["message"] for line in data["lines"]], data["dropped"]) == ("snapshot", ["two"], 0)
    say("three")
    say("four", model="m", worker=True)
    async with asyncio.timeout(5):
        kind, data = await anext(hearing)
    assert (kind, data["dropped"]) == ("lines", 0)
    assert [(line["number"], line["source"], line["message"]) for line in data["lines"]] == [
        (mark + 2, "gateway", "three"),
        (mark + 3, "worker", "four"),
    ]
    await hearing.aclose()
    publishing.cancel()
    await asyncio.wait([publishing])


@pytest.mark.parametrize(("mark", "shown", "dropped"), [(None, BATCH, 0), (1, BATCH, 0), ("first", BATCH, 499)])
async def test_the_hubs_snapshot_is_bounded(mark: int | str | None, shown: int, dropped: int) -> None:
    built, say = serving()
    first = built.insight.lines.last + 1
    say(*map(str, range(BATCH + 500)))
    publishing = asyncio.create_task(published(built.insight.lines, built.hub))
    await asyncio.sleep(0)
    hearing = told(built, mark=first if mark == "first" else mark if isinstance(mark, int) else None)
    _, data = await anext(hearing)
    assert (len(data["lines"]), data["dropped"]) == (shown, dropped)
    assert data["lines"][-1]["message"] == str(BATCH + 499)
    await hearing.aclose()
    publishing.cancel()
    await asyncio.wait([publishing])
