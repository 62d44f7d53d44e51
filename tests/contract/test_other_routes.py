"""Text completions, models, llama-server's routes and health, the same on both engines."""

import json
from typing import Any

import aiohttp
import openai
import pytest

from dovetail.gateway.answers import Health, LlamaCompletion, ModelList, TextCompletion

pytestmark = pytest.mark.anyio


async def post(http: aiohttp.ClientSession, path: str, sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.field("/v1/completions model", "/v1/completions stream")
@pytest.mark.accept("A20", "A36", "E18")
async def test_text_completions_by_the_sdk(sdk: openai.AsyncOpenAI, model: str) -> None:
    prompt = "The capital of France is"
    whole = await sdk.completions.create(model=model, prompt=prompt, temperature=0, max_tokens=3)
    assert "Paris" in whole.choices[0].text
    assert (whole.object, whole.choices[0].finish_reason) == ("text_completion", "length")
    stream = await sdk.completions.create(model=model, prompt=prompt, temperature=0, max_tokens=3, stream=True)
    assert "".join([c.choices[0].text async for c in stream]) == whole.choices[0].text


@pytest.mark.field("/v1/completions prompt")
async def test_several_prompts_and_token_ids(http: aiohttp.ClientSession, model: str) -> None:
    prompts = ["The capital of France is", "The capital of Japan is"]
    sent = {"model": model, "prompt": prompts, "temperature": 0, "max_tokens": 6}
    whole = TextCompletion.model_validate((await post(http, "/v1/completions", sent))[1])
    assert "Paris" in whole.choices[0].text
    assert "Tokyo" in whole.choices[1].text
    assert whole.usage.completion_tokens == 12
    _, tokens = await post(http, "/tokenize", {"model": model, "content": prompts[0], "add_special": True})
    _, by_ids = await post(http, "/v1/completions", {**sent, "prompt": tokens["tokens"]})
    assert by_ids["choices"][0]["text"] == whole.choices[0].text


@pytest.mark.parametrize("prompt", [[-1], [10**9], [1 << 40]])
async def test_token_ids_that_do_not_exist_never_reach_an_engine(
    http: aiohttp.ClientSession, model: str, prompt: list[int]
) -> None:
    status, error = await post(http, "/v1/completions", {"model": model, "prompt": prompt})
    assert status == 400
    assert error["error"]["param"].startswith("prompt")


@pytest.mark.field("/completion model", "/completion prompt", "/completion stream")
@pytest.mark.accept("A6", "T5", "E1", "E2")
async def test_llama_servers_completion(http: aiohttp.ClientSession, model: str) -> None:
    sent = {"model": model, "prompt": "Hello, world", "n_predict": 10, "ignore_eos": True}
    status, whole = await post(http, "/completion", sent)
    assert (status, LlamaCompletion.model_validate(whole).tokens_predicted) == (200, 10)
    async with http.post("/completion", json={**sent, "stream": True}) as answer:
        frames = [json.loads(line[6:]) for line in (await answer.text()).split("\n") if line.startswith("data: ")]
    assert frames[-1]["stop"] is True
    assert frames[-1]["stop_type"] == "limit"
    assert all(frame["stop"] is False for frame in frames[:-1])


@pytest.mark.accept("A6")
async def test_the_stop_string_that_matched_is_named(http: aiohttp.ClientSession, model: str) -> None:
    sent = {"model": model, "prompt": "The capital of France is", "n_predict": 10, "temperature": 0, "stop": ["Paris"]}
    _, whole = await post(http, "/completion", sent)
    assert (whole["stop_type"], whole["stopping_word"]) == ("word", "Paris")
    assert "Paris" not in whole["content"]


@pytest.mark.field("/tokenize model", "/tokenize content", "/detokenize model", "/detokenize tokens")
@pytest.mark.accept("A11", "E24")
@pytest.mark.parametrize("text", ["Hello, world", "대한민국의 수도", "😀 <|im_end|>\n"])
async def test_text_to_tokens_and_back(http: aiohttp.ClientSession, model: str, text: str) -> None:
    _, tokens = await post(http, "/tokenize", {"model": model, "content": text, "parse_special": False})
    assert tokens["tokens"]
    assert await post(http, "/detokenize", {"model": model, "tokens": tokens["tokens"]}) == (200, {"content": text})


@pytest.mark.accept("A22")
async def test_models_by_the_sdk(sdk: openai.AsyncOpenAI, model: str) -> None:
    listed = [entry.id async for entry in sdk.models.list()]
    assert {"tiny-gguf", "tiny-gguf-q8", "tiny-mlx"} <= set(listed)
    one = await sdk.models.retrieve(model)
    assert (one.id, one.object, one.owned_by) == (model, "model", "local")


async def test_models_say_what_they_are(http: aiohttp.ClientSession, model: str) -> None:
    await post(http, "/models/load", {"model": model})
    async with http.get("/v1/models") as answer:
        listed = ModelList.model_validate(await answer.json())
    found = next(m for m in listed.data if m.id == model)
    assert (found.state, found.context, found.format) == ("ready", 8192, model.removeprefix("tiny-"))
    assert found.size > 0


@pytest.mark.accept("A4", "E6", "R12")
async def test_a_model_can_be_unloaded_and_loaded(http: aiohttp.ClientSession, model: str) -> None:
    assert (await post(http, "/models/load", {"model": model})) == (200, {"success": True})
    assert (await post(http, "/models/unload", {"model": model})) == (200, {"success": True})
    status, error = await post(http, "/models/unload", {"model": model})
    assert (status, error["error"]["code"]) == (400, "model_not_loaded")
    assert (await post(http, "/models/load", {"model": model})) == (200, {"success": True})
    status, error = await post(http, "/models/load", {"model": "../../etc/passwd"})
    assert (status, error["error"]["code"]) == (404, "model_not_found")


@pytest.mark.accept("A1")
async def test_health(http: aiohttp.ClientSession, model: str) -> None:
    await post(http, "/models/load", {"model": model})
    async with http.get("/health") as answer:
        health = Health.model_validate(await answer.json())
    assert (health.status, health.model_loaded) == ("ok", True)
    assert 0 < health.slots_available <= health.slots_total
    async with http.get("/ready") as answer:
        assert answer.status == 200


async def test_the_way_to_the_pages(http: aiohttp.ClientSession) -> None:
    for path in ("/", "/webui", "/ui"):
        async with http.get(path, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (307, "/ui/"), path
