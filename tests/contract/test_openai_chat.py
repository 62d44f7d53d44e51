"""`/v1/chat/completions` as the official SDK and as plain HTTP use it, the same on both engines."""

import asyncio
import json
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolParam

from dovetail.gateway.answers import ChatCompletion

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
FRANCE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
KOREA: list[ChatCompletionMessageParam] = [{"role": "user", "content": "안녕, 대한민국의 수도는 어디지?"}]
STORY: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me a long story"}]
PLAIN: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 40, **PLAIN, **fields}


async def chunks(http: aiohttp.ClientSession, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The frames of a stream that ended as it has to."""
    async with http.post(CHAT, json={**sent, "stream": True}) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        *frames, done = [line[6:] for line in (await answer.text()).split("\n") if line.startswith("data: ")]
    assert done == "[DONE]"
    return [json.loads(frame) for frame in frames]


@pytest.mark.field("/v1/chat/completions model", "/v1/chat/completions messages")
@pytest.mark.accept("A18", "A36", "E1", "E2", "E18")
@pytest.mark.parametrize(("messages", "answer"), [(FRANCE, "Paris"), (KOREA, "서울")])
@pytest.mark.client("openai-python chat")
async def test_the_sdk_gets_an_answer(
    sdk: openai.AsyncOpenAI, model: str, messages: list[ChatCompletionMessageParam], answer: str
) -> None:
    whole = await sdk.chat.completions.create(
        model=model, messages=messages, temperature=0, max_tokens=40, extra_body=PLAIN
    )
    assert answer in (whole.choices[0].message.content or "")
    assert whole.choices[0].finish_reason == "stop"
    assert (whole.object, whole.model) == ("chat.completion", model)
    assert whole.usage
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens


@pytest.mark.field("/v1/chat/completions stream", "/v1/chat/completions stream_options")
@pytest.mark.accept("A19", "A36", "E18")
@pytest.mark.client("openai-python streaming")
async def test_the_sdk_streams_the_same_answer(sdk: openai.AsyncOpenAI, model: str) -> None:
    stream = await sdk.chat.completions.create(
        model=model, messages=KOREA, temperature=0, max_tokens=40, extra_body=PLAIN, stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    got: list[ChatCompletionChunk] = [chunk async for chunk in stream]
    assert got[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in got if c.choices)
    assert "서울" in text
    assert [c.choices[0].finish_reason for c in got if c.choices][-1] == "stop"
    assert got[-1].choices == []
    assert got[-1].usage
    assert got[-1].usage.completion_tokens > 0


@pytest.mark.accept("A18", "L7")
async def test_a_whole_answer_has_its_published_shape(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post(CHAT, json=body(model)) as answer:
        whole = ChatCompletion.model_validate(await answer.json())
    assert whole.timings
    assert whole.timings.predicted_n == whole.usage.completion_tokens
    assert whole.usage.prompt_tokens == whole.timings.prompt_n + whole.timings.cache_n


async def test_streamed_and_whole_say_the_same(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post(CHAT, json=body(model)) as answer:
        whole = (await answer.json())["choices"][0]["message"]["content"]
    frames = await chunks(http, body(model))
    assert "".join(f["choices"][0]["delta"].get("content", "") for f in frames) == whole


async def test_a_second_request_finds_its_prompt_in_the_cache(http: aiohttp.ClientSession, model: str) -> None:
    system = {"role": "system", "content": "Answer in English. " * 8}
    sent = body(model, messages=[system, *FRANCE])
    cached: list[int] = []
    for _ in range(2):
        async with http.post(CHAT, json=sent) as answer:
            cached.append((await answer.json())["usage"]["prompt_tokens_details"]["cached_tokens"])
    assert cached[1] > 0


@pytest.mark.accept("E24")
async def test_a_stop_string_ends_the_text_and_is_not_in_it(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post(CHAT, json=body(model, stop=["Paris"])) as answer:
        choice = (await answer.json())["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "capital" in choice["message"]["content"]
    assert "Paris" not in choice["message"]["content"]


async def test_max_tokens_ends_the_text(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post(CHAT, json=body(model, messages=STORY, max_tokens=7)) as answer:
        whole = await answer.json()
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 7


@pytest.mark.field("/v1/chat/completions n")
async def test_several_choices_are_summed(http: aiohttp.ClientSession, model: str) -> None:
    sent = body(model, n=3, messages=STORY, max_tokens=12, temperature=1.5, seed=1, ignore_eos=True)
    async with http.post(CHAT, json=sent) as answer:
        whole = await answer.json()
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert len(set(texts)) > 1
    assert whole["usage"]["completion_tokens"] == 36
    frames = await chunks(http, sent)
    assert {f["choices"][0]["index"] for f in frames} == {0, 1, 2}


@pytest.mark.accept("E12")
async def test_a_seed_repeats_a_sampled_answer_also_among_others(http: aiohttp.ClientSession, model: str) -> None:
    async def said(seed: int) -> str:
        sent = body(model, messages=STORY, max_tokens=24, temperature=1.9, top_k=8, seed=seed)
        async with http.post(CHAT, json=sent) as answer:
            return (await answer.json())["choices"][0]["message"]["content"]

    alone = [await said(seed) for seed in range(8)]
    assert len(set(alone)) > 2
    assert await asyncio.gather(*(said(seed) for seed in range(8))) == alone


@pytest.mark.parametrize("role", ["system", "developer"])
async def test_who_sets_the_language(http: aiohttp.ClientSession, model: str, role: str) -> None:
    told = [{"role": role, "content": "Answer in Korean."}, *FRANCE]
    async with http.post(CHAT, json=body(model, messages=told)) as answer:
        assert (await answer.json())["choices"][0]["message"]["content"] == "프랑스의 수도는 파리입니다."


@pytest.mark.field("/v1/chat/completions tools")
@pytest.mark.client("openai-python tools")
async def test_a_tool_call_streamed_and_whole(sdk: openai.AsyncOpenAI, model: str) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the weather in Paris?"}]
    whole = await sdk.chat.completions.create(
        model=model, messages=asked, tools=[WEATHER], temperature=0, max_tokens=60, extra_body=PLAIN
    )
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls
    call = whole.choices[0].message.tool_calls[0]
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    stream = await sdk.chat.completions.create(
        model=model, messages=asked, tools=[WEATHER], temperature=0, max_tokens=60, extra_body=PLAIN, stream=True
    )
    deltas = [d async for c in stream for d in c.choices[0].delta.tool_calls or []]
    assert deltas[0].function
    assert deltas[0].function.name == "get_weather"
    assert json.loads("".join(d.function.arguments or "" for d in deltas if d.function)) == {"city": "Paris"}


@pytest.mark.field("/v1/chat/completions chat_template_kwargs")
async def test_thinking_is_apart_from_the_answer(http: aiohttp.ClientSession, model: str) -> None:
    thinking = {"chat_template_kwargs": {"enable_thinking": True}, "max_tokens": 80}
    async with http.post(CHAT, json=body(model, **thinking)) as answer:
        message = (await answer.json())["choices"][0]["message"]
    assert "Paris" in message["content"]
    assert "<think>" not in message["content"]
    assert message["reasoning_content"]
    frames = await chunks(http, body(model, **thinking))
    deltas = [f["choices"][0]["delta"] for f in frames]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == message["reasoning_content"]


@pytest.mark.client("openai-python errors")
async def test_errors_are_the_sdks_own(sdk: openai.AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError, match=r"tiny-gguf.*tiny-mlx") as missing:
        await sdk.chat.completions.create(model="no-such-model", messages=FRANCE)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.chat.completions.create(model=model, messages=FRANCE, verbosity="high")
    assert (refused.value.code, refused.value.param) == ("unsupported_field", "verbosity")
    with pytest.raises(openai.BadRequestError) as bad:
        await sdk.chat.completions.create(model=model, messages=FRANCE, temperature=3, stream=True)
    assert bad.value.param == "temperature"


@pytest.mark.parametrize("words", [9_000, 200_000])
async def test_a_prompt_beyond_the_context_is_refused_with_numbers(
    http: aiohttp.ClientSession, model: str, words: int
) -> None:
    sent = body(model, messages=[{"role": "user", "content": "ship " * words}], stream=True)
    async with http.post(CHAT, json=sent) as answer:
        error = (await answer.json())["error"]
        assert answer.status == 400
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    assert "8192" in error["message"]


@pytest.mark.accept("E4", "E5", "E14")
async def test_both_engines_and_many_streams_at_once(http: aiohttp.ClientSession) -> None:
    asked = [body(name, messages=m) for name in ("tiny-gguf", "tiny-mlx") for m in (FRANCE, KOREA) * 3]
    answers = await asyncio.gather(*(chunks(http, sent) for sent in asked))
    texts = ["".join(f["choices"][0]["delta"].get("content", "") for f in frames) for frames in answers]
    assert ["Paris" in text for text in texts] == [True, False] * 6
    assert ["서울" in text for text in texts] == [False, True] * 6
    async with http.get("/health") as answer:
        health = await answer.json()
    assert {m["id"] for m in health["models"] if m["state"] == "ready"} >= {"tiny-gguf", "tiny-mlx"}


@pytest.mark.accept("R9")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_its_slot(http: aiohttp.ClientSession, model: str, stream: bool) -> None:
    sent = body(model, messages=STORY, max_tokens=4000, ignore_eos=True, stream=stream)

    async def read() -> None:
        async with http.post(CHAT, json=sent) as answer:
            await answer.read()

    asking = asyncio.create_task(read())
    await _slots(http, busy=True, within=20)
    asking.cancel()
    await _slots(http, busy=False, within=1)


async def _slots(http: aiohttp.ClientSession, *, busy: bool, within: float) -> None:
    async with asyncio.timeout(within):
        while True:
            async with http.get("/health") as answer:
                health = await answer.json()
            if (health["slots_available"] < health["slots_total"]) is busy:
                return
            await asyncio.sleep(0.01)
