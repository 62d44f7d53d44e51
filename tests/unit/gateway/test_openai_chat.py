"""`/v1/chat/completions` over a scripted model."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest, LoadFailed
from dovetail.core.events import (
    Event,
    Finished,
    Loading,
    Prefill,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Timings,
    ToolCallDelta,
    Usage,
)
from dovetail.core.request import ChatPrompt, GenerateRequest, Grammar, TextPart, ToolCall
from dovetail.gateway.answers import ChatCompletion
from dovetail.gateway.app import create_app
from dovetail.gateway.chunks import ChatChunk
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.settings import Settings

from .fakes import Answer, Say, call, says, services

pytestmark = pytest.mark.anyio

PATH = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": HI, **fields}


def read(**fields: Any) -> GenerateRequest:
    return ChatBody.model_validate(body(**fields)).request("id")


def prompt(**fields: Any) -> ChatPrompt:
    asked = read(**fields).prompt
    assert isinstance(asked, ChatPrompt)
    return asked


async def post(sent: Any, say: Say | None = None, **parts: Any) -> Answer:
    return await call(create_app(services(say, **parts)), "POST", PATH, sent)


async def everything(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
    del request
    yield Prefill(10, 4, 10)
    yield ReasoningDelta("hm", index)
    yield TextDelta("서", index)
    yield TextDelta('울"\n', index)
    yield RefusalDelta("no", index)
    yield ToolCallDelta(0, "call_1", "weather", '{"a"', index)
    yield ToolCallDelta(0, None, None, ":1}", index)
    yield ToolCallDelta(1, "call_2", "sum", "{}", index)
    yield Finished("tool_calls", Usage(10, 7, 4, 2), Timings(4, 6, 3.0, 7, 14.0), None, index)


async def test_a_whole_answer() -> None:
    answer = await post(body())
    whole = ChatCompletion.model_validate(answer.json())
    assert answer.status == 200
    assert whole.id.startswith("chatcmpl-")
    assert whole.choices[0].message.content == "Hello there"
    assert whole.choices[0].finish_reason == "stop"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (2, 2, 4)


async def test_everything_a_model_can_say_whole() -> None:
    answer = await post(body(), everything)
    whole = ChatCompletion.model_validate(answer.json())
    message = whole.choices[0].message
    assert (message.content, message.reasoning_content, message.refusal) == ('서울"\n', "hm", "no")
    assert message.tool_calls
    calls = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls]
    assert calls == [("call_1", "weather", '{"a":1}'), ("call_2", "sum", "{}")]
    assert whole.usage.prompt_tokens_details.cached_tokens == 4
    assert whole.usage.completion_tokens_details
    assert whole.usage.completion_tokens_details.reasoning_tokens == 2
    assert whole.timings
    assert whole.timings.predicted_per_second == 500.0
    assert whole.timings.prompt_per_token_ms == 0.5


async def test_everything_a_model_can_say_streamed() -> None:
    answer = await post(body(stream=True, stream_options={"include_usage": True}), everything)
    *chunks, usage, done = answer.frames()
    assert done == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"content": "서"},
        {"content": '울"\n'},
        {"refusal": "no"},
        {"tool_calls": [_call(0, '{"a"', "call_1", "weather")]},
        {"tool_calls": [_call(0, ":1}")]},
        {"tool_calls": [_call(1, "{}", "call_2", "sum")]},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 8 + ["tool_calls"]
    assert all(chunk["usage"] is None and chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 17
    assert usage["timings"]["predicted_n"] == 7
    assert len({chunk["id"] for chunk in [*chunks, usage]}) == 1
    for chunk in [*chunks, usage]:
        ChatChunk.model_validate(chunk)


def _call(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"index": index, "function": function} | ({"id": call_id, "type": "function"} if call_id else {})


async def test_without_include_usage_the_timings_come_last() -> None:
    *chunks, done = (await post(body(stream=True))).frames()
    assert done == "[DONE]"
    assert "usage" not in chunks[-1]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert "predicted_n" in chunks[-1]["timings"]


async def test_a_streamed_tool_call_alone_has_null_content_whole() -> None:
    async def calls(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield ToolCallDelta(0, "c", "f", "{}", index)
        yield Finished("tool_calls", Usage(), Timings(), None, index)

    assert (await post(body(), calls)).json()["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize("stream", [True, False])
async def test_several_choices(stream: bool) -> None:
    answer = await post(body(n=3, stream=stream, stream_options={"include_usage": True}))
    if not stream:
        whole = answer.json()
        assert [c["index"] for c in whole["choices"]] == [0, 1, 2]
        assert {c["message"]["content"] for c in whole["choices"]} == {"Hello there"}
        assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (2, 6)
        return
    *chunks, usage, _ = answer.frames()
    for index in range(3):
        own = [c["choices"][0] for c in chunks if c["choices"][0]["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(c["delta"].get("content", "") for c in own) == "Hello there"
        assert own[-1]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 6
    assert "timings" not in usage


@pytest.mark.parametrize("stream", [True, False])
async def test_bad_input_is_the_same_4xx_streamed_or_not(stream: bool) -> None:
    answer = await post(body(max_tokens=-5, stream=stream))
    assert answer.error == (400, "invalid_request_error", "invalid_request", "max_tokens")
    unknown = await post(body(model="zip", stream=stream))
    assert unknown.error == (404, "invalid_request_error", "model_not_found", "model")
    failed = await post(body(stream=stream), None, progress=[Loading("m")], failure=LoadFailed("no"))
    assert failed.error[:3] == (503, "server_error", "model_failed")


async def test_unknown_fields_are_reported_or_refused() -> None:
    answer = await post(body(foo=1, stream=True))
    assert answer.status == 200
    assert answer.headers["x-dovetail-warnings"] == "unknown field: foo"
    strict = await post(body(foo=1), settings=Settings(strict=True))
    assert strict.error == (400, "invalid_request_error", "unknown_field", "foo")


def test_sampling_fields_reach_the_core() -> None:
    asked = read(
        temperature=0.5, top_p=0.9, top_k=-1, min_p=0.1, typical_p=0.8, repeat_penalty=1.1, repeat_last_n=-1,
        frequency_penalty=-2, presence_penalty=2, seed=-5, logit_bias={"7": -100}, ignore_eos=True, stop="x",
    )  # fmt: skip
    sampling = asked.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p) == (0.5, 0.9, 0, 0.1)
    assert (sampling.typical_p, sampling.repeat_penalty, sampling.repeat_last_n) == (0.8, 1.1, -1)
    assert (sampling.frequency_penalty, sampling.presence_penalty, sampling.seed) == (-2, 2, -5)
    assert (dict(sampling.logit_bias), sampling.ignore_eos, asked.stop) == ({7: -100}, True, ("x",))


def test_what_is_not_said_stays_unsaid() -> None:
    asked = read()
    assert (asked.sampling.temperature, asked.sampling.seed, asked.max_tokens, asked.stop, asked.n) == (
        None, None, None, (), 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields", [{"max_tokens": 5}, {"max_completion_tokens": 5}, {"max_tokens": 5, "max_completion_tokens": 5}]
)
def test_both_names_of_the_limit(fields: dict[str, int]) -> None:
    assert read(**fields).max_tokens == 5


def test_two_limits_that_differ_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(max_tokens=5, max_completion_tokens=6)
    assert caught.value.param == "max_completion_tokens"


def test_messages_of_every_role() -> None:
    messages = prompt(
        messages=[
            {"role": "developer", "content": "be kind"},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                "refusal": None, "annotations": [], "audio": None, "function_call": None,
            },
            {"role": "tool", "tool_call_id": "c", "content": "4"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": "never"},
            {"role": "assistant", "content": "I ", "refusal": "will not"},
        ]
    ).messages  # fmt: skip
    assert [m.role for m in messages] == ["developer", "user", "assistant", "tool", "assistant", "assistant"]
    assert messages[1].parts == (TextPart("a"), TextPart("b"))
    assert messages[1].name == "ann"
    assert (messages[2].reasoning, messages[2].tool_calls) == ("hm", (ToolCall("c", "f", "{}"),))
    assert messages[3].tool_call_id == "c"
    assert messages[4].parts == (TextPart("no"), TextPart("never"))
    assert messages[5].parts == (TextPart("I "), TextPart("will not"))


def test_tools_and_their_choice() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    asked = prompt(tools=[tool], tool_choice="auto", parallel_tool_calls=False)
    assert (asked.tools[0].name, asked.tools[0].parameters, asked.tool_choice) == ("f", {"type": "object"}, "auto")
    assert asked.parallel_tool_calls is False
    assert prompt(tools=[tool], tool_choice="none").tool_choice == "none"


def test_continuing_the_last_message() -> None:
    messages = [*HI, {"role": "assistant", "content": "Hel"}]
    assert prompt(messages=messages, continue_final_message=True, add_generation_prompt=False).continue_final
    assert not prompt(messages=messages, add_generation_prompt=True).continue_final


def test_template_options() -> None:
    options = {"enable_thinking": False, "reasoning_effort": "low"}
    assert prompt(chat_template_kwargs=options).template_options == options


HARMLESS: list[dict[str, Any]] = [
    {"logprobs": False, "top_logprobs": 0, "response_format": {"type": "text"}, "modalities": ["text"], "n": 1},
    {"store": False, "service_tier": "auto", "user": "u", "metadata": {"a": "b"}, "safety_identifier": "s"},
    {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "functions": [], "function_call": "none"},
    {"verbosity": "medium", "tool_choice": "none", "cache_prompt": True, "mirostat": 0, "stream_options": None},
]


@pytest.mark.parametrize("fields", HARMLESS)
def test_fields_that_ask_for_nothing_pass(fields: dict[str, Any]) -> None:
    read(**fields)


LARGE_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"description": "x" * 4000}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False}
NAMED = {"name": "n", "schema": SCHEMA}


def test_a_form_beside_plain_text() -> None:
    assert read(response_format={"type": "text"}, grammar='root ::= "x"').output == Grammar('root ::= "x"')


def test_llama_cpps_schema_of_a_json_object() -> None:
    told = read(response_format={"type": "json_object", "schema": SCHEMA}).output
    assert told == read(json_schema=SCHEMA).output
    assert read(response_format={"type": "json_object", "schema": {}}) == read(response_format={"type": "json_object"})


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"response_format": {"type": "text", "json_schema": NAMED}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_object", "json_schema": NAMED}}, "response_format.json_schema"),
    ({"response_format": {"type": "text", "schema": SCHEMA}}, "response_format.schema"),
    ({"response_format": {"type": "json_schema", "json_schema": NAMED, "schema": SCHEMA}}, "response_format.schema"),
    ({"response_format": {"type": "json_object"}, "json_schema": {}}, "json_schema"),
    ({"response_format": {"type": "json_object"}, "regex": "x"}, "regex"),
    ({"logprobs": 1}, "logprobs"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"tool_choice": 5}, "tool_choice"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "x"}}, "audio"),
    ({"prediction": {}}, "prediction"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": {"name": "f"}}, "function_call"),
    ({"store": True}, "store"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"n_discard": 5}, "n_discard"),
    ({"lora": [{"id": 0}]}, "lora"),
    ({"id_slot": 2}, "id_slot"),
    ({"grammar": "root ::= x"}, "grammar"),
    ({"chat_template": "{{ x }}"}, "chat_template"),
    ({"chat_template_kwargs": {"chat_template": "x"}}, "chat_template_kwargs.chat_template"),
    ({"chat_template_kwargs": {"tokenize": False}}, "chat_template_kwargs.tokenize"),
    ({"chat_template_kwargs": {"enable_thinking": [1]}}, "chat_template_kwargs.enable_thinking"),
    ({"chat_template_kwargs": {"date_string": "x" * 300}}, "chat_template_kwargs.date_string"),
    ({"continue_final_message": True}, "continue_final_message"),
    ({"add_generation_prompt": False}, "add_generation_prompt"),
    ({"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]}, "tools[0].function.strict"),
]

INVALID: list[tuple[dict[str, Any], str]] = [
    ({"tools": [LARGE_TOOL] * 150, "tool_choice": "none"}, "tools"),
    ({"messages": None}, "messages"),
    ({"messages": "x"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [None]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"messages": [{"role": "user", "content": [{"type": "poem", "text": ""}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": "", "tool_calls": [_call(0, "{}", "c", "f")]}]},
     "messages[0].tool_calls"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
     "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
     "messages[0].content[0].input_audio"),
    ({"messages": HI * 10_001}, "messages"),
    ({"max_tokens": -5}, "max_tokens"), ({"max_tokens": "ten"}, "max_tokens"), ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": []}, "max_tokens"), ({"max_tokens": 1 << 63}, "max_tokens"), ({"max_tokens": 0}, "max_tokens"),
    ({"temperature": -1}, "temperature"), ({"temperature": "hot"}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"top_p": 1.5}, "top_p"), ({"top_p": -0.5}, "top_p"), ({"top_k": -2}, "top_k"), ({"min_p": 2}, "min_p"),
    ({"n": 0}, "n"), ({"n": -1}, "n"), ({"n": 10**6}, "n"), ({"seed": 1 << 64}, "seed"), ({"seed": 1.5}, "seed"),
    ({"stop": 5}, "stop"), ({"stop": {}}, "stop"), ({"stop": [5]}, "stop[0]"), ({"stop": ["x"] * 17}, "stop"),
    ({"stop": "x" * 1025}, "stop"), ({"stop": [""]}, "stop[0]"), ({"frequency_penalty": 3}, "frequency_penalty"),
    ({"logit_bias": "x"}, "logit_bias"), ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
    ({"logit_bias": {"x": "y"}}, "logit_bias.x"), ({"logit_bias": {"1": 101}}, "logit_bias.1"),
    ({"tools": "x"}, "tools"), ({"tools": [5]}, "tools[0]"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ({"tools": [{"type": "custom"}]}, "tools[0].type"),
    ({"model": ""}, "model"), ({"model": 5}, "model"), ({"model": "m" * 257}, "model"), ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), [*REFUSED, *INVALID], ids=lambda v: str(v)[:60])
async def test_what_is_refused_names_its_field(fields: dict[str, Any], param: str) -> None:
    answer = await post(body(**fields))
    status, kind, _, named = answer.error
    assert (status, kind) == (400, "invalid_request_error")
    assert named is not None
    assert named.startswith(param)


async def test_what_is_missing_is_named() -> None:
    assert (await post({"messages": HI})).error[3] == "model"
    assert (await post({"model": "m"})).error[3] == "messages"


@pytest.mark.parametrize("text", ["a\x00b", "\ufffe\uffff", "e" + "\u0301" * 20_000, "\u202e", "😀" * 1000])
async def test_strange_text_is_served(text: str) -> None:
    answer = await post(body(messages=[{"role": "user", "content": text}]), says(text))
    assert answer.json()["choices"][0]["message"]["content"] == text
