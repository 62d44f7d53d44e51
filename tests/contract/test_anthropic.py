"""`/v1/messages` as Anthropic's own SDK and as plain HTTP use it, the same on both engines."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import aiohttp
import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from dovetail.gateway.dialects.anthropic.answers import AnthropicAnswer, MessageEvent

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

MESSAGES = "/v1/messages"
FRANCE: list[MessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
STORY: list[MessageParam] = [{"role": "user", "content": "Tell me a long story"}]
WEATHER: list[MessageParam] = [{"role": "user", "content": "What is the weather in Paris?"}]
ANSWER = "The capital of France is Paris."
THOUGHT = "The user asks for the capital of France. It is Paris.\n"
TOOL: ToolParam = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALCULATE: ToolParam = {
    "name": "calculate",
    "description": "Calculate an arithmetic expression.",
    "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
}
COLD = {"temperature": 0}
ON: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
async def client(server: Running) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": FRANCE, "max_tokens": 80, "temperature": 0, **fields}


async def post(http: aiohttp.ClientSession, sent: dict[str, Any], path: str = MESSAGES) -> tuple[int, Any, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json(), answer.headers


async def events(http: aiohttp.ClientSession, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of a stream, each under the name that its data has, in the documented shape."""
    async with http.post(MESSAGES, json={**sent, "stream": True}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        blocks = [block for block in (await answer.text()).split("\n\n") if block and not block.startswith(":")]
    found: list[dict[str, Any]] = []
    for block in blocks:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        MessageEvent.model_validate(event)
        found.append(event)
    return found


def order(found: list[dict[str, Any]]) -> list[str]:
    """The types of events and of what they hold, each once where several follow each other."""
    said: list[str] = []
    for event in found:
        held: dict[str, str] = event.get("delta") or event.get("content_block") or {}
        kind = f"{event['type']} {held.get('type', '')}".strip()
        if said[-1:] != [kind]:
            said.append(kind)
    return said


@pytest.mark.field("/v1/messages model", "/v1/messages messages", "/v1/messages max_tokens")
@pytest.mark.client("anthropic-python chat")
async def test_the_sdk_gets_an_answer(client: anthropic.AsyncAnthropic, model: str) -> None:
    message = await client.messages.create(model=model, messages=FRANCE, max_tokens=80, extra_body=COLD)
    assert [block.type for block in message.content] == ["text"]  # who asks for no thoughts gets none
    assert message.content[0].type == "text"
    assert message.content[0].text == ANSWER
    assert (message.type, message.role, message.model) == ("message", "assistant", model)
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.id.startswith("msg_")
    assert message._request_id
    assert message.usage.output_tokens > 0
    assert (message.usage.input_tokens or 0) + (message.usage.cache_read_input_tokens or 0) > 5
    short = await client.messages.create(model=model, messages=STORY, max_tokens=5, extra_body=COLD)
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 5)


@pytest.mark.field("/v1/messages stream")
@pytest.mark.client("anthropic-python streaming")
async def test_the_sdk_streams_the_same_answer(client: anthropic.AsyncAnthropic, model: str) -> None:
    async with client.messages.stream(model=model, messages=FRANCE, max_tokens=80, extra_body=COLD) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert text == ANSWER
    assert (final.stop_reason, final.usage.output_tokens > 0) == ("end_turn", True)


async def test_events_come_in_their_order(http: aiohttp.ClientSession, model: str) -> None:
    sent = body(model, thinking=ON, max_tokens=2000)
    found = await events(http, sent)
    text = ["content_block_start text", "content_block_delta text_delta", "content_block_stop"]
    end = ["message_delta", "message_stop"]
    assert order(found) == [
        *("message_start", "content_block_start thinking", "ping", "content_block_delta thinking_delta"),
        *("content_block_delta signature_delta", "content_block_stop", *text, *end),
    ]
    assert [e["index"] for e in found if e["type"] == "content_block_start"] == [0, 1]
    status, whole, _ = await post(http, sent)
    assert status == 200
    AnthropicAnswer.model_validate(whole)
    deltas = [e["delta"] for e in found if e["type"] == "content_block_delta"]
    assert "".join(d.get("thinking", "") for d in deltas) == whole["content"][0]["thinking"] == THOUGHT
    assert "".join(d.get("text", "") for d in deltas) == whole["content"][1]["text"] == ANSWER
    start, last = found[0]["message"]["usage"], found[-2]["usage"]
    assert last["output_tokens"] == whole["usage"]["output_tokens"] > 0
    assert start["input_tokens"] + start["cache_read_input_tokens"] == sum(
        last[name] for name in ("input_tokens", "cache_read_input_tokens")
    )
    assert order(await events(http, body(model))) == ["message_start", text[0], "ping", *text[1:], *end]


