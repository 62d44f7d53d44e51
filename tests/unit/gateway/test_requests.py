"""Requests as those see them who run the server."""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from dovetail.core.model import Model
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.app import create_app
from dovetail.gateway.services import Services
from dovetail.gateway.sse import Timing

from ..fleet.fakes import until  # noqa: TID252  one set of stand-ins for the folders that need them
from .fakes import Answer, Client, call, loading_for_ever, model, services

pytestmark = pytest.mark.anyio

ASK = {"model": "m", "prompt": "a secret", "max_tokens": 5}
STATUS = WorkerStatus("m", "ready", None, 512, served=Model("m", "mlx", Path("/models/m")))
PATHS = ["/v1/completions", "/v1/embeddings", "/tokenize"]


def waiting() -> tuple[Services, ASGIApp]:
    """A server on which every request waits for a load without end."""
    parts = services(None, model(), progress=loading_for_ever(), statuses={"m": STATUS})
    return parts, create_app(parts)


async def begun(app: ASGIApp, parts: Services, path: str = "/v1/completions") -> asyncio.Task[Answer]:
    body = {**ASK, "input": "a secret", "content": "a secret"} if path != "/v1/completions" else ASK
    client = Client(app, "POST", path, [json.dumps(body).encode()], {"x-request-id": "mine"})
    task = asyncio.ensure_future(client.run())
    await until(lambda: any(ticket.id == "mine" and ticket.phase == "loading" for ticket in parts.requests))
    return task


async def test_a_request_is_listed_with_its_fields_and_without_its_text() -> None:
    parts, app = waiting()
    running = await begun(app, parts)
    listed = await call(app, "GET", "/api/v1/requests")
    (shown,) = listed.json()["data"]
    assert (shown["id"], shown["kind"], shown["model"], shown["phase"]) == ("mine", "generation", "m", "loading")
    assert shown["params"] == {"model": "m", "prompt": {"characters": 8}, "max_tokens": 5}
    parts.requests.cut()
    await running


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_is_ended_by_its_id_in_its_dialects_words(path: str) -> None:
    parts, app = waiting()
    running = await begun(app, parts, path)
    answer = await call(app, "POST", "/api/v1/requests/mine/cancel")
    assert (answer.status, answer.json()) == (200, {"cancelled": 1})
    assert (await running).error == (499, "server_error", "cancelled", None)
    assert not list(parts.requests)
    again = await call(app, "POST", "/api/v1/requests/mine/cancel")
    assert again.error == (404, "invalid_request_error", "request_not_found", None)


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_has_a_time_in_all(path: str) -> None:
    parts = services(None, model(), progress=loading_for_ever(), timing=Timing(whole=0.05))
    body = {"model": "m", "prompt": "x", "input": "x", "content": "x"}
    answer = await call(create_app(parts), "POST", path, body)
    assert answer.error[0] == 504
    assert answer.error[2] == "request_timeout"


async def test_processes_are_an_array_or_a_map() -> None:
    parts, app = waiting()
    running = await begun(app, parts)
    (process,) = (await call(app, "GET", "/management/processes")).json()["processes"]
    queue = process.pop("current_queue")
    assert process == {
        "model_id": "100",
        "model_name": "m",
        "model_path": "/models/m",
        "model_type": "mlx",
        "context_length": 512,
        "process_id": None,
        "cpu_usage": None,
        "memory_usage": None,
    }
    task = queue["queues"]["mine"]
    assert (queue["request_queue_size"], queue["response_queue_size"]) == (1, 0)
    assert task["completions_stream"]["max_tokens"] == 5
    assert task["start_time"] > 0
    by_name = (await call(app, "GET", "/management/processes?format=map")).json()["processes"]
    assert by_name["m"]["model_id"] == "100"
    assert (await call(app, "GET", "/management/processes?format=xml")).error[3] == "format"
    parts.requests.cut()
    await running


async def test_a_model_of_another_kind_is_shown_as_what_it_is() -> None:
    elsewhere = Model("m", "remote", Path())
    status = WorkerStatus("m", "starting", served=elsewhere)
    parts = services(None, elsewhere, progress=loading_for_ever(), statuses={"m": status})
    app = create_app(parts)
    running = await begun(app, parts)
    (process,) = (await call(app, "GET", "/management/processes")).json()["processes"]
    assert process["model_type"] == "remote"
    parts.requests.cut()
    await running


@pytest.mark.parametrize(
    ("headers", "body", "ends"),
    [
        ({}, {"timeout": 0}, True),
        ({"x_model_id": "100"}, {"timeout": 0}, True),
        ({"x_model_id": "m"}, {"timeout": 0}, True),
        ({"x_model_id": "7"}, {"timeout": 0, "model": "m"}, True),
        ({}, {"timeout": 3600}, False),
    ],
)
async def test_a_clean_up_ends_what_is_old_enough(headers: dict[str, str], body: dict[str, object], ends: bool) -> None:
    parts, app = waiting()
    running = await begun(app, parts)
    answer = await call(app, "POST", "/management/process/clean-up", body, **headers)
    assert (answer.status, answer.json()) == (200, {"process_clean_up": "success"})
    if not ends:
        assert len(list(parts.requests)) == 1
        parts.requests.cut()
    assert (await running).error[2] == ("cancelled" if ends else "shutting_down")


async def test_a_number_that_no_process_has_lists_those_that_there_are() -> None:
    _, app = waiting()
    answer = await call(app, "POST", "/management/process/clean-up", {"timeout": 1}, x_model_id="3")
    assert answer.error == (400, "invalid_request_error", "invalid_request", "X-Model-Id")
    assert "100: m" in answer.json()["error"]["message"]
    unknown = await call(app, "POST", "/management/process/clean-up", {"timeout": 1}, x_model_id="other")
    assert unknown.error[0] == 404
