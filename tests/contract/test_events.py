"""The one stream of events of a real server, for models of both engines."""

import aiohttp
import pytest

from dovetail.gateway.admin.events import HubEvent

from .events import opened

pytestmark = pytest.mark.anyio


async def test_a_request_and_its_model_are_seen_as_they_go(http: aiohttp.ClientSession, model: str) -> None:
    async with opened(http, "/api/v1/events?topics=models,requests,metrics") as events:
        await events.until("models", "snapshot")
        await events.until("requests", "snapshot")
        message = {"role": "user", "content": "Hi"}
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
    # What came after the last one seen comes again, and nothing before it.
    async with opened(http, "/api/v1/events?topics=requests", **{"last-event-id": str(last)}) as again:
        await again.until("requests", "gone", number=told["number"])
        assert all(event["seq"] > int(str(last)) for event in again.seen)
