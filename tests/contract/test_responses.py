"""`/v1/responses` as OpenAI's own SDK and as plain HTTP use it, the same on both engines."""

import asyncio
import json
from typing import Any, Literal

import aiohttp
import openai
import pytest
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel

from dovetail.gateway.dialects.openai_responses.answers import InputItems, ResponseAnswer, ResponseEvent

from ..process.serving.running import Running  # noqa: TID252

pytestmark = pytest.mark.anyio

RESPONSES = "/v1/responses"
FRANCE = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
THOUGHT = "The user asks for the capital of France. It is Paris.\n"
WEATHER = "What is the weather in Paris?"
TOOL: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": None,
}
CALCULATE = {**TOOL, "name": "calculate", "description": "Calculate an arithmetic expression.",
             "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}}}  # fmt: skip
OFF: Any = {"effort": "none"}


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": FRANCE, "max_output_tokens": 200, "temperature": 0, "reasoning": OFF, **fields}


async def post(http: aiohttp.ClientSession, sent: dict[str, Any], path: str = RESPONSES) -> tuple[int, Any, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json(), answer.headers


async def text(http: aiohttp.ClientSession, sent: dict[str, Any]) -> str:
    status, found, _ = await post(http, sent)
    assert status == 200, found
    return "".join(part["text"] for item in found["output"] if item["type"] == "message" for part in item["content"])


async def events(http: aiohttp.ClientSession, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of a stream, numbered, each under the name that its data has, in the documented shape."""
    async with http.post(RESPONSES, json={**sent, "stream": True}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        blocks = [block for block in (await answer.text()).split("\n\n") if block and not block.startswith(":")]
    found: list[dict[str, Any]] = []
    for i, block in enumerate(blocks):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert (name, i) == (f"event: {event['type']}", event["sequence_number"])
        ResponseEvent.model_validate(event)
        found.append(event)
    return found


def order(found: list[dict[str, Any]]) -> list[str]:
    """The types of events, each once where several follow each other."""
    kinds = [event["type"].removeprefix("response.") for event in found]
    return [kind for i, kind in enumerate(kinds) if kinds[i - 1 : i] != [kind]]


BEGIN = ["created", "in_progress", "output_item.added"]
END = ["output_item.done", "completed"]
TEXT = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]


@pytest.mark.field("/v1/responses model", "/v1/responses input", "/v1/responses max_output_tokens")
@pytest.mark.client("openai-python responses")
async def test_the_sdk_gets_an_answer(sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str) -> None:
    response = await sdk.responses.create(model=model, input=FRANCE, temperature=0, reasoning=OFF)
    assert (response.output_text, response.status, response.model) == (ANSWER, "completed", model)
    assert [item.type for item in response.output] == ["message"]
    assert response.id.startswith("resp_")
    assert response.usage
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    _, whole, _ = await post(http, body(model, input=[{"role": "user", "content": FRANCE}]))
    ResponseAnswer.model_validate(whole)
    short = await sdk.responses.create(model=model, input="Tell me a long story", max_output_tokens=4, reasoning=OFF)
    assert short.status == "incomplete"
    assert short.incomplete_details
    assert short.incomplete_details.reason == "max_output_tokens"


@pytest.mark.field("/v1/responses stream")
async def test_events_come_in_their_order(sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str) -> None:
    found = await events(http, body(model))
    assert order(found) == [*BEGIN, *TEXT, *END]
    assert "".join(e["delta"] for e in found if e["type"].endswith("delta")) == ANSWER
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == ANSWER
    assert found[-1]["response"]["output"][0]["id"] == found[2]["item"]["id"]
    assert (found[0]["response"]["status"], found[0]["response"]["output"]) == ("in_progress", [])
    async with sdk.responses.stream(model=model, input=FRANCE, temperature=0, reasoning=OFF) as stream:
        pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert "".join(pieces) == final.output_text == ANSWER
    cut = await events(http, body(model, max_output_tokens=3))
    assert (cut[-1]["type"], cut[-1]["response"]["output"][0]["status"]) == ("response.incomplete", "incomplete")


@pytest.mark.field("/v1/responses reasoning", "/v1/responses include")
async def test_thinking_on_and_off(http: aiohttp.ClientSession, model: str) -> None:
    found = await events(http, body(model, reasoning={"effort": "low"}, max_output_tokens=2000))
    thought = ["content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"]
    assert order(found) == [*BEGIN, *thought, "output_item.done", "output_item.added", *TEXT, *END]
    reasoning, message = found[-1]["response"]["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": THOUGHT}]
    assert message["content"][0]["text"] == ANSWER
    assert found[-1]["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] > 8
    asked = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    told = await events(http, body(model, **asked, max_output_tokens=2000))
    assert {"reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done",
            "reasoning_summary_part.done"} <= set(order(told))  # fmt: skip
    kept = told[-1]["response"]["output"][0]
    assert kept["summary"] == [{"type": "summary_text", "text": THOUGHT}]
    brought: Any = {
        "type": "reasoning",
        "id": kept["id"],
        "summary": [],
        "encrypted_content": kept["encrypted_content"],
    }
    again: Any = [{"role": "user", "content": FRANCE}, brought, message, {"role": "user", "content": FRANCE}]
    assert await text(http, body(model, input=again)) == ANSWER
    foreign: Any = [
        {"role": "user", "content": FRANCE},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
    ]
    _, _, headers = await post(http, body(model, input=foreign))
    assert headers["x-dovetail-warnings"] == "passed over: input[1].encrypted_content of another server"


@pytest.mark.field("/v1/responses tools")
async def test_a_tool_is_called_and_its_output_read(
    sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str
) -> None:
    called = await sdk.responses.create(model=model, input=WEATHER, tools=[TOOL], temperature=0, reasoning=OFF)
    call = called.output[-1]
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21 degrees"}
    kept = await sdk.responses.create(
        model=model, previous_response_id=called.id, input=[output], tools=[TOOL], temperature=0, reasoning=OFF
    )
    assert "sunny" in kept.output_text
    stateless: Any = [{"role": "user", "content": WEATHER}, call.model_dump(exclude_none=True), output]
    sent = {"input": stateless, "tools": [TOOL], "store": False}
    assert await text(http, body(model, **sent)) == kept.output_text
    found = await events(http, body(model, input=WEATHER, tools=[TOOL]))
    assert order(found) == [*BEGIN, "function_call_arguments.delta", "function_call_arguments.done", *END]
    deltas = [e["delta"] for e in found if e["type"].endswith("delta")]
    assert json.loads("".join(deltas)) == {"city": "Paris"} == json.loads(found[-3]["arguments"])


@pytest.mark.field("/v1/responses tool_choice", "/v1/responses parallel_tool_calls")
async def test_who_chooses_the_tool(http: aiohttp.ClientSession, model: str) -> None:
    async def calls(**fields: Any) -> list[str]:
        asked = {"input": "What is the weather in Paris and London?", "tools": [TOOL, CALCULATE], **fields}
        _, whole, _ = await post(http, body(model, **asked))
        return [item["name"] for item in whole["output"] if item["type"] == "function_call"]

    assert await calls() == ["get_weather"] * 2
    assert await calls(parallel_tool_calls=False) == ["get_weather"]
    assert await calls(tool_choice="none") == []
    assert await calls(tool_choice={"type": "function", "name": "calculate"}) == ["calculate"]
    some = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "calculate"}]}
    assert await calls(tool_choice=some, parallel_tool_calls=False) == ["calculate"]
    for wrong in ({"type": "function", "name": "other"}, {"type": "web_search"}, "sometimes"):
        status, found, _ = await post(http, body(model, tools=[TOOL], tool_choice=wrong))
        assert (status, found["error"]["param"]) == (400, "tool_choice")


async def test_tools_of_other_types_are_passed_over_and_named(http: aiohttp.ClientSession, model: str) -> None:
    tools = [{"type": "web_search"}, TOOL, {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}]
    status, whole, headers = await post(http, body(model, input=WEATHER, tools=tools))
    assert (status, whole["output"][-1]["type"]) == (200, "function_call")
    told = headers["x-dovetail-warnings"]
    assert "passed over: tools[0] of the type web_search, passed over: tools[2] of the type custom" in told


class Capital(BaseModel):
    city: Literal["Paris", "Rome"]


@pytest.mark.field("/v1/responses text")
async def test_an_answer_in_a_form(sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    form = {"format": {"type": "json_schema", "name": "capital", "schema": schema, "strict": True}}
    assert json.loads(await text(http, body(model, text=form))) == {"city": "Paris"}
    some = {"format": {"type": "json_object"}}
    assert (await text(http, body(model, text=some, max_output_tokens=20))).startswith("{")
    parsed = await sdk.responses.parse(
        model=model, input=FRANCE, text_format=Capital, temperature=0, reasoning=OFF, max_output_tokens=300
    )
    assert parsed.output_parsed == Capital(city="Paris")


@pytest.mark.field("/v1/responses instructions")
async def test_who_sets_the_language(http: aiohttp.ClientSession, model: str) -> None:
    korean = "프랑스의 수도는 파리입니다."
    assert await text(http, body(model, instructions="Answer in Korean.")) == korean
    told = [{"role": "developer", "content": "Answer in Korean."}, {"role": "user", "content": FRANCE}]
    assert await text(http, body(model, input=told)) == korean


@pytest.mark.field("/v1/responses temperature", "/v1/responses top_p", "/v1/responses top_logprobs")
async def test_how_it_is_sampled(http: aiohttp.ClientSession, model: str) -> None:
    cold = await text(http, body(model))
    assert await text(http, body(model, temperature=2, top_p=0)) == cold
    hot = body(model, input="blue red 7", temperature=2, max_output_tokens=24)
    assert len({await text(http, hot) for _ in range(4)}) > 1
    _, whole, _ = await post(http, body(model, include=["message.output_text.logprobs"], top_logprobs=2))
    entries = whole["output"][0]["content"][0]["logprobs"]
    assert "".join(entry["token"] for entry in entries) == cold
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)


@pytest.mark.field("/v1/responses previous_response_id", "/v1/responses store")
async def test_what_is_kept_is_gone_on_from_read_and_removed(
    sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str
) -> None:
    first = await sdk.responses.create(model=model, input=FRANCE, temperature=0, reasoning=OFF, metadata={"a": "b"})
    second = await sdk.responses.create(
        model=model, input="What is the capital of Japan?", previous_response_id=first.id, temperature=0, reasoning=OFF
    )
    assert "Tokyo" in second.output_text
    assert second.usage
    assert first.usage
    assert second.usage.input_tokens > first.usage.total_tokens
    found = await sdk.responses.retrieve(first.id)
    assert (found.output_text, found.id, found.metadata) == (ANSWER, first.id, {"a": "b"})
    listed = await sdk.responses.input_items.list(second.id)
    assert [item.type for item in listed.data] == ["message"]
    async with http.get(f"{RESPONSES}/{second.id}/input_items", params={"limit": "1", "order": "asc"}) as answer:
        page = InputItems.model_validate(await answer.json())
    assert (page.has_more, page.first_id) == (False, page.last_id)
    reference: Any = [{"type": "item_reference", "id": page.first_id}]
    assert "Tokyo" in await text(http, body(model, input=reference))
    with pytest.raises(openai.BadRequestError):
        await sdk.responses.cancel(second.id)
    await sdk.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError) as gone:
        await sdk.responses.retrieve(first.id)
    assert gone.value.code == "response_not_found"
    with pytest.raises(openai.BadRequestError) as broken:
        await sdk.responses.create(model=model, input="hi", previous_response_id=second.id)
    assert (broken.value.code, broken.value.param) == ("previous_response_not_found", "previous_response_id")
    unkept = await sdk.responses.create(model=model, input=FRANCE, store=False, reasoning=OFF)
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.retrieve(unkept.id)
    streamed = (await events(http, body(model)))[-1]["response"]
    assert (await sdk.responses.retrieve(streamed["id"])).output_text == ANSWER


@pytest.mark.accept("G8")
@pytest.mark.field(
    "/v1/responses/input_tokens model", "/v1/responses/input_tokens input", "/v1/responses/input_tokens instructions",
    "/v1/responses/input_tokens previous_response_id", "/v1/responses/input_tokens reasoning",
    "/v1/responses/input_tokens text", "/v1/responses/input_tokens tools", "/v1/responses/input_tokens tool_choice",
    "/v1/responses/input_tokens parallel_tool_calls",
)  # fmt: skip
async def test_counted_tokens_are_those_of_the_answer(
    sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str
) -> None:
    first = await sdk.responses.create(model=model, input=FRANCE, temperature=0, reasoning=OFF)
    prompts: list[dict[str, Any]] = [
        {}, {"instructions": "Answer in Korean."}, {"tools": [TOOL]}, {"tools": [TOOL], "tool_choice": "none"},
        {"previous_response_id": first.id}, {"reasoning": {"effort": "low"}},
        {"tools": [TOOL], "parallel_tool_calls": False}, {"text": {"format": {"type": "json_object"}}},
    ]  # fmt: skip
    counts: list[int] = []
    for fields in prompts:
        asked = {"model": model, "input": FRANCE, "reasoning": OFF, **fields}
        _, counted, _ = await post(http, asked, f"{RESPONSES}/input_tokens")
        assert counted["object"] == "response.input_tokens"
        assert (await post(http, asked, "/responses/input_tokens"))[1] == counted
        _, whole, _ = await post(http, {**asked, "max_output_tokens": 2})
        assert counted["input_tokens"] == whole["usage"]["input_tokens"], fields
        counts.append(counted["input_tokens"])
    assert counts[2] > counts[3]
    chat = {"model": model, "messages": [{"role": "user", "content": FRANCE}], "reasoning_effort": "none"}
    _, counted, _ = await post(http, chat, "/v1/chat/completions/input_tokens")
    assert counted == {"object": "response.input_tokens", "input_tokens": counts[0]}


async def test_errors_are_the_sdks_own(sdk: openai.AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError, match="tiny-gguf"):
        await sdk.responses.create(model="no-such-model", input="hi")
    with pytest.raises(openai.BadRequestError) as long:
        await sdk.responses.create(model=model, input="ship " * 9000)
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "input")
    with pytest.raises(openai.BadRequestError) as unsupported:
        await sdk.responses.create(model=model, input="hi", background=True)
    assert (unsupported.value.code, unsupported.value.param) == ("unsupported_field", "background")
    with pytest.raises(openai.BadRequestError) as empty:
        await sdk.responses.create(model=model)
    assert empty.value.param == "input"


WRONG: dict[str, list[Any]] = {
    "input[0].type": [{"type": "web_search_call", "id": "a", "status": "completed"}],
    "input[0].content[0].type": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x/y.pdf"}]}],
    "input[0].call_id": [{"type": "function_call_output", "call_id": "a", "output": "b"}],
    "input[0].id": [{"type": "item_reference", "id": "msg_none"}],
    "input[1].arguments": [{"role": "user", "content": "a"},
                           {"type": "function_call", "call_id": "a", "name": "f", "arguments": "[]"}],
}  # fmt: skip


@pytest.mark.parametrize("param", WRONG)
async def test_what_is_wrong_is_named(http: aiohttp.ClientSession, model: str, param: str) -> None:
    status, found, _ = await post(http, body(model, input=WRONG[param]))
    assert (status, found["error"]["param"]) == (400, param), found


async def test_a_stream_that_is_left_frees_its_slot(
    sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str
) -> None:
    stream = await sdk.responses.create(model=model, input="Tell me a long story", max_output_tokens=4000, stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    async with asyncio.timeout(5):
        while True:
            async with http.get("/health") as answer:
                health = await answer.json()
            if health["slots_available"] == health["slots_total"]:
                return
            await asyncio.sleep(0.01)


async def test_a_server_that_keeps_nothing(forgetful: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{forgetful.url}/v1", api_key="none", max_retries=0) as client:
        response = await client.responses.create(model="tiny-gguf", input=FRANCE, store=True, reasoning=OFF)
        assert response.to_dict()["store"] is False
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(response.id)


async def test_an_image_that_no_model_here_sees_is_named(http: aiohttp.ClientSession, model: str) -> None:
    content = [{"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,eA=="}]
    asked = body(model, instructions="Be kind.", input=[{"role": "user", "content": content}])
    status, found, _ = await post(http, asked)
    assert (status, found["error"]["code"]) == (400, "unsupported_modality")
    assert found["error"]["param"] == "input[0].content[0]"
