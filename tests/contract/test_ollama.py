"""Ollama's dialect, by its own SDK and as its documents show it, on both engines."""

# The SDK's own types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false

import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import ollama
import pytest

from dovetail.core.ollama_fields import EMBED, GENERATE, OPTIONS, ROUTES

from ..process.serving.running import Running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
COLD = {"temperature": 0, "num_predict": 60}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CITY = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
FIGURES = {
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
}


@pytest.fixture
async def client(server: Running) -> AsyncGenerator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=server.url, timeout=60)
    yield client
    await client._client.aclose()


async def post(http: aiohttp.ClientSession, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(path, json={"stream": False, **body}) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.field("/api/chat model", "/api/chat messages", "/api/chat stream", "/api/chat options", "num_predict")
@pytest.mark.field("options of /api temperature", "/api/generate stream")
@pytest.mark.client("ollama-python chat", "ollama-python streaming")
async def test_the_sdk_chats_whole_and_streamed(client: ollama.AsyncClient, model: str) -> None:
    whole = await client.chat(model, FRANCE, options=COLD)
    assert "Paris" in (whole.message.content or "")
    assert whole.done_reason == "stop"
    assert whole.eval_count
    assert whole.total_duration
    pieces = [piece async for piece in await client.chat(model, FRANCE, stream=True, options=COLD)]
    assert len(pieces) > 2
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].prompt_eval_count == whole.prompt_eval_count
    short = await client.chat(model, FRANCE, options={**COLD, "num_predict": 2})
    assert (short.done_reason, short.eval_count) == ("length", 2)


async def test_a_stream_is_lines_of_json_by_default(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post("/api/chat", json={"model": f"{model}:latest", "messages": FRANCE, "options": COLD}) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in (await answer.read()).splitlines()]
    assert {line["model"] for line in lines} == {f"{model}:latest"}
    assert set(lines[-1]) >= FIGURES
    assert not FIGURES & set(lines[0])


@pytest.mark.field("/api/generate model", "/api/generate prompt", "/api/generate options", "/api/generate system")
@pytest.mark.field("/api/generate raw")
async def test_the_sdk_generates(client: ollama.AsyncClient, model: str) -> None:
    asked = await client.generate(model, FRANCE[0]["content"], options=COLD)
    assert "Paris" in (asked.response or "")
    raw = await client.generate(model, "The capital of", raw=True, options={"temperature": 0, "num_predict": 3})
    assert raw.eval_count == 3
    assert raw.prompt_eval_count is not None
    assert asked.prompt_eval_count is not None
    assert raw.prompt_eval_count < asked.prompt_eval_count
    system = await client.generate(model, FRANCE[0]["content"], system="Answer in Korean, please.", options=COLD)
    assert system.prompt_eval_count is not None
    assert system.prompt_eval_count > asked.prompt_eval_count
    pieces = [piece.response async for piece in await client.generate(model, "hi", stream=True, options=COLD)]
    assert len(pieces) > 1


@pytest.mark.field("/api/generate suffix", "/api/generate images")
async def test_what_the_model_cannot_is_refused_by_name(http: aiohttp.ClientSession, model: str) -> None:
    status, found = await post(http, "/api/generate", model=model, prompt="a", suffix="b")
    assert (status, found["param"]) == (400, "suffix")
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
    status, found = await post(http, "/api/generate", model=model, prompt="a", images=[picture])
    assert status == 400
    assert "image" in found["error"]
    status, found = await post(http, "/api/generate", model=model, prompt="a", images=["!!!!"])
    assert (status, found["param"]) == (400, "images[0]")


@pytest.mark.field("/api/chat format", "/api/generate format")
@pytest.mark.client("ollama-python structured output")
async def test_an_answer_in_a_form(client: ollama.AsyncClient, model: str) -> None:
    options = {"temperature": 0, "num_predict": 60}
    chat = await client.chat(model, FRANCE, format=CITY, options=options, think=False)
    assert json.loads(chat.message.content or "")["city"] in {"Paris", "Rome"}
    text = await client.generate(model, FRANCE[0]["content"], format=CITY, options=options, think=False)
    assert json.loads(text.response or "")["city"] in {"Paris", "Rome"}


