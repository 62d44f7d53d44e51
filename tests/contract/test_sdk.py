"""The examples of the official SDK's own documents, against both engines."""

import asyncio
import json
from typing import Any, Literal

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

FRANCE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
STORY: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me a long story"}]
PLAIN: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}


class Step(BaseModel):
    kind: Literal["add", "multiply"]
    numbers: list[int]


class Lesson(BaseModel):
    steps: list[Step]
    done: bool


class GetWeather(BaseModel):
    """Get the weather of a city."""

    city: Literal["Paris", "Seoul"]


@pytest.mark.client("openai-python structured output")
async def test_an_answer_parsed_into_a_model(sdk: openai.AsyncOpenAI, model: str) -> None:
    # A small model fills a list for ever: only a short one has an end.
    class Capital(BaseModel):
        country: Literal["France", "Japan"]
        capital: Literal["Paris", "Tokyo"]

    parsed = await sdk.chat.completions.parse(
        model=model, messages=FRANCE, response_format=Capital, temperature=0, max_tokens=60, extra_body=PLAIN
    )
    assert isinstance(parsed.choices[0].message.parsed, Capital)
    assert parsed.choices[0].finish_reason == "stop"
    async with sdk.chat.completions.stream(
        model=model, messages=FRANCE, response_format=Capital, temperature=0, max_tokens=60, extra_body=PLAIN
    ) as stream:
        kinds = {event.type async for event in stream}
        streamed = (await stream.get_final_completion()).choices[0].message.parsed
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert streamed == parsed.choices[0].message.parsed


async def test_an_answer_cut_short_says_so(sdk: openai.AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.LengthFinishReasonError) as cut:
        await sdk.chat.completions.parse(
            model=model, messages=FRANCE, response_format=Lesson, temperature=0, max_tokens=3, extra_body=PLAIN
        )
    assert cut.value.completion.usage
    assert cut.value.completion.usage.completion_tokens == 3


async def test_a_tool_made_from_a_model(sdk: openai.AsyncOpenAI, model: str) -> None:
    tool: ChatCompletionToolParam = openai.pydantic_function_tool(GetWeather, name="get_weather")
    parsed = await sdk.chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[tool],
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0,
        max_tokens=60,
        extra_body=PLAIN,
    )
    assert parsed.choices[0].message.tool_calls
    call = parsed.choices[0].message.tool_calls[0].function
    assert call.name == "get_weather"
    assert isinstance(call.parsed_arguments, GetWeather)


async def test_raw_and_streamed_responses(sdk: openai.AsyncOpenAI, model: str) -> None:
    raw = await sdk.chat.completions.with_raw_response.create(
        model=model, messages=FRANCE, temperature=0, max_tokens=20, extra_body=PLAIN
    )
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["x-request-id"] == raw.request_id
    assert "Paris" in (raw.parse().choices[0].message.content or "")
    async with sdk.chat.completions.with_streaming_response.create(
        model=model,
        messages=FRANCE,
        temperature=0,
        max_tokens=20,
        extra_body=PLAIN,
        extra_headers={"x-request-id": "a-1"},
    ) as response:
        assert response.headers["x-request-id"] == "a-1"
        whole = json.loads("".join([line async for line in response.iter_lines()]))
    assert whole["choices"][0]["message"]["content"] == raw.parse().choices[0].message.content


async def test_the_client_without_async(server: Running, model: str) -> None:
    def ask() -> tuple[str, str, int, list[str]]:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
            whole = client.chat.completions.create(
                model=model, messages=FRANCE, temperature=0, max_tokens=20, extra_body=PLAIN
            )
            with client.chat.completions.create(
                model=model, messages=FRANCE, temperature=0, max_tokens=20, extra_body=PLAIN, stream=True
            ) as stream:
                text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            vector = client.embeddings.create(model=model, input="a", dimensions=8).data[0].embedding
            return whole.choices[0].message.content or "", text, len(vector), [m.id for m in client.models.list()]

    whole, streamed, size, models = await asyncio.to_thread(ask)
    assert whole == streamed
    assert "Paris" in whole
    assert size == 8
    assert model in models


@pytest.mark.client("openai-python cancellation")
async def test_a_stream_that_is_left(sdk: openai.AsyncOpenAI, model: str) -> None:
    stream = await sdk.chat.completions.create(
        model=model, messages=STORY, max_tokens=4000, stream=True, extra_body={**PLAIN, "ignore_eos": True}
    )
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    after = await sdk.chat.completions.create(
        model=model, messages=FRANCE, temperature=0, max_tokens=20, extra_body=PLAIN
    )
    assert "Paris" in (after.choices[0].message.content or "")


async def test_several_choices_streamed(sdk: openai.AsyncOpenAI, model: str) -> None:
    stream = await sdk.chat.completions.create(
        model=model, messages=FRANCE, n=2, seed=5, max_tokens=6, stream=True, stream_options={"include_usage": True},
        extra_body={**PLAIN, "ignore_eos": True},
    )  # fmt: skip
    chunks = [chunk async for chunk in stream]
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
    usage = chunks[-1].usage
    assert usage
    assert usage.completion_tokens == 12
    assert usage.total_tokens == usage.prompt_tokens + 12


@pytest.mark.client("openai-python errors")
async def test_each_status_is_an_error_of_the_sdk(sdk: openai.AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("no-such-model")
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.create(model="no-such-model", input="hi")
    with pytest.raises(openai.BadRequestError) as wrong:
        await sdk.embeddings.create(model=model, input="a", dimensions=10**6)
    assert wrong.value.param == "dimensions"
    with pytest.raises(openai.APIStatusError) as large:
        await sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "x" * (17 << 20)}])
    assert (large.value.status_code, large.value.code) == (413, "request_too_large")
    with pytest.raises(openai.APIStatusError) as strange:
        await sdk.chat.completions.create(
            model=model, messages=FRANCE, max_tokens=1, extra_headers={"content-encoding": "gzip"}
        )
    assert (strange.value.status_code, strange.value.code) == (415, "unsupported_media_type")
