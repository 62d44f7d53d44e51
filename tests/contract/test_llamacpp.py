"""llama-server's own routes beside completions and tokens, on both engines."""

import asyncio
import json
from array import array
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp
import openai
import pytest

from dovetail.gateway.dialects.llamacpp.embedding import scaled

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "What is the capital of France?"}]
CUP: dict[str, Any] = {
    "type": "function",
    "function": {"name": "fill_cup", "parameters": {"type": "object", "properties": {}}},
}


async def post(http: aiohttp.ClientSession, path: str, **sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


async def test_the_template_is_what_the_model_reads(http: aiohttp.ClientSession, model: str) -> None:
    asked = {"model": model, "messages": ASKED, "tools": [CUP]}
    status, found = await post(http, "/apply-template", **asked)
    assert (status, list(found)) == (200, ["prompt"])
    assert all(text in found["prompt"] for text in (ASKED[0]["content"], "fill_cup", "<|im_start|>user"))
    _, tokens = await post(http, "/tokenize", model=model, content=found["prompt"])
    _, counted = await post(http, "/v1/chat/completions/input_tokens", **asked)
    assert len(tokens["tokens"]) == counted["input_tokens"]
    _, plain = await post(http, "/apply-template", model=model, messages=ASKED)
    _, written = await post(http, "/completion", model=model, prompt=plain["prompt"], temperature=0, n_predict=40)
    _, chatted = await post(http, "/chat/completions", model=model, messages=ASKED, temperature=0, max_tokens=40)
    message = chatted["choices"][0]["message"]
    assert (message["content"] or message["reasoning_content"]) in written["content"]


@pytest.mark.field("/embedding model", "/embedding content", "/embedding embd_normalize", "/embedding adapter")
async def test_vectors_at_the_length_that_is_asked_for(
    http: aiohttp.ClientSession, sdk: openai.AsyncOpenAI, model: str
) -> None:
    texts = ["The cat sat.", "A dog ran away."]
    by_sdk = (await sdk.embeddings.create(model=model, input=texts, encoding_format="float")).data
    for path in ("/embedding", "/embeddings"):
        status, found = await post(http, path, model=model, content=texts)
        assert (status, [each["index"] for each in found]) == (200, [0, 1])
        for mine, other in zip(found, by_sdk, strict=True):
            assert mine["embedding"][0] == pytest.approx(other.embedding, abs=1e-3)

    async def one(**fields: Any) -> list[float]:
        _, found = await post(http, "/embedding", model=model, **{"input": texts[0], **fields})
        return found[0]["embedding"][0]

    raw = await one(embd_normalize=-1)
    assert sum(number**2 for number in raw) != pytest.approx(1, rel=0.01)
    assert max(map(abs, await one(embd_normalize=0))) == pytest.approx(32760)
    assert sum(map(abs, await one(embd_normalize=1))) == pytest.approx(1, rel=1e-4)
    assert sum(number**2 for number in await one()) == pytest.approx(1, rel=1e-4)
    assert sum(abs(number) ** 3 for number in await one(embd_normalize=3)) == pytest.approx(1, rel=1e-4)
    assert await one(adapter="shout") != await one()
    _, tokens = await post(http, "/tokenize", model=model, content=texts[0], add_special=model == "tiny-gguf")
    assert await one(input=tokens["tokens"]) == pytest.approx(await one(), abs=1e-3)
    assert (await post(http, "/embedding", model=model, content=[""]))[1]["error"]["param"] == "content[0]"


def test_a_vector_of_nothing_and_one_of_much() -> None:
    assert scaled(array("f", [0.0, 0.0]).tobytes(), 3) == [0.0, 0.0]
    assert scaled(array("f", [3e38, 0.0]).tobytes(), 64) == pytest.approx([1.0, 0.0])


async def test_the_places_of_a_model(http: aiohttp.ClientSession, model: str) -> None:
    await post(http, "/models/load", model=model)

    async def slots(**asked: str) -> tuple[int, Any]:
        async with http.get("/slots", params={"model": model, **asked}) as answer:
            return answer.status, await answer.json()

    async with http.get("/props", params={"model": model}) as answer:
        props = await answer.json()
    status, free = await slots(fail_on_no_slot="1")
    assert (status, len(free)) == (200, props["total_slots"])
    assert {each["n_ctx"] for each in free} == {props["default_generation_settings"]["n_ctx"]}
    assert not any(each["is_processing"] or each["id_task"] >= 0 for each in free)
    sent = {"model": model, "prompt": "Once", "n_predict": 2000, "stream": True, "ignore_eos": True}
    async with http.post("/completion", json=sent) as stream:
        await stream.content.readline()
        async with asyncio.timeout(30):
            while not (busy := [each for each in (await slots())[1] if each["is_processing"]]):
                pass
        assert busy[0]["id_task"] > 0
        async with http.get("/api/v1/requests") as answer:
            assert busy[0]["id_task"] in {each["number"] for each in (await answer.json())["data"]}
        stream.close()
    await post(http, "/models/unload", model=model)
    assert await slots() == (200, [])
    status, error = await slots(fail_on_no_slot="1")
    assert (status, error["error"]["code"]) == (503, "busy")


async def test_the_adapters_of_a_model_by_number(http: aiohttp.ClientSession, model: str) -> None:
    async with http.get("/lora-adapters", params={"model": model}) as answer:
        listed = await answer.json()
    assert {"id": 0, "path": "shout", "scale": 0.0} in listed
    for wrong in ([{"id": 0, "scale": 0.5}], [{"id": 99, "scale": 1}], {"id": 0}, [{"id": 0}]):
        async with http.post("/lora-adapters", params={"model": model}, json=wrong) as answer:
            assert (answer.status, (await answer.json())["error"]["param"] or "")[0] == 400
    async with http.post("/lora-adapters", params={"model": model}, json=[{"id": 0, "scale": 0}]) as answer:
        assert (answer.status, await answer.json()) == (200, {"success": True}), "what is so already"


async def _events(answer: aiohttp.ClientResponse) -> AsyncGenerator[Any]:
    async for line in answer.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


async def test_what_happens_to_models_is_told(http: aiohttp.ClientSession, model: str) -> None:
    await post(http, "/models/unload", model=model)
    async with asyncio.timeout(60), http.get("/models/sse") as answer, aclosing(_events(answer)) as events:
        loading = asyncio.create_task(post(http, "/models/load", model=model))
        seen: list[str] = []
        async for event in events:
            if event["model"] == model and event["event"] == "model_status":
                seen.append(event["data"]["status"])
            if seen[-1:] == ["loaded"] and loading.done():
                break
        await loading
        await post(http, "/models/unload", model=model)
        async for event in events:
            if event["model"] == model and event["data"]["status"] == "unloaded":
                break


@pytest.mark.field("/infill model", "/infill stream", "/infill n_probs")
async def test_a_model_without_tokens_to_fill_gaps_says_so(http: aiohttp.ClientSession, model: str) -> None:
    status, found = await post(http, "/infill", model=model, input_prefix="a", input_suffix="b", n_probs=1, stream=True)
    assert (status, found["error"]["code"]) == (400, "unsupported_field")
    assert "fill-in-the-middle" in found["error"]["message"]


async def test_other_addresses_of_the_same(http: aiohttp.ClientSession, model: str) -> None:
    for path in ("/v1/reranking", "/reranking", "/rerank"):
        status, found = await post(http, path, model=model, query="a", documents=["b"])
        assert (status, found["error"]["code"]) == (400, "not_a_reranker")
    asked = {"model": model, "messages": ASKED}
    counts = [await post(http, f"{root}/chat/completions/input_tokens", **asked) for root in ("", "/v1")]
    assert counts[0] == counts[1]
