"""What the official SDKs for Python do beside the tests of each dialect, as their READMEs have it."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import anthropic
import ollama
import pytest
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

FRANCE: list[MessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
COLD: dict[str, object] = {"temperature": 0}
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Answer(BaseModel):
    capital: str


@pytest.fixture
async def claude(server: Running) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


@pytest.mark.client("anthropic-python structured output")
async def test_anthropic_parses_an_answer(claude: anthropic.AsyncAnthropic, model: str) -> None:
    parsed = await claude.messages.parse(
        model=model, messages=FRANCE, max_tokens=200, output_format=Answer, extra_body=COLD
    )
    assert isinstance(parsed.parsed_output, Answer)


@pytest.mark.client("anthropic-python tools")
async def test_anthropic_streams_a_tools_input(claude: anthropic.AsyncAnthropic, model: str) -> None:
    async with claude.messages.stream(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        max_tokens=120,
        tools=[WEATHER],
        extra_body=COLD,
    ) as stream:
        pieces = [event.partial_json async for event in stream if event.type == "input_json"]
        final = await stream.get_final_message()
    assert final.stop_reason == "tool_use"
    (use,) = [block for block in final.content if block.type == "tool_use"]
    assert (use.name, use.input) == ("get_weather", {"city": "Paris"})
    assert "".join(pieces).replace(" ", "") == '{"city":"Paris"}'


@pytest.mark.client("anthropic-python errors")
async def test_anthropic_has_its_own_errors(claude: anthropic.AsyncAnthropic, model: str) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        await claude.messages.create(model="no-such-model", messages=FRANCE, max_tokens=5)
    assert missing.value.request_id
    assert "no-such-model" in missing.value.message
    with pytest.raises(anthropic.BadRequestError):
        await claude.messages.create(model=model, messages=FRANCE, max_tokens=5, extra_body={"top_p": 7})


@pytest.fixture
async def llama(server: Running) -> AsyncGenerator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=server.url, timeout=60)
    yield client
    await client._client.aclose()


@pytest.mark.client("ollama-python cancellation")
async def test_ollama_leaves_a_stream(llama: ollama.AsyncClient, model: str) -> None:
    asked = [ollama.Message(role="user", content="Tell me a long story")]
    again = [ollama.Message(role="user", content="What is the capital of France?")]
    stream = await llama.chat(model, asked, stream=True, think=False, options={"num_predict": 4000})
    async with aclosing(cast("AsyncGenerator[ollama.ChatResponse]", stream)) as parts:
        async for part in parts:
            if part.message.content:
                break
    cold = {"temperature": 0, "num_predict": 40}
    after = await llama.chat(model, again, think=False, options=cold)
    assert "Paris" in (after.message.content or "")
