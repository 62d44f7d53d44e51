"""`/v1/responses` over a scripted model, without anything that is kept."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dovetail.core.errors import EngineFailure, InvalidRequest, UnsupportedField
from dovetail.core.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Timings,
    ToolCallDelta,
    Usage,
)
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    ImagePart,
    Message,
    TextPart,
    Thinking,
    ToolCall,
)
from dovetail.gateway.app import create_app
from dovetail.gateway.dialects.openai_responses.answers import ResponseAnswer, ResponseEvent
from dovetail.gateway.dialects.openai_responses.body import ResponseBody
from dovetail.gateway.dialects.openai_responses.items import ItemBody, is_foreign, kept_thought
from dovetail.settings import Settings

from .fakes import Answer, Client, Say, call, services

pytestmark = pytest.mark.anyio

PATH = "/v1/responses"
PIXEL = {"type": "input_image", "image_url": "data:image/png;base64,eA==", "detail": "auto"}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **fields}


def prompt(**fields: Any) -> ChatPrompt:
    asked = ResponseBody.model_validate(body(**fields)).request("id").prompt
    assert isinstance(asked, ChatPrompt)
    return asked


async def post(sent: Any, say: Say | None = None, **parts: Any) -> Answer:
    return await call(create_app(services(say, **parts)), "POST", PATH, sent)


def events(answer: Answer) -> list[dict[str, Any]]:
    blocks = [block for block in answer.body.decode().split("\n\n") if block.startswith("event: ")]
    found = [json.loads(block.split("\n")[1].removeprefix("data: ")) for block in blocks]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        ResponseEvent.model_validate(event)
    return found


async def everything(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
    del request
    yield ReasoningDelta("hm", index)
    yield TextDelta("서", index)
    yield TextDelta('울"\n', index)
    yield RefusalDelta("no", index)
    yield ToolCallDelta(0, "call_1", "weather", '{"a"', index)
    yield ToolCallDelta(0, None, None, ":1}", index)
    yield ToolCallDelta(1, "call_2", "sum", "", index)
    yield Finished("tool_calls", Usage(10, 7, 4, 2), Timings(4, 6, 3.0, 7, 14.0), None, index)


async def test_everything_a_model_can_say_whole_and_streamed() -> None:
    whole = (await post(body(), everything)).json()
    ResponseAnswer.model_validate(whole)
    assert [(item["type"], item["status"]) for item in whole["output"]] == [
        ("reasoning", "completed"), ("message", "completed"), ("message", "completed"),
        ("function_call", "completed"), ("function_call", "completed"),
    ]  # fmt: skip
    assert whole["output"][2]["content"] == [{"type": "refusal", "refusal": "no"}]
    assert [item["arguments"] for item in whole["output"][3:]] == ['{"a":1}', ""]
    assert whole["usage"]["input_tokens_details"]["cached_tokens"] == 4
    assert (whole["store"], whole["error"], whole["incomplete_details"]) == (False, None, None)
    found = events(await post(body(stream=True), everything))
    last = found[-1]["response"]
    assert found[-1]["type"] == "response.completed"
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert done == last["output"]
    same = ("type", "content", "arguments", "call_id", "name")
    assert [[item.get(k) for k in same] for item in done] == [[item.get(k) for k in same] for item in whole["output"]]
    for event in found:
        if "item_id" in event:
            assert event["item_id"] == last["output"][event["output_index"]]["id"]
    begun = [event["item"] for event in found if event["type"] == "response.output_item.added"]
    assert all(item["status"] == "in_progress" and not item.get("content") for item in begun)
    assert begun[3]["arguments"] == ""


async def test_an_answer_of_nothing() -> None:
    async def nothing(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request, index
        yield Finished("length", Usage(1, 0), Timings())

    assert (await post(body(), nothing)).json()["status"] == "incomplete"
    kinds = [event["type"] for event in events(await post(body(stream=True), nothing))]
    assert kinds == ["response.created", "response.in_progress", "response.incomplete"]


async def test_a_failure_in_the_middle_is_an_event() -> None:
    async def fail(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("so", index)
        await client.sent.wait()
        raise EngineFailure("it broke")

    client = Client(create_app(services(fail)), "POST", PATH, [json.dumps(body(stream=True)).encode()])
    last = events(await client.run())[-1]
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"] == {"code": "engine_failure", "message": "it broke", "param": None}
    (cut,) = last["response"]["output"]
    assert (cut["status"], cut["content"][0]["text"]) == ("incomplete", "so")


async def test_nothing_is_kept_without_a_database() -> None:
    app = create_app(services())
    missing = await call(app, "GET", f"{PATH}/resp_1")
    assert missing.error == (404, "invalid_request_error", "response_not_found", None)
    assert (await call(app, "POST", PATH, body(previous_response_id="resp_1"))).status == 404


async def test_what_is_passed_over_is_named_or_refused() -> None:
    sent = body(tools=[{"type": "web_search"}])
    assert (await post(sent)).headers["x-dovetail-warnings"] == "passed over: tools[0] of the type web_search"
    strict = await post(sent, settings=Settings(strict=True))
    assert strict.error == (400, "invalid_request_error", "unsupported_field", "tools[0]")
    whole = {"type": "namespace", "name": 7, "tools": [{"type": "function"}], "defer_loading": True}
    answer = await post(body(tools=[whole]))
    assert answer.headers["x-dovetail-warnings"] == "passed over: tools[0] of the type namespace"
    assert answer.json()["tools"] == [whole]  # as it was sent


def test_only_a_reference_is_replaced_by_what_it_names() -> None:
    kept = {"msg_1": ItemBody(role="user", content="kept")}
    said = [{"role": "user", "content": "own", "id": "msg_1"}, {"type": "item_reference", "id": "msg_1"}]
    asked = ResponseBody.model_validate(body(input=said)).resolved(kept)
    assert [item.content for item in asked] == ["own", "kept"]


def test_a_conversation_of_every_kind_of_item() -> None:
    said = prompt(
        instructions="Be kind.",
        input=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "look"}, PIXEL]},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "g", "arguments": ""},
            {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "1"}, PIXEL]},
            {"type": "function_call_output", "call_id": "b", "output": "2"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "3"},
            {"role": "system", "content": "Be quick."},
        ],
    )
    picture = ImagePart("eA==", "image/png")
    assert said.messages == (
        Message("system", (TextPart("Be kind."), TextPart("\n\n"), TextPart("Be brief."))),
        Message("user", (TextPart("look"), picture)),
        Message("assistant", (TextPart("ok"),), reasoning="hm",
                tool_calls=(ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))),
        Message("tool", (TextPart("1"),), tool_call_id="a"),
        Message("tool", (TextPart("2"),), tool_call_id="b"),
        Message("user", (picture,)),
        Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),)),
        Message("tool", (TextPart("3"),), tool_call_id="c"),
        Message("system", (TextPart("Be quick."),)),
    )  # fmt: skip


def test_a_thought_that_a_client_kept() -> None:
    def thought(encrypted: str) -> str | None:
        item: Any = {"type": "reasoning", "summary": [], "encrypted_content": encrypted}
        return prompt(input=[{"role": "user", "content": "a"}, item]).messages[-1].reasoning

    assert thought(kept_thought("so é\ud800")) == "so é?"
    for foreign in ("gAAAA", "dovetail.!", "dovetail./w=="):
        assert thought(foreign) is None
        assert is_foreign(ItemBody(type="reasoning", encrypted_content=foreign))


@pytest.mark.parametrize(
    ("reasoning", "thinking"),
    [
        (None, Thinking()),
        ({"summary": "auto"}, Thinking()),
        ({"effort": "none"}, Thinking(on=False, switch="reasoning.effort")),
        ({"effort": "low"}, Thinking(True, 1024, "low", "reasoning.effort", "reasoning.effort")),
    ],
)
def test_thinking(reasoning: Any, thinking: Thinking) -> None:
    assert prompt(reasoning=reasoning).thinking == thinking


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "assistant", "content": [PIXEL]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]},
         "input[0].content[0].image_url"),
        ({"input": [{"type": "message", "content": "a"}]}, "input[0].role"),
        ({"input": [{"id": "msg_1"}]}, "input[0].id"),
        ({"input": []}, "input"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "strict": True}]}, "tools[0].strict"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
        ({"tools": [{"type": "function", "name": "f"}], "top_logprobs": 1}, "top_logprobs"),
    ],
)  # fmt: skip
def test_what_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises((InvalidRequest, UnsupportedField)) as refused:
        prompt(**fields)
    assert refused.value.param == param