@pytest.mark.field("/api/chat tools")
@pytest.mark.client("ollama-python tools")
async def test_a_tool_is_called_and_its_result_read(client: ollama.AsyncClient, model: str) -> None:
    weather = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = await client.chat(model, weather, tools=[WEATHER], options={"temperature": 0}, think=False)
    (call,) = list(first.message.tool_calls or [])
    assert (call.function.name, dict(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    streamed = [
        called
        async for piece in await client.chat(
            model, weather, tools=[WEATHER], options={"temperature": 0}, think=False, stream=True
        )
        for called in piece.message.tool_calls or ()
    ]
    assert [each.function.arguments for each in streamed] == [call.function.arguments]
    result = {"role": "tool", "tool_name": "get_weather", "content": "sunny"}
    second = await client.chat(model, [*weather, first.message, result], tools=[WEATHER], options=COLD, think=False)
    assert second.done_reason in {"stop", "length"}


@pytest.mark.field("/api/chat think", "/api/generate think")
async def test_thinking_is_apart(client: ollama.AsyncClient, model: str) -> None:
    options = {"temperature": 0, "num_predict": 120}
    on = await client.chat(model, FRANCE, think=True, options=options)
    assert on.message.thinking
    off = await client.chat(model, FRANCE, think=False, options=options)
    assert not off.message.thinking
    assert (await client.generate(model, FRANCE[0]["content"], think="low", options=options)).thinking


@pytest.mark.field(
    "/api/chat logprobs", "/api/chat top_logprobs", "/api/generate logprobs", "/api/generate top_logprobs"
)
async def test_log_probabilities(client: ollama.AsyncClient, http: aiohttp.ClientSession, model: str) -> None:
    chat = await client.chat(model, FRANCE, logprobs=True, top_logprobs=2, options=COLD, think=False)
    assert "".join(each.token for each in chat.logprobs or ()) == chat.message.content
    assert all(len(each.top_logprobs or ()) == 2 for each in chat.logprobs or ())
    text = await client.generate(model, FRANCE[0]["content"], logprobs=True, top_logprobs=1, options=COLD, think=False)
    assert text.logprobs
    status, found = await post(http, "/api/generate", model=model, prompt="a", top_logprobs=2)
    assert (status, found["param"]) == (400, "top_logprobs")


@pytest.mark.field(
    *("top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "repeat_penalty", "presence_penalty", "seed"),
    *("frequency_penalty", "mirostat", "mirostat_tau", "mirostat_eta", "stop"),
)
@pytest.mark.field("options of /api num_ctx")
async def test_options_do_what_the_same_fields_do_elsewhere(http: aiohttp.ClientSession, model: str) -> None:
    hot: dict[str, Any] = {"temperature": 1.9, "seed": 3, "num_predict": 10}
    prompt = {"model": model, "prompt": "red fox, blue fox, red fox, blue fox, red", "raw": True}

    async def text(**options: Any) -> str:
        status, found = await post(http, "/api/generate", **prompt, options=options)
        assert status == 200, found
        return found["response"]

    best = await text(temperature=0, num_predict=10)
    for name, value in {"top_k": 1, "top_p": 0.0, "min_p": 1.0}.items():
        assert await text(**{**hot, name: value}) == best
    assert await text(**hot) == await text(**hot) != best
    said = {**hot, "top_k": 20, "typical_p": 0.9, "repeat_penalty": 1.2, "repeat_last_n": 32, "presence_penalty": 0.3}
    said |= {"frequency_penalty": 0.2, "min_p": 0.01}
    async with http.post(
        "/v1/completions",
        json={
            **{k: v for k, v in said.items() if k != "num_predict"},
            "model": model,
            "prompt": prompt["prompt"],
            "max_tokens": 10,
        },
    ) as answer:
        elsewhere = (await answer.json())["choices"][0]["text"]
    assert await text(**said) == elsewhere
    assert await text(**hot, mirostat=2, mirostat_tau=0.1, mirostat_eta=0.5) != await text(**hot)
    assert "e" not in await text(temperature=0, num_predict=10, stop=["e"])
    assert await text(temperature=0, num_predict=10, num_ctx=64) == best
    status, found = await post(http, "/api/generate", **prompt, options={"num_ctx": 1 << 22})
    assert (status, found["param"]) == (400, "options.num_ctx")


@pytest.mark.field("every refused")
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate", "/api/embed"])
async def test_what_is_refused_is_named(http: aiohttp.ClientSession, model: str, path: str) -> None:
    body = {"/api/chat": {"messages": FRANCE}, "/api/generate": {"prompt": "a"}, "/api/embed": {"input": "a"}}[path]
    for spec in (spec for spec in ROUTES[path].values() if spec.gguf == "refused"):
        status, found = await post(http, path, model=model, **body, **{spec.name: {"asks": "for something"}})
        assert (status, found["param"], found["code"]) == (400, spec.name, "unsupported_field")
    for spec in (spec for spec in OPTIONS.values() if spec.gguf == "refused"):
        said = {"options": {spec.name: {"asks": "for something"}}}
        status, found = await post(http, path, model=model, **body, **said)
        assert (status, found["param"], found["code"]) == (400, f"options.{spec.name}", "unsupported_field")
    assert GENERATE["template"].gguf == EMBED["truncate"].gguf == "refused"


@pytest.mark.field("/api/embed model", "/api/embed input", "/api/embed dimensions", "/api/embed options")
@pytest.mark.field("/api/embeddings model", "/api/embeddings prompt", "/api/embeddings options")
@pytest.mark.client("ollama-python embeddings")
async def test_embeddings(client: ollama.AsyncClient, http: aiohttp.ClientSession, model: str) -> None:
    found = await client.embed(model, ["a cat", "a dog"], options={"num_ctx": 64})
    assert len(found.embeddings) == 2
    assert sum(x * x for x in found.embeddings[0]) == pytest.approx(1, abs=1e-3)
    assert found.prompt_eval_count
    await client.chat(model, [], keep_alive=0)
    await client.embed(model, "a cat")
    assert model in [each.model for each in (await client.ps()).models], "loaded to embed alone"
    await client.embed(model, "a cat", keep_alive=0)
    assert ((await client.embed(model, "a cat")).load_duration or 0) > 0
    assert (await client.embed(model, "a cat")).load_duration == 0
    short = await client.embed(model, "a cat", dimensions=8)
    assert len(short.embeddings[0]) == 8
    one = (await client.embeddings(model, "a cat", options={"num_ctx": 64})).embedding
    length = sum(x * x for x in one) ** 0.5
    assert [x / length for x in one] == pytest.approx(list(found.embeddings[0]), abs=1e-3)
    status, answer = await post(http, "/api/embed", model=model, input="")
    assert (status, answer["param"]) == (400, "input")


@pytest.mark.field(
    "/api/chat keep_alive", "/api/generate keep_alive", "/api/embed keep_alive", "/api/embeddings keep_alive"
)
async def test_a_model_stays_as_long_as_it_is_said(
    client: ollama.AsyncClient, http: aiohttp.ClientSession, model: str
) -> None:
    async def stays() -> float | None:
        """Seconds that it has left, None where it is not loaded."""
        running = {each.model: each for each in (await client.ps()).models}
        if model not in running:
            return None
        until = running[model].expires_at
        assert until is not None
        return (until - until.now(until.tzinfo)).total_seconds()

    loaded = await client.generate(model, keep_alive="1h30m")
    assert loaded.done_reason == "load"
    left = await stays()
    assert left is not None
    assert 5000 < left <= 5400
    await client.chat(model, FRANCE, options=COLD, keep_alive=-1)
    left = await stays()
    assert left is not None
    assert left > 1e9
    await client.chat(model, FRANCE, options=COLD)
    assert (await post(http, "/api/chat", model=model, messages=[{"role": "user"}], keep_alive=0))[0] == 400
    await client.chat(model, FRANCE, options=COLD)
    left = await stays()
    assert left is not None
    assert left > 1e9, "what says nothing, or was refused, changes nothing"
    await client.chat(model, FRANCE, options=COLD, keep_alive=1e300)
    left = await stays()
    assert left is not None
    assert left > 1e9
    for path, body in (("/api/embed", {"input": "a"}), ("/api/embeddings", {"prompt": "a"})):
        status, found = await post(http, path, model=model, **body, keep_alive="a while")
        assert (status, found["param"]) == (400, "keep_alive")
        assert (await post(http, path, model=model, **body, keep_alive="5m"))[0] == 200
    gone = await client.chat(model, [], keep_alive=0)
    assert gone.done_reason == "unload"
    assert await stays() is None


async def test_what_there_is(client: ollama.AsyncClient, http: aiohttp.ClientSession, model: str) -> None:
    (listed,) = [each for each in (await client.list()).models if each.model == model]
    assert listed.size
    assert listed.details is not None
    assert listed.details.format == {"tiny-gguf": "gguf", "tiny-mlx": "mlx"}[model]
    shown = await client.show(model)
    assert {"completion", "tools"} <= set(shown.capabilities or ())
    assert shown.template
    assert (shown.modelinfo or {})["llama.context_length"]
    async with http.get("/api/version") as answer:
        assert (await answer.json())["version"].count(".") == 2
    for path in ("/", "/api/tags", "/api/version"):
        async with http.head(path) as answer:
            assert (answer.status, await answer.read()) == (200, b""), path


@pytest.mark.client("ollama-python errors")
async def test_errors_have_ollamas_form(client: ollama.AsyncClient, http: aiohttp.ClientSession, model: str) -> None:
    with pytest.raises(ollama.ResponseError, match="nobody") as missing:
        await client.chat("nobody", FRANCE)
    assert missing.value.status_code == 404
    status, found = await post(http, "/api/chat", model=model, messages=[{"role": "nobody"}])
    assert (status, found["param"]) == (400, "messages[0].role")
    assert isinstance(found["error"], str)
    async with http.post("/api/chat", data=b"{") as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_json")
    async with http.get("/api/chat") as answer:
        assert (answer.status, (await answer.json())["code"]) == (405, "method_not_allowed")
