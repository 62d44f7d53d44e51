"""What a server tells of a worker that dies, of prompt caches and of limits: real workers of both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ..serving.running import Running, running  # noqa: TID252  one server for the tests of processes

pytestmark = pytest.mark.anyio

WITHIN = 60.0
ENVIRONMENT = {
    "DOVETAIL_LOAD__CONTEXT": "4096",
    "DOVETAIL_LOAD__WARMUP": "false",
    "DOVETAIL_ACCESS__CALLER_ANSWERS": "1",
}
STORY = " ".join(f"Anna saw the river {number} times." for number in range(90))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("home"), environment=ENVIRONMENT) as process:
        yield process


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(WITHIN)) as session:
        yield session


@pytest.fixture(params=["tiny-gguf", "tiny-mlx"])
def model(request: pytest.FixtureRequest) -> str:
    return request.param


def body(model: str, text: str = "Hi", **fields: object) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 4,
        "temperature": 0,
        **fields,
    }


async def sample(http: aiohttp.ClientSession, name: str, **labels: str) -> float:
    """The sum of those that have these labels."""
    async with http.get("/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def test_a_worker_that_is_killed_is_counted(server: Running, http: aiohttp.ClientSession, model: str) -> None:
    async with http.post("/v1/chat/completions", json=body(model)) as answer:
        assert answer.status == 200
    assert await sample(http, "dovetail_worker_restarts_total", model=model) == 0
    (await server.worker(http, model)).kill()
    async with asyncio.timeout(WITHIN):
        while await sample(http, "dovetail_model_load_seconds_count", model=model) < 2:
            await asyncio.sleep(0.05)
    assert await sample(http, "dovetail_worker_restarts_total", model=model) == 1
    assert await sample(http, "dovetail_model_state", model=model, state="ready") == 1
    assert await sample(http, "dovetail_model_memory_reserved_bytes", model=model) > 0


async def test_what_a_cache_had_is_counted(http: aiohttp.ClientSession, model: str) -> None:
    hits = await sample(http, "dovetail_prompt_cache_requests_total", model=model, result="hit")
    cached = await sample(http, "dovetail_cached_tokens_total", model=model)
    for question in ("Why?", "When?"):
        async with http.post("/v1/chat/completions", json=body(model, f"{STORY} {question}")) as answer:
            assert answer.status == 200
            usage = (await answer.json())["usage"]
    had = usage["prompt_tokens_details"]["cached_tokens"]
    assert had > 500
    assert await sample(http, "dovetail_prompt_cache_requests_total", model=model, result="hit") == hits + 1
    assert await sample(http, "dovetail_cached_tokens_total", model=model) == cached + had


async def test_prompt_caches_on_disk_are_measured(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post("/v1/chat/completions", json=body(model, STORY)) as answer:
        assert answer.status == 200
    async with http.post("/models/unload", json={"model": model}) as answer:
        assert answer.status == 200
    async with asyncio.timeout(WITHIN):  # the folder is looked at every five seconds
        while not await sample(http, "dovetail_kv_store_files"):
            await asyncio.sleep(0.1)
    assert 0 < await sample(http, "dovetail_kv_store_bytes") < await sample(http, "dovetail_kv_store_limit_bytes")


async def test_a_limit_that_is_hit_is_counted(http: aiohttp.ClientSession) -> None:
    long = body("tiny-gguf", stream=True, max_tokens=4000, ignore_eos=True)
    async with http.post("/v1/chat/completions", json=long) as running_one:
        assert running_one.status == 200
        async with http.post("/v1/chat/completions", json=body("tiny-gguf")) as refused:
            assert refused.status == 429
    assert await sample(http, "dovetail_limits_hit_total", code="too_many_answers") == 1
