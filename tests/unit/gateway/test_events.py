"""`GET /api/v1/events`: who hears of what, and what the feeds tell."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from dovetail.access.access import Access
from dovetail.access.keys import NewKey
from dovetail.core.caller import LOCAL, Caller, Role
from dovetail.core.events import Prefill, TextDelta
from dovetail.fleet.pool import Pool as RealPool
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.gateway.admin.events import TOPIC_RIGHTS
from dovetail.gateway.app import create_app
from dovetail.gateway.feeds import EVERY, Feeds, Nudge
from dovetail.gateway.panel import Panel
from dovetail.gateway.revocation import look
from dovetail.gateway.services import Services
from dovetail.hardware.sampler import sampler
from dovetail.serving.requests import Ticket
from dovetail.telemetry.hub import TOPICS, Listening
from dovetail.telemetry.metrics import Metrics

from ..access.parts import GOOD, HERE, access  # noqa: TID252
from .fakes import Client, Pool, call, model, says, services

pytestmark = pytest.mark.anyio


class Listener:
    """A client of the events, read as they come; each is held against the published document."""

    def __init__(self, built: Services, path: str = "/api/v1/events", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.client = Client(create_app(built), "GET", path, headers=named)
        self.stir: Callable[[], None] = lambda: None
        self._seen = 0

    async def next(self, topic: str, kind: str, **data: object) -> Any:
        """The data of the next event of that topic and type that has these fields; those before it are passed over."""
        async with asyncio.timeout(5):
            while True:
                events = self.events()
                while self._seen < len(events):
                    self._seen += 1
                    event = events[self._seen - 1]
                    if (event["topic"], event["type"]) == (topic, kind) and data.items() <= event["data"].items():
                        return event["data"]
                await asyncio.sleep(0.001)

    def events(self) -> list[Any]:
        found: list[Any] = []
        for block in self.client.answer.body.decode().split("\n\n"):
            said = dict(line.split(": ", 1) for line in block.splitlines())
            if "data" in said and "error" not in (event := json.loads(said["data"])):
                assert said.get("id") in {None, str(event["seq"])}
                HubEvent.model_validate(event)
                found.append(event)
        return found


@asynccontextmanager
async def hearing(built: Services, path: str = "/api/v1/events", **headers: str) -> AsyncGenerator[Listener]:
    nudge = Nudge()
    feeds = Feeds(built.hub, built.panel, lambda: built.is_ready, nudge)
    listener = Listener(built, path, **headers)
    listener.stir = nudge.event.set
    telling = asyncio.create_task(feeds.run())
    running = asyncio.create_task(listener.client.run())
    try:
        yield listener
    finally:
        listener.client.leave()
        telling.cancel()
        await asyncio.wait([running, telling])


def status(state: Any = "ready", **more: Any) -> WorkerStatus:
    return WorkerStatus("m", state, served=model(), slots=2, **more)


async def test_models_requests_and_figures_as_they_stand_and_as_they_change() -> None:
    statuses = {"m": status()}
    built = services(statuses=statuses)
    async with hearing(built) as listener:
        assert (await listener.next("metrics", "snapshot"))["slots"] == {"busy": 0, "total": 2}
        (told,) = (await listener.next("models", "snapshot"))["models"]
        assert (told["id"], told["state"], told["active"]) == ("m", "ready", 0)
        assert await listener.next("requests", "snapshot") == {"requests": []}
        statuses["m"] = status(active=1, waiting=3)
        ticket = Ticket("generation", LOCAL, "m")
        ticket.note(Prefill(8, 2, 6))
        with built.requests.under_way(ticket, "req-1", lambda _: None):
            await listener.next("models", "changed", active=1, waiting=3)
            await listener.next("requests", "changed", id="req-1", phase="prefill", prefilled_tokens=6)
            sample = await listener.next("metrics", "sample", queue_length=0)
            assert sample["requests"]["running"] == 1
            for _ in range(4):
                ticket.note(TextDelta("x"))
            listener.stir()
            await listener.next("requests", "changed", output_tokens=4)
        listener.stir()
        assert await listener.next("requests", "gone") == {"number": ticket.number}
        del statuses["m"]
        listener.stir()
        assert await listener.next("models", "gone") == {"id": "m"}
    assert built.requests.counted() == {"m": (4, 4)}


async def test_a_state_that_changes_is_told_at_once_with_the_figures() -> None:
    statuses = {"m": status("starting")}
    async with hearing(services(statuses=statuses)) as listener:
        await listener.next("metrics", "sample")
        for state in ("ready", "stopping", "unloaded"):
            statuses["m"] = status(state)
            listener.stir()
            await listener.next("models", "changed", state=state)
            assert (await listener.next("metrics", "sample"))["models"][0]["state"] == state
        samples = [event["data"]["at"] for event in listener.events() if event["type"] == "sample"]
        assert samples[-1] - samples[0] < EVERY * 3  # what three samples take when nothing happens


async def test_nothing_is_looked_at_while_nobody_listens() -> None:
    built = services()
    looked = False

    class Watched(Pool):
        def models(self) -> list[WorkerStatus]:
            nonlocal looked
            looked = True
            return super().models()

    panel = Panel(
        cast("RealPool", Watched(says("Hello"))),
        built.requests,
        built.streams,
        Metrics(bool),
        sampler(),
        lambda: built.settings,
    )
    running = asyncio.create_task(Feeds(built.hub, panel, lambda: True, Nudge()).run())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not looked
    running.cancel()
    await asyncio.wait([running])


async def test_a_crowd_that_changes_at_once_is_told_one_by_one() -> None:
    built = services()
    tickets = [Ticket("generation", LOCAL, "m") for _ in range(1500)]
    with ExitStack() as under_way:
        for number, ticket in enumerate(tickets):
            under_way.enter_context(built.requests.under_way(ticket, f"r{number}", lambda _: None))
        async with hearing(built, "/api/v1/events?topics=requests") as listener:
            await listener.next("requests", "snapshot")
            for ticket in tickets:
                ticket.note(TextDelta("x"))
            listener.stir()
            await listener.next("requests", "changed", id="r1499", output_tokens=1)
            assert "resync" not in {event["type"] for event in listener.events()}


async def test_what_cannot_be_told_once_is_told_the_next_time() -> None:
    built = services()
    broken = True

    class Breaking(Pool):
        def models(self) -> list[WorkerStatus]:
            if broken:
                raise OSError("the disk is away")
            return [status()]

    panel = Panel(
        cast("RealPool", Breaking(says("Hello"))),
        built.requests,
        built.streams,
        Metrics(bool),
        sampler(),
        lambda: built.settings,
    )
    nudge = Nudge()
    running = asyncio.create_task(Feeds(built.hub, panel, lambda: True, nudge).run())
    wanted = Listening(frozenset({"requests"}))
    with capture_logs() as logged:
        async with aclosing(built.hub.listen(wanted)) as batches:
            await anext(batches)
            async with asyncio.timeout(5):
                while not logged:
                    await asyncio.sleep(0.001)
    assert logged[0]["event"] == "figures_not_told"
    async with aclosing(built.hub.listen(wanted)) as batches:
        await anext(batches)
        broken = False
        ticket = Ticket("generation", LOCAL, "m")
        with built.requests.under_way(ticket, "r", lambda _: None):
            async with asyncio.timeout(5):
                (told,) = await anext(batches)
        assert told.type == "changed"
    running.cancel()
    await asyncio.wait([running])


async def test_what_only_a_snapshot_has_shown_is_told_when_it_ends() -> None:
    built = services(statuses={"m": status()})
    feeds = Feeds(built.hub, built.panel, lambda: True, Nudge())
    ticket = Ticket("generation", LOCAL, "m")
    async with aclosing(built.hub.listen(Listening(frozenset({"requests"})))) as batches:
        with built.requests.under_way(ticket, "r", lambda _: None):
            told = [*await anext(batches)]
        running = asyncio.create_task(feeds.run())
        async with asyncio.timeout(5):
            while told[-1].type != "gone":
                told += await anext(batches)
    assert [message.type for message in told] == ["snapshot", "changed", "gone"]
    assert told[-1].data == {"number": ticket.number}
    running.cancel()
    await asyncio.wait([running])


async def test_who_comes_back_is_told_what_changed_meanwhile() -> None:
    statuses = {"m": status()}
    built = services(statuses=statuses)
    async with hearing(built, "/api/v1/events?topics=models") as listener:
        await listener.next("models", "changed")
        last = listener.events()[-1]["seq"]
    statuses["m"] = status("failed", reason="it fell")
    async with hearing(built, "/api/v1/events?topics=models", last_event_id=str(last)) as listener:
        assert (await listener.next("models", "changed"))["reason"] == "it fell"
        assert [event["type"] for event in listener.events()] == ["changed"]
    async with hearing(built, "/api/v1/events?topics=models", last_event_id="1") as listener:
        assert await listener.next("models", "resync") == {}
        assert (await listener.next("models", "snapshot"))["models"][0]["state"] == "failed"


async def people(made: Access) -> dict[str, str]:
    """A key for each role, by its name."""
    await made.people.found("chief", GOOD)
    for role in ("viewer", "member"):
        await made.people.add(role, GOOD, role)
    people: tuple[tuple[Role, str], ...] = (("viewer", "viewer"), ("member", "member"), ("admin", "chief"))
    secrets = {role: (await made.keys.create(NewKey("k", name, role)))[1] for role, name in people}
    made.changed()
    return secrets


async def test_what_each_role_hears_of(tmp_path: Path) -> None:
    """A viewer hears of models and figures, a member of its own requests too, an admin of all."""
    with access(tmp_path) as made:
        secrets = await people(made)
        built = services(access=made)
        mine, other = Ticket("generation", Caller("member"), "m"), Ticket("generation", Caller("chief"), "m")
        with (
            built.requests.under_way(mine, "mine", lambda _: None),
            built.requests.under_way(other, "other", lambda _: None),
        ):
            for role, topics, ids in (
                ("viewer", {"metrics", "models"}, []),
                ("member", {"metrics", "models", "requests"}, ["mine"]),
                ("admin", {"metrics", "models", "requests"}, ["mine", "other"]),
            ):
                async with hearing(built, x_api_key=secrets[role]) as listener:
                    await listener.next("models", "snapshot")
                    if role != "viewer":
                        told = (await listener.next("requests", "snapshot"))["requests"]
                        assert [each["id"] for each in told] == ids
                    else:
                        await listener.next("metrics", "sample")
                    assert {event["topic"] for event in listener.events()} == topics
                    mentioned = {
                        e["data"]["id"] for e in listener.events() if e["topic"] == "requests" and "id" in e["data"]
                    }
                    assert mentioned <= set(ids)
        app = create_app(built)
        for role, topic in (
            ("viewer", "requests"),
            ("viewer", "logs"),
            ("member", "downloads"),
            ("member", "metrics,bench"),
        ):
            refused = await call(app, "GET", f"/api/v1/events?topics={topic}", x_api_key=secrets[role])
            assert refused.error[:2] == (403, "permission_error")
        assert (await call(app, "GET", "/api/v1/events")).status == 401
    assert TOPIC_RIGHTS.keys() == set(TOPICS)


async def test_without_a_name_only_where_an_admin_needs_none(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        built = services(access=made)
        async with hearing(built, "/api/v1/events?topics=requests,models") as listener:
            await listener.next("requests", "snapshot")
        await made.people.found("chief", GOOD)
        made.changed()
        refused = await call(create_app(built), "GET", "/api/v1/events?topics=logs")
        assert refused.error[0] == 401
        others = Ticket("generation", Caller("chief"), "m")
        with built.requests.under_way(others, "other", lambda _: None):
            async with hearing(built, "/api/v1/events?topics=requests") as listener:
                assert await listener.next("requests", "snapshot") == {"requests": []}


async def test_what_is_asked_for_wrongly() -> None:
    app = create_app(services())
    for query, param in (("topics=models,sports", "topics"), ("log_after=soon", "log_after")):
        refused = await call(app, "GET", f"/api/v1/events?{query}")
        assert (refused.status, refused.error[3]) == (400, param)


async def test_a_stream_ends_with_its_credential(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        session, token = await made.people.log_in("chief", GOOD, HERE)
        built = services(access=made)
        client = Client(create_app(built), "GET", "/api/v1/events", headers={"cookie": f"dovetail={token}"})
        running = asyncio.create_task(client.run())
        await client.sent.wait()
        await look(made, built.requests, built.streams)
        assert not running.done()
        assert await made.people.log_out(session.id)
        await look(made, built.requests, built.streams)
        assert (await running).frames()[-1]["error"]["code"] == "access_revoked"
