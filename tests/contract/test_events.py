"""The one stream of events of a real server, for models of both engines."""

import aiohttp
import pytest

from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.telemetry.hub import TOPICS

from .events import Events, opened

pytestmark = pytest.mark.anyio


async def test_a_request_and_its_model_are_seen_as_they_go(http: aiohttp.ClientSession, model: str) -> None:
    async with opened(http, "/api/v1/events?topics=models,requests,metrics") as events:
        await events.until("models", "snapshot")
        await events.until("requests", "snapshot")
        message = {"role": "user", "content": "A secret of mine"}
        body = {"model": model, "stream": True, "max_tokens": 4000, "ignore_eos": True, "messages": [message]}
        async with http.post("/v1/chat/completions", json=body, headers={"x-request-id": f"seen-{model}"}) as answer:
            assert answer.status == 200
            told = await events.until("requests", "changed", id=f"seen-{model}", phase="decoding")
            assert (told["model"], told["kind"]) == (model, "generation")
            await events.until("models", "changed", id=model, state="ready", active=1)
            assert (await events.until("metrics", "sample"))["slots"]["busy"] >= 1
            last = events.last_id
        await events.until("requests", "gone", number=told["number"])
        for event in events.seen:
            HubEvent.model_validate(event)
            assert "secret of mine" not in str(event)
    # What came after the last one seen comes again, and nothing before it.
    async with opened(http, "/api/v1/events?topics=requests", **{"last-event-id": str(last)}) as again:
        await again.until("requests", "gone", number=told["number"])
        assert all(event["seq"] > int(str(last)) for event in again.seen)


async def test_every_topic_begins_with_how_it_stands(http: aiohttp.ClientSession) -> None:
    async with opened(http, "/api/v1/events") as events:
        while len(_snapshots(events)) < len(TOPICS):
            HubEvent.model_validate(await events.next())
        assert _snapshots(events) == set(TOPICS)
        lines = next(each["data"]["lines"] for each in events.seen if each["topic"] == "logs")
        assert lines
    newest = lines[-1]["number"]
    async with opened(http, f"/api/v1/events?topics=logs&log_after={newest}") as events:
        (first,) = [await events.until("logs", "snapshot")]
        assert all(line["number"] > newest for line in first["lines"])


def _snapshots(events: Events) -> set[str]:
    return {event["topic"] for event in events.seen if event["type"] == "snapshot"}