@pytest.mark.field("/v1/messages thinking", "/v1/messages output_config")
async def test_thinking_on_and_off(http: aiohttp.ClientSession, model: str) -> None:
    async def thought(**fields: Any) -> tuple[str | None, int]:
        status, whole, _ = await post(http, body(model, max_tokens=2000, **fields))
        assert status == 200, whole
        kinds = [block["type"] for block in whole["content"]]
        assert kinds[-1] == "text"
        text = whole["content"][0]["thinking"] if kinds == ["thinking", "text"] else None
        return text, whole["usage"]["output_tokens_details"]["thinking_tokens"]

    for on in ({"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}):
        text, tokens = await thought(thinking=on)
        assert text == THOUGHT
        assert tokens > 8
    assert await thought(thinking={"type": "disabled"}) == (None, 0)
    assert (await thought(thinking={"type": "enabled", "budget_tokens": 3}))[1] <= 5
    assert (await thought(thinking={"type": "enabled", "budget_tokens": 1024, "display": "omitted"}))[0] == ""
    assert (await thought(thinking={"type": "adaptive"}, output_config={"effort": "low"}))[0] == THOUGHT
    named = await post(http, body(f"{model}-thinking", max_tokens=2000))
    assert named[1]["content"][0]["type"] == "thinking"
    for wrong in ({"type": "enabled"}, {"type": "adaptive", "budget_tokens": 5}):
        status, found, _ = await post(http, body(model, thinking=wrong))
        assert (status, found["error"]["param"]) == (400, "thinking.budget_tokens")


@pytest.mark.field("/v1/messages output_config")
async def test_an_answer_in_a_form(http: aiohttp.ClientSession, model: str) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    form = {"format": {"type": "json_schema", "schema": schema}}
    _, whole, _ = await post(http, body(model, output_config=form))
    assert json.loads(whole["content"][0]["text"]) == {"city": "Paris"}


@pytest.mark.field("/v1/messages tools")
@pytest.mark.client("anthropic-python tools")
async def test_a_tool_is_called_and_its_result_read(client: anthropic.AsyncAnthropic, model: str) -> None:
    called = await client.messages.create(model=model, messages=WEATHER, tools=[TOOL], max_tokens=80, extra_body=COLD)
    assert called.stop_reason == "tool_use"
    call = next(block for block in called.content if block.type == "tool_use")
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    async with client.messages.stream(
        model=model, messages=WEATHER, tools=[TOOL], max_tokens=80, extra_body=COLD
    ) as stream:
        pieces = [event.partial_json async for event in stream if event.type == "input_json"]
        streamed = await stream.get_final_message()
    assert json.loads("".join(pieces)) == {"city": "Paris"}
    assert [block.input for block in streamed.content if block.type == "tool_use"] == [{"city": "Paris"}]
    told: list[MessageParam] = [
        *WEATHER,
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny, 21 degrees"}]},
    ]
    answer = await client.messages.create(model=model, messages=told, tools=[TOOL], max_tokens=80, extra_body=COLD)
    assert answer.stop_reason == "end_turn"
    assert answer.content[0].type == "text"
    assert "sunny" in answer.content[0].text


@pytest.mark.field("/v1/messages tool_choice")
async def test_who_chooses_the_tool(http: aiohttp.ClientSession, model: str) -> None:
    async def calls(choice: dict[str, Any], text: str, **fields: Any) -> tuple[list[str], str]:
        asked = {"messages": [{"role": "user", "content": text}], "tools": [TOOL, CALCULATE], "tool_choice": choice}
        status, whole, _ = await post(http, body(model, **asked, **fields))
        assert status == 200, whole
        return [block["name"] for block in whole["content"] if block["type"] == "tool_use"], whole["stop_reason"]

    both = "What is the weather in Paris and London?"
    assert await calls({"type": "auto"}, both) == (["get_weather"] * 2, "tool_use")
    assert await calls({"type": "auto", "disable_parallel_tool_use": True}, both) == (["get_weather"], "tool_use")
    assert await calls({"type": "none"}, both) == ([], "end_turn")
    assert await calls({"type": "tool", "name": "calculate"}, both) == (["calculate"], "tool_use")
    names, _ = await calls({"type": "any", "disable_parallel_tool_use": True}, both)
    assert len(names) == 1
    _, found, _ = await post(http, body(model, tools=[TOOL], tool_choice={"type": "tool", "name": "other"}))
    assert found["error"]["param"] == "tool_choice"


async def test_tools_of_anthropics_servers_are_passed_over_and_named(http: aiohttp.ClientSession, model: str) -> None:
    tools = [TOOL, {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]
    status, whole, headers = await post(http, body(model, messages=WEATHER, tools=tools))
    assert (status, whole["stop_reason"]) == (200, "tool_use")
    assert "passed over: tools[1] of the type web_search_20250305" in headers["x-dovetail-warnings"]


@pytest.mark.field("/v1/messages stop_sequences")
async def test_a_stop_sequence_is_named(client: anthropic.AsyncAnthropic, model: str) -> None:
    message = await client.messages.create(
        model=model, messages=FRANCE, stop_sequences=["Rome", " Paris"], max_tokens=80, extra_body=COLD
    )
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " Paris")
    assert message.content[0].type == "text"
    assert message.content[0].text == "The capital of France is"


@pytest.mark.field("/v1/messages system")
async def test_who_sets_the_language(http: aiohttp.ClientSession, model: str) -> None:
    blocks = [{"type": "text", "text": "Answer in Korean.", "cache_control": {"type": "ephemeral"}}]
    for system in ("Answer in Korean.", blocks):
        _, whole, _ = await post(http, body(model, system=system))
        assert whole["content"][0]["text"] == "프랑스의 수도는 파리입니다."


@pytest.mark.field("/v1/messages temperature", "/v1/messages top_k", "/v1/messages top_p")
async def test_how_it_is_sampled(http: aiohttp.ClientSession, model: str) -> None:
    async def text(**fields: Any) -> str:
        begun = [{"role": "user", "content": "zq"}, {"role": "assistant", "content": "blue red 7"}]
        _, whole, _ = await post(http, body(model, **{"messages": begun, "max_tokens": 24, **fields}))
        return json.dumps(whole["content"])

    cold = await text()
    assert await text(temperature=1, top_k=1) == await text(temperature=1, top_p=0) == cold
    assert len({await text(temperature=1, top_k=40) for _ in range(6)}) > 1


async def test_an_answer_that_has_begun_is_continued(http: aiohttp.ClientSession, model: str) -> None:
    begun = [*FRANCE, {"role": "assistant", "content": "The capital of"}]
    _, whole, _ = await post(http, body(model, messages=begun))
    assert whole["content"][0]["text"].startswith(" France is Paris.")


async def test_a_billing_line_leaves_the_prompt_cache_alone(http: aiohttp.ClientSession, model: str) -> None:
    rules = "".join(f"Rule {i}: answer in English and in one sentence. " for i in range(90))

    async def turn(cch: str, last: str) -> dict[str, int]:
        line = f"x-anthropic-billing-header: cc_version=2.1.177.{cch[:3]}; cc_entrypoint=cli; cch={cch};"
        system = [{"type": "text", "text": line}, {"type": "text", "text": rules}]
        messages = [*FRANCE, {"role": "assistant", "content": ANSWER}, {"role": "user", "content": last}]
        status, whole, _ = await post(http, body(model, system=system, messages=messages, max_tokens=8))
        assert status == 200, whole
        return whole["usage"]

    await turn("36ee5", "And of Spain?")
    again = await turn("0aaa9", "And of Spain?")
    assert again["cache_read_input_tokens"] >= 0.99 * (again["input_tokens"] + again["cache_read_input_tokens"])


@pytest.mark.field(
    "/v1/messages/count_tokens model", "/v1/messages/count_tokens messages", "/v1/messages/count_tokens system",
    "/v1/messages/count_tokens thinking", "/v1/messages/count_tokens tools", "/v1/messages/count_tokens tool_choice",
    "/v1/messages/count_tokens output_config",
)  # fmt: skip
async def test_counted_tokens_are_those_of_the_answer(
    client: anthropic.AsyncAnthropic, http: aiohttp.ClientSession, model: str
) -> None:
    prompts: list[dict[str, Any]] = [
        {},
        {"system": "Answer in Korean."},
        {"tools": [TOOL]},
        {"tools": [TOOL], "tool_choice": {"type": "none"}},
        {"thinking": ON},
        {"output_config": {"effort": "low"}},
        {"messages": [*FRANCE, {"role": "assistant", "content": "The capital of"}]},
    ]
    counts: list[int] = []
    for fields in prompts:
        counted = await client.messages.count_tokens(**cast("Any", {"model": model, "messages": FRANCE, **fields}))
        _, whole, _ = await post(http, body(model, **{**fields, "max_tokens": 2}))
        usage = whole["usage"]
        assert counted.input_tokens == usage["input_tokens"] + usage["cache_read_input_tokens"], fields
        counts.append(counted.input_tokens)
    assert counts[2] > counts[3]


async def test_errors_have_anthropics_shape(
    client: anthropic.AsyncAnthropic, http: aiohttp.ClientSession, model: str
) -> None:
    with pytest.raises(anthropic.NotFoundError, match="tiny-gguf") as missing:
        await client.messages.create(model="no-such-model", messages=FRANCE, max_tokens=5)
    assert missing.value.request_id
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await client.messages.create(model=model, messages=FRANCE, max_tokens=-5)
    with pytest.raises(anthropic.BadRequestError, match="8192"):
        await client.messages.create(
            model=model, messages=[{"role": "user", "content": "ship " * 9000}], max_tokens=5, stream=True
        )
    async with http.post(MESSAGES, json=body(model, messages=[]), headers={"x-request-id": "mine"}) as answer:
        found = await answer.json()
        assert (answer.status, answer.headers["request-id"]) == (400, "mine")
    assert (found["type"], found["request_id"], found["error"]["type"]) == ("error", "mine", "invalid_request_error")
    async with http.post(MESSAGES, json=body(model), headers={"anthropic-version": "2023-01-01"}) as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, "anthropic-version")
    async with http.get(MESSAGES) as answer:
        assert (answer.status, (await answer.json())["type"]) == (405, "error")


WRONG: dict[str, list[Any]] = {
    "messages[0].content[0].source": [
        {"role": "user", "content": [{"type": "document", "source": {
            "type": "base64", "media_type": "application/pdf", "data": "eA=="}}]}
    ],
    "messages[0].content[0].type": [{"role": "user", "content": [{"type": "container_upload", "file_id": "a"}]}],
    "messages[0].content[0].text": [{"role": "user", "content": [{"type": "text"}]}],
    "messages[1].content[0].tool_use_id": [
        *FRANCE, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "b"}]}
    ],
}  # fmt: skip


