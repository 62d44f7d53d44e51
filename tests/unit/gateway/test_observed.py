"""What the gateway reports of each answer, and of the request behind it."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest
from dovetail.gateway.app import create_app
from dovetail.gateway.sse import Timing

from ..serving.fakes import Recorder  # noqa: TID252  one set of stand-ins for the folders that need them
from .fakes import Client, call, loading_for_ever, model, services

pytestmark = pytest.mark.anyio

ASK = {"model": "m", "prompt": "a secret", "max_tokens": 5}


def told(recorder: Recorder) -> tuple[str, str, int, str | None]:
    (answer,) = recorder.answers
    assert answer.seconds > 0
    return answer.method, answer.endpoint, answer.status, answer.error


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_and_its_request(*, streamed: bool) -> None:
    recorder = Recorder()
    app = create_app(services(observer=recorder))
    body = {**ASK, "stream": streamed}
    await call(app, "POST", "/v1/completions", body, x_request_id="mine")
    assert told(recorder) == ("POST", "/v1/completions", 200, None)
    (record,) = recorder.records
    assert (record.request_id, record.endpoint, record.status) == ("mine", "/v1/completions", 200)
    assert record.streamed is streamed
    assert record.began > 1e9


@pytest.mark.parametrize(
    ("method", "path", "body", "outcome"),
    [
        ("GET", "/health", None, ("/health", 200, None)),
        ("GET", "/v1/models/nobody", None, ("/v1/models/{name:path}", 404, "model_not_found")),
        ("GET", "/nowhere", None, ("", 404, "not_found")),
        ("POST", "/v1/completions", {"model": "m"}, ("/v1/completions", 400, "invalid_request")),
        ("POST", "/v1/completions", {**ASK, "model": "nobody"}, ("/v1/completions", 404, "model_not_found")),
        ("POST", "/v1/embeddings", {"model": "nobody", "input": "x"}, ("/v1/embeddings", 404, "model_not_found")),
    ],
)
async def test_the_route_the_status_and_the_code(
    method: str, path: str, body: object, outcome: tuple[str, int, str | None]
) -> None:
    recorder = Recorder()
    await call(create_app(services(observer=recorder)), method, path, body)
    assert told(recorder) == (method, *outcome)


async def test_a_stranger_is_turned_away_at_the_edge_and_reported() -> None:
    recorder = Recorder()
    await call(create_app(services(observer=recorder)), "GET", "/v1/models", host="evil.example")
    assert told(recorder) == ("GET", "", 421, "unknown_host")


async def test_a_request_that_had_its_time_was_not_left_by_its_client() -> None:
    recorder = Recorder()
    app = create_app(services(None, model(), progress=loading_for_ever(), timing=Timing(whole=0.05), observer=recorder))
    await call(app, "POST", "/v1/completions", ASK)
    assert told(recorder) == ("POST", "/v1/completions", 504, "request_timeout")
    assert (recorder.records[0].error, recorder.records[0].status) == ("request_timeout", 504)


async def test_a_client_that_leaves() -> None:
    recorder = Recorder()

    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("x", index)
        await asyncio.Event().wait()

    app = create_app(services(say, observer=recorder))
    client = Client(app, "POST", "/v1/completions", [json.dumps({**ASK, "stream": True}).encode()])
    asking = asyncio.ensure_future(client.run())
    await client.sent.wait()
    client.leave()
    await asking
    assert told(recorder)[2:] == (200, "client_closed")
    assert (recorder.records[0].error, recorder.records[0].status) == ("client_closed", 499)
