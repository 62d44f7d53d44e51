"""One thing at a time, in order, seen and ended from outside: a server whose models have one slot each."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

ENDLESS = {"prompt": "Once upon a time", "temperature": 0, "ignore_eos": True, "stream": True, "max_tokens": 16_000}
LONG = "one two three four five six seven eight nine ten " * 400
Ticket = dict[str, Any]


@pytest.fixture(scope="module")
async def narrow(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    environment = {"DOVETAIL_LOAD__PARALLEL": "1", "DOVETAIL_LOAD__CONTEXT": "16384", "DOVETAIL_LOAD__BATCH": "8"}
    async with running(tmp_path_factory.mktemp("home"), environment=environment) as process:
        yield process


@pytest.fixture
async def client(narrow: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(narrow.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def listed(client: aiohttp.ClientSession) -> list[Ticket]:
    async with client.get("/api/v1/requests") as response:
        assert response.status == 200
        return (await response.json())["data"]


async def until(client: aiohttp.ClientSession, condition: Callable[[list[Ticket]], bool]) -> list[Ticket]:
    """What is listed once `condition` holds for it."""
    async with asyncio.timeout(30):
        while not condition(found := await listed(client)):
            await asyncio.sleep(0.01)
    return found


def nothing(found: list[Ticket]) -> bool:
    return not found


@asynccontextmanager
async def busy(client: aiohttp.ClientSession, model: str) -> AsyncGenerator[aiohttp.ClientResponse]:
    """A generation without end has the model's only slot; its answer has begun."""
    body = {"model": model, **ENDLESS}
    async with client.post("/v1/completions", json=body, headers={"x-request-id": "endless"}) as response:
        await response.content.readline()
        yield response
    await until(client, nothing)


