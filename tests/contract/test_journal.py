"""What a real server has kept of a request, on both engines, and its log as `curl -N` reads it."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

ASK = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0, "max_tokens": 12}


async def kept(http: aiohttp.ClientSession, request_id: str, model: str) -> Any:
    """The entry of that request; it is written when its client may have read its end already."""
    async with asyncio.timeout(20):
        while True:
            async with http.get("/api/v1/journal", params={"model": model}) as answer:
                found = [entry for entry in (await answer.json())["data"] if entry["request_id"] == request_id]
            if found:
                (entry,) = found
                return entry
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
async def test_every_figure_of_a_request(http: aiohttp.ClientSession, model: str, *, stream: bool) -> None:
    name = f"journal-{model}-{stream}"
    headers = {"x-request-id": name}
    async with http.post(
        "/v1/chat/completions", json={**ASK, "model": model, "stream": stream}, headers=headers
    ) as got:
        assert got.headers["x-request-id"] == name
        body = await got.text()
    entry = await kept(http, name, model)
    assert (entry["status"], entry["error"], entry["endpoint"]) == (200, None, "/v1/chat/completions")
    assert (entry["streamed"], entry["caller"], entry["choices"]) == (stream, "local", 1)
    assert entry["finish"] in {"stop", "length"}
    assert entry["prompt_tokens"] > entry["cached_tokens"] >= 0
    assert 0 < entry["ttft"] <= entry["duration"]
    assert entry["queued"] + entry["loading"] <= entry["ttft"]
    assert 0 < entry["prefill"] <= entry["duration"]
    assert 0 < entry["decode"] <= entry["duration"]
    assert entry["speed"] > 0
    assert entry["prompt_speed"] > 0
    if not stream:
        answer = json.loads(body)
        usage = answer["usage"]
        assert (entry["id"], entry["finish"]) == (answer["id"], answer["choices"][0]["finish_reason"])
        assert (entry["prompt_tokens"], entry["completion_tokens"]) == (
            usage["prompt_tokens"],
            usage["completion_tokens"],
        )
        assert entry["cached_tokens"] == usage["prompt_tokens_details"]["cached_tokens"]


async def test_embeddings_and_what_fails_are_in_it(http: aiohttp.ClientSession, model: str) -> None:
    name = f"embedding-{model}"
    body = {"model": model, "input": "Paris"}
    async with http.post("/v1/embeddings", json=body, headers={"x-request-id": name}) as got:
        assert got.status == 200
    entry = await kept(http, name, model)
    assert (entry["kind"], entry["endpoint"], entry["completion_tokens"]) == ("embedding", "/v1/embeddings", 0)
    assert entry["prompt_tokens"] > 0
    failing = {**ASK, "model": model, "messages": [{"role": "user", "content": "long " * 200_000}]}
    async with http.post("/v1/chat/completions", json=failing, headers={"x-request-id": f"failing-{model}"}) as got:
        assert got.status == 400
    entry = await kept(http, f"failing-{model}", model)
    assert (entry["status"], entry["error"]) == (400, "context_length_exceeded")


@asynccontextmanager
async def curled(url: str) -> AsyncGenerator[asyncio.StreamReader]:
    curl = shutil.which("curl")
    assert curl is not None
    child = await asyncio.create_subprocess_exec(curl, "-sN", url, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        yield child.stdout
    finally:
        child.kill()
        await child.wait()


@pytest.mark.accept("A12", "L5")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_reads_the_log_as_it_is_written(server: Running, http: aiohttp.ClientSession, model: str) -> None:
    """`curl -N ADDRESS/logs/stream`: a request that ends is a line, with the figures that `jq` reads."""
    name = f"curl-{model}"
    async with curled(f"{server.url}/logs/stream?backlog=0&model={model}") as lines, asyncio.timeout(30):
        assert await lines.readline() == b"retry: 1000\n"
        async with http.post("/v1/chat/completions", json={**ASK, "model": model}, headers={"x-request-id": name}):
            pass
        while True:
            line = await lines.readline()
            if line.startswith(b"data: "):
                said = json.loads(line.removeprefix(b"data: "))
                if said.get("request_id") == name and said["message"] == "request":
                    break
    assert {"timestamp", "level", "duration_ms", "ttft_ms", "completion_tokens"} <= said.keys()
    assert said["model"] == model
    assert "France" not in json.dumps(said)
