"""`/v1/messages` over a scripted model."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dovetail.core.errors import Busy, EngineFailure, InvalidRequest, QueueFull, UnsupportedField, WorkerCrashed
from dovetail.core.events import (
    Event,
    Finished,
    Prefill,
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
    ImageLink,
    ImagePart,
    Message,
    TextPart,
    Thinking,
    ToolCall,
)
from dovetail.gateway import errors
from dovetail.gateway.app import create_app
from dovetail.gateway.dialects.anthropic.answers import AnthropicAnswer, MessageEvent
from dovetail.gateway.dialects.anthropic.body import MessagesBody
from dovetail.gateway.dialects.anthropic.reply import arguments
from dovetail.settings import Settings

from .fakes import Answer, Client, Say, call, services

pytestmark = pytest.mark.anyio

PATH = "/v1/messages"
HI: list[Any] = [{"role": "user", "content": "hi"}]
CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": "é", "b": 1}}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": HI, "max_tokens": 50, **fields}


def prompt(**fields: Any) -> ChatPrompt:
    asked = MessagesBody.model_validate(body(**fields)).request("id").prompt
    assert isinstance(asked, ChatPrompt)
    return asked


def text(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


async def post(sent: Any, say: Say | None = None, **parts: Any) -> Answer:
    return await call(create_app(services(say, **parts)), "POST", PATH, sent)


def events(answer: Answer) -> list[dict[str, Any]]:
    blocks = [block for block in answer.body.decode().split("\n\n") if block.startswith("event: ")]
    found = [json.loads(block.split("\n")[1].removeprefix("data: ")) for block in blocks]
    for block, event in zip(blocks, found, strict=True):
        assert block.startswith(f"event: {event['type']}\n")
    return found


async def everything(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
    del request
    yield Prefill(10, 4, 10)
    yield ReasoningDelta("hm", index)
    yield TextDelta("서", index)
    yield TextDelta('울"\n', index)
    yield ToolCallDelta(0, "call_1", "weather", '{"a"', index)
    yield ToolCallDelta(0, None, None, ":1}", index)
    yield ToolCallDelta(1, "call_2", "sum", "", index)
    yield Finished("tool_calls", Usage(10, 7, 4, 2), Timings(4, 6, 3.0, 7, 14.0), None, index)


async def test_everything_a_model_can_say_whole() -> None:
    answer = await post(body(), everything)
    whole = AnthropicAnswer.model_validate(answer.json())
    assert answer.json()["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "unsigned"},
        {"type": "text", "text": '서울"\n'},
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_2", "name": "sum", "input": {}},
    ]
    assert whole.stop_reason == "tool_use"
    assert (whole.usage.input_tokens, whole.usage.cache_read_input_tokens, whole.usage.output_tokens) == (6, 4, 7)
    assert answer.headers["request-id"] == answer.headers["x-request-id"]


async def test_everything_a_model_can_say_streamed() -> None:
    found = events(await post(body(stream=True), everything))
    for event in found:
        if event["type"] != "error":
            MessageEvent.model_validate(event)
    assert [(e["type"], e.get("index")) for e in found] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("ping", None),
        *[("content_block_delta", 0)] * 2,
        ("content_block_stop", 0),
        ("content_block_start", 1),
        *[("content_block_delta", 1)] * 2,
        ("content_block_stop", 1),
        ("content_block_start", 2),
        *[("content_block_delta", 2)] * 2,
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    start = found[0]["message"]
    assert (start["content"], start["stop_reason"], start["usage"]["input_tokens"]) == ([], None, 6)
    assert [e["content_block"] for e in found if e["type"] == "content_block_start"][2] == {
        "type": "tool_use", "id": "call_1", "name": "weather", "input": {},
    }  # fmt: skip
    deltas = [e["delta"] for e in found if e["type"] == "content_block_delta"]
    assert deltas[:2] == [
        {"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "unsigned"},
    ]  # fmt: skip
    assert [d["partial_json"] for d in deltas if d["type"] == "input_json_delta"] == ['{"a"', ":1}"]
    assert found[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert found[-2]["usage"]["output_tokens"] == 7


async def test_a_thought_whose_text_is_left_out() -> None:
    hidden = {"thinking": {"type": "adaptive", "display": "omitted"}}
    whole = (await post(body(**hidden), everything)).json()
    assert whole["content"][0] == {"type": "thinking", "thinking": "", "signature": "unsigned"}
    deltas = [e["delta"] for e in events(await post(body(**hidden, stream=True), everything)) if "delta" in e]
    assert deltas[0]["type"] == "signature_delta"


def ending(*deltas: Event, reason: Any = "stop", stop: str | None = None, tokens: int = 3) -> Say:
    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request, index
        for event in deltas:
            yield event
        yield Finished(reason, Usage(1, tokens), Timings(), stop)

    return say


@pytest.mark.parametrize(
    ("say", "reason", "sequence"),
    [
        (ending(TextDelta("a")), "end_turn", None),
        (ending(), "end_turn", None),
        (ending(TextDelta("a"), stop="END"), "stop_sequence", "END"),
        (ending(TextDelta("a"), reason="length", tokens=50), "max_tokens", None),
        (ending(TextDelta("a"), reason="length", tokens=20), "model_context_window_exceeded", None),
        (ending(RefusalDelta("no")), "refusal", None),
    ],
)
async def test_why_it_ended(say: Say, reason: str, sequence: str | None) -> None:
    whole = (await post(body(), say)).json()
    assert (whole["stop_reason"], whole["stop_sequence"]) == (reason, sequence)
    found = events(await post(body(stream=True), say))
    assert found[0]["type"] == "message_start"
    assert found[-2]["delta"] == {"stop_reason": reason, "stop_sequence": sequence}


async def test_a_failure_in_the_middle_is_an_event() -> None:
    async def fail(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("so", index)
        await client.sent.wait()
        raise EngineFailure("it broke")

    sent = json.dumps(body(stream=True)).encode()
    client = Client(create_app(services(fail)), "POST", PATH, [sent])
    last = events(await client.run())[-1]
    assert (last["type"], last["error"]["type"], last["error"]["message"]) == ("error", "api_error", "it broke")
    assert last["request_id"].startswith("req-")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Busy("later"), "overloaded_error"),
        (QueueFull("later"), "rate_limit_error"),
        (InvalidRequest("no", status=413), "request_too_large"),
        (InvalidRequest("no", status=404), "not_found_error"),
        (InvalidRequest("no"), "invalid_request_error"),
        (WorkerCrashed("x", status=500), "api_error"),
    ],
)
def test_kinds_of_errors(error: Any, kind: str) -> None:
    assert json.loads(errors.anthropic_body(error, "r"))["error"]["type"] == kind


async def test_what_goes_wrong_before_the_route_has_the_shape_too() -> None:
    app = create_app(services())
    missing = await call(app, "POST", "/v1/messages/nothing", {}, x_request_id="mine")
    assert (missing.status, missing.json()["type"], missing.json()["request_id"]) == (404, "error", "mine")
    other = await call(app, "POST", "/v1/nothing", {})
    assert "type" not in other.json()


def test_a_conversation_with_tools() -> None:
    shot = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}
    link = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    said = prompt(
        system=[{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}],
        messages=[
            {"role": "user", "content": "look"},
            {"role": "user", "content": [{"type": "text", "text": "there"}, link]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "ok"}, CALL]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": [
                    {"type": "text", "text": "bad"}, shot]},
                {"type": "text", "text": "again"}]},
            {"role": "system", "content": "Be quick."},
        ],
    )  # fmt: skip
    between = TextPart("\n\n")
    assert said.messages == (
        Message("system", (TextPart("Be kind."), between, TextPart("Be brief."))),
        Message("user", (TextPart("look"), between, TextPart("there"), ImageLink("https://x/y.png"))),
        Message("assistant", (TextPart("ok"),), reasoning="hm", tool_calls=(
            ToolCall("t1", "look", '{"a": "é", "b": 1}'),)),
        Message("tool", (TextPart("Error: "), TextPart("bad")), tool_call_id="t1"),
        Message("user", (ImagePart("eA==", "image/png"), TextPart("again"), between,
                         TextPart("<system-reminder>\nBe quick.\n</system-reminder>"))),
    )  # fmt: skip
    assert not said.continue_final


@pytest.mark.parametrize("first", ["x-anthropic-billing-header: cc_version=2.1; cch=36ee5;", ""])
def test_the_billing_line_is_not_part_of_the_prompt(first: str) -> None:
    rest = "You are a tool.\nx-anthropic-billing-header: this one is in the text"
    for system in (f"{first}\n{rest}", [{"type": "text", "text": first}, {"type": "text", "text": rest}]):
        message = prompt(system=system).messages[0]
        assert text(message).lstrip() == rest
    only = prompt(system="x-anthropic-billing-header: a\n").messages
    assert [message.role for message in only] == ["user"]


def test_documents_that_are_text() -> None:
    blocks = [
        {"type": "document", "title": "T", "context": "C", "source": {
            "type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "content", "content": "more"}},
        {"type": "search_result", "title": "S", "source": "https://s", "content": [{"type": "text", "text": "found"}]},
    ]  # fmt: skip
    assert text(prompt(messages=[{"role": "user", "content": blocks}]).messages[0]).split("\n\n") == [
        "T", "C", "words", "more", "S", "https://s", "found",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "block", "param"),
    [
        ("user", {"type": "tool_use", "id": "a", "name": "b", "input": {}}, "type"),
        ("assistant", {"type": "redacted_thinking", "data": "x"}, "type"),
        ("assistant", {"type": "image", "source": {"type": "url", "url": "https://x"}}, "type"),
        ("user", {"type": "image", "source": {"type": "file", "file_id": None}}, "source"),
        ("user", {"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}}, "source"),
        ("user", {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}, "source"),
        ("user", {"type": "tool_result", "tool_use_id": "no", "content": "x"}, "tool_use_id"),
        ("user", {"type": "image"}, "source"),
    ],
)
def test_blocks_that_are_refused(role: str, block: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        prompt(messages=[{"role": role, "content": [block]}])
    assert refused.value.param == f"messages[0].content[0].{param}"


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({}, Thinking(on=False)),
        ({"thinking": {"type": "disabled"}}, Thinking(False, None, None, "thinking.type", "thinking.budget_tokens")),
        ({"thinking": {"type": "enabled", "budget_tokens": 7}, "output_config": {"effort": "low"}},
         Thinking(True, 7, "low", "thinking.type", "thinking.budget_tokens")),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}},
         Thinking(None, 4096, "medium", "thinking.type", "output_config.effort")),
    ],
)  # fmt: skip
def test_thinking(fields: dict[str, Any], thinking: Thinking) -> None:
    assert prompt(**fields).thinking == thinking


def test_tools_and_what_of_them_is_refused() -> None:
    tool: dict[str, Any] = {"name": "f", "input_schema": {"type": "object"}}
    said = prompt(tools=[tool, {"type": "bash_20250124", "name": "bash"}], tool_choice={"type": "any"})
    assert [t.name for t in said.tools] == ["f"]
    assert said.tool_choice == "required"
    with pytest.raises(UnsupportedField, match=r"tools\[0\].strict"):
        prompt(tools=[{**tool, "strict": True}])
    with pytest.raises(InvalidRequest, match="input_schema"):
        prompt(tools=[{"name": "f"}])
    with pytest.raises(InvalidRequest, match="tool_choice"):
        prompt(tools=[{"type": "bash_20250124", "name": "bash"}], tool_choice={"type": "tool", "name": "bash"})


async def test_what_is_passed_over_is_named_or_refused() -> None:
    sent = body(tools=[{"type": "bash_20250124", "name": "bash"}])
    assert (await post(sent)).headers["x-dovetail-warnings"] == "passed over: tools[0] of the type bash_20250124"
    strict = await post(sent, settings=Settings(strict=True))
    assert (strict.status, strict.json()["error"]["param"]) == (400, "tools[0]")


@pytest.mark.parametrize(
    ("cut", "read"), [("", {}), ('{"a": [1, 2', {"a": [1, 2]}), ("[1]", {}), ("nonsense", {}), ('{"a": 1}', {"a": 1})]
)
def test_a_call_that_was_cut(cut: str, read: dict[str, Any]) -> None:
    assert arguments(cut) == read