def asked(model: str) -> list[tuple[str, dict[str, Any]]]:
    """A short request of each kind; a GGUF model embeds in a process of its own."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8}),
        ("/tokenize", {"content": "Hello"}),
        ("/v1/completions", {"prompt": "Hello", "max_tokens": 8}),
        ("/detokenize", {"tokens": [5, 6]}),
    ]
    if model == "tiny-mlx":
        kinds.insert(2, ("/v1/embeddings", {"input": "Hello"}))
    return kinds


@pytest.mark.accept("R7")
async def test_a_process_does_one_thing_after_the_other(client: aiohttp.ClientSession, model: str) -> None:
    done: list[str] = []

    async def send(path: str, body: dict[str, Any]) -> None:
        async with client.post(
            path, json={"model": model, **body}, headers={"x-request-id": path[1:].replace("/", "-")}
        ) as response:
            assert response.status == 200, await response.text()
            assert int(response.headers["x-dovetail-queue"]) >= 1
            await response.read()
            done.append(path)

    kinds = asked(model)
    async with busy(client, model), asyncio.TaskGroup() as tasks:
        for number, (path, body) in enumerate(kinds, start=1):
            tasks.create_task(send(path, body))
            found = await until(client, lambda found, n=number: len(found) == n + 1 and found[-1]["phase"] == "queued")
            assert [ticket["position"] for ticket in found] == list(range(number + 1))
        async with client.post("/api/v1/requests/endless/cancel") as response:
            assert await response.json() == {"cancelled": 1}
    assert sorted(done) == sorted(path for path, _ in kinds)
    # Of two short things the second's answer may be read here before the first's.
    assert [path for path in done if "completions" in path] == ["/v1/chat/completions", "/v1/completions"]


@pytest.mark.accept("A29", "R8", "R10")
async def test_what_each_process_has_to_do_is_seen(client: aiohttp.ClientSession, narrow: Running, model: str) -> None:
    async with busy(client, model):
        body = {"model": model, "prompt": "a secret", "max_tokens": 3, "temperature": 0.25}
        waiting = asyncio.ensure_future(client.post("/v1/completions", json=body, headers={"x-request-id": "waits"}))
        await until(client, lambda found: len(found) == 2 and found[1]["phase"] == "queued")
        async with client.get("/management/processes") as response:
            processes = (await response.json())["processes"]
        (process,) = [one for one in processes if one["model_name"] == model]
        worker = await narrow.worker(client, model)
        assert process["process_id"] == worker.pid
        assert process["model_type"] == {"tiny-gguf": "llama-cpp", "tiny-mlx": "mlx"}[model]
        assert Path(process["model_path"]).exists()
        assert process["context_length"] == 16384
        assert process["memory_usage"] > 1 << 20
        assert process["cpu_usage"] > 0
        queue = process["current_queue"]
        assert (queue["request_queue_size"], queue["response_queue_size"]) == (1, 1)
        assert list(queue["queues"]) == ["endless", "waits"]
        task = queue["queues"]["waits"]
        assert task["completions_stream"] == {
            "model": model, "prompt": {"characters": 8}, "max_tokens": 3, "temperature": 0.25,
        }  # fmt: skip
        assert 0 < task["start_time"] - queue["queues"]["endless"]["start_time"] < 60
        async with client.get("/management/processes?format=map") as response:
            assert (await response.json())["processes"][model]["model_id"] == process["model_id"]
        waiting.cancel()


async def error_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    last = (await response.text()).strip().split("\n")[-1]
    return json.loads(last.removeprefix("data: "))["error"]


@pytest.mark.accept("A30", "R9")
@pytest.mark.parametrize("by", ["name", "number", "field"])
async def test_a_clean_up_ends_old_tasks_running_and_waiting(
    client: aiohttp.ClientSession, model: str, by: str
) -> None:
    async with busy(client, model) as response:
        body = {"model": model, **ENDLESS}
        waiting = asyncio.ensure_future(client.post("/v1/completions", json=body))
        await until(client, lambda found: len(found) == 2 and found[1]["phase"] == "queued")
        async with client.get("/management/processes?format=map") as shown:
            number = (await shown.json())["processes"][model]["model_id"]
        headers = {"name": {"X-Model-Id": model}, "number": {"X-Model-Id": number}, "field": {}}[by]
        named = {"model": model} if by == "field" else {}
        for timeout, left in ((3600, 2), (0, 0)):
            sent = {"timeout": timeout, **named}
            async with client.post("/management/process/clean-up", json=sent, headers=headers) as cleaned:
                assert (cleaned.status, await cleaned.json()) == (200, {"process_clean_up": "success"})
            await until(client, lambda found, left=left: len(found) == left)
        assert (await error_of(response))["code"] == "cancelled"
        refused = await waiting
        assert (refused.status, (await error_of(refused))["code"]) == (499, "cancelled")
    async with client.post("/v1/completions", json={"model": model, "prompt": "Hello", "max_tokens": 2}) as after:
        assert after.status == 200, "the slot is free"


@pytest.mark.accept("R9")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/tokenize"])
async def test_who_leaves_the_line_is_gone_at_once(client: aiohttp.ClientSession, model: str, path: str) -> None:
    async with busy(client, model):
        body = dict(asked(model))[path]
        waiting = asyncio.ensure_future(client.post(path, json={"model": model, **body}))
        await until(client, lambda found: len(found) == 2 and found[1]["phase"] == "queued")
        waiting.cancel()
        (left,) = await until(client, lambda found: len(found) == 1)
        assert left["id"] == "endless"


@pytest.mark.accept("R9")
async def test_who_leaves_while_its_prompt_is_read_frees_the_slot(client: aiohttp.ClientSession, model: str) -> None:
    body = {"model": model, "prompt": LONG, "max_tokens": 2, "stream": True}
    reading = asyncio.ensure_future(client.post("/v1/completions", json=body))
    await until(client, lambda found: bool(found) and found[0]["phase"] == "prefill")
    reading.cancel()
    await until(client, nothing)
    async with client.post("/v1/completions", json={"model": model, "prompt": "Hello", "max_tokens": 2}) as after:
        assert after.status == 200


@pytest.mark.accept("R9")
@pytest.mark.parametrize("path", ["/v1/completions", "/models/load"])
async def test_who_leaves_during_a_load_ends_it(client: aiohttp.ClientSession, model: str, path: str) -> None:
    async with client.post("/models/unload", json={"model": model}) as response:
        assert response.status in {200, 400}
    body = {"model": model} if path == "/models/load" else {"model": model, **ENDLESS}
    loading = asyncio.ensure_future(client.post(path, json=body))
    await until(client, lambda found: bool(found) and found[0]["phase"] == "loading")
    loading.cancel()
    await until(client, nothing)
    async with client.get(f"/health?model={model}") as response:
        assert (await response.json())["waiting"] == 0
    async with client.post("/v1/completions", json={"model": model, "prompt": "Hello", "max_tokens": 2}) as after:
        assert after.status == 200


@pytest.mark.accept("R13")
async def test_one_connection_carries_many_requests_and_each_has_its_time(tmp_path: Path) -> None:
    made = 0

    async def count(*_: object) -> None:
        nonlocal made
        made += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    environment = {
        "DOVETAIL_SERVER__REQUEST_TIMEOUT": "1.5",
        "DOVETAIL_LOAD__PARALLEL": "1",
        "DOVETAIL_FLEET__QUEUE_TIMEOUT": "0.3",
    }
    async with (
        running(tmp_path, environment=environment) as server,
        aiohttp.ClientSession(server.url, trace_configs=[trace]) as session,
    ):
        short = {"model": "tiny-gguf", "prompt": "Hello", "max_tokens": 2}
        for number in range(10):
            async with session.post("/v1/completions", json=short | {"stream": number % 2 == 1}) as response:
                assert response.status == 200
                await response.read()
        assert made == 1
        async with session.post("/v1/completions", json={"model": "tiny-gguf", **ENDLESS}) as endless:
            await endless.content.readline()
            async with session.post("/v1/completions", json=short) as refused:
                assert (refused.status, (await error_of(refused))["code"]) == (503, "queue_timeout")
                assert int(refused.headers["retry-after"]) >= 1
            assert (await error_of(endless))["code"] == "request_timeout"