@pytest.mark.parametrize("param", WRONG)
async def test_what_is_wrong_is_named(http: aiohttp.ClientSession, model: str, param: str) -> None:
    status, found, _ = await post(http, body(model, messages=WRONG[param]))
    assert (status, found["error"]["param"]) == (400, param)


async def test_a_text_document_is_read(http: aiohttp.ClientSession, model: str) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "What is the capital of France?"}
    _, whole, _ = await post(
        http, body(model, messages=[{"role": "user", "content": [{"type": "document", "source": source}]}])
    )
    assert whole["content"][0]["text"] == ANSWER


@pytest.mark.client("anthropic-python cancellation")
async def test_a_stream_that_is_left_frees_its_slot(
    client: anthropic.AsyncAnthropic, http: aiohttp.ClientSession, model: str
) -> None:
    stream = await client.messages.create(model=model, messages=STORY, max_tokens=4000, stream=True)
    async for event in stream:
        if event.type == "content_block_delta":
            break
    await stream.close()
    async with asyncio.timeout(5):
        while True:
            async with http.get("/health") as answer:
                health = await answer.json()
            if health["slots_available"] == health["slots_total"]:
                return
            await asyncio.sleep(0.01)


async def test_an_image_that_no_model_here_sees_is_named(http: aiohttp.ClientSession, model: str) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]
    status, found, _ = await post(http, body(model, system="Be kind.", messages=asked))
    assert (status, found["error"]["code"]) == (400, "unsupported_modality")
    assert found["error"]["param"] == "messages[0].content[1].source"
