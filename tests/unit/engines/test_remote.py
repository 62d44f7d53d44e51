from __future__ import annotations

from dataclasses import replace

import pytest

from dovetail.core.errors import Busy, DovetailError, EngineFailure, InvalidRequest, LoadFailed, UnsupportedField
from dovetail.core.events import Finished, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from dovetail.core.field import MAX_INT
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    JsonObject,
    JsonSchema,
    Message,
    NamedTool,
    Sampling,
    TextPart,
    TextPrompt,
    Thinking,
    Tool,
)
from dovetail.engines import embedding
from dovetail.engines.remote import RemoteEngine, error_from

ENGINE = RemoteEngine()
CHAT = ChatPrompt((Message("user", (TextPart("hi"),)),))
HI = GenerateRequest("r", "m", CHAT)


def test_only_fields_of_openai_are_sent() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, seed=7, logit_bias={5: 1.0}, top_k=0, min_p=0.0)
    call = ENGINE.encode(replace(HI, sampling=sampling, stop=("x",), max_tokens=9, top_logprobs=2), 1)
    assert call.path == "/v1/chat/completions"
    assert call.body == {
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 8,
        "logit_bias": {"5": 1.0},
        "stop": ["x"],
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "logprobs": True,
        "top_logprobs": 2,
    }


def test_an_effort_is_passed_on() -> None:
    asked = replace(HI, prompt=replace(CHAT, thinking=Thinking(effort="high")))
    assert ENGINE.encode(asked).body["reasoning_effort"] == "high"


def test_what_is_left_open_is_left_to_the_other_server() -> None:
    assert set(ENGINE.encode(HI).body) == {"stream", "stream_options", "messages"}
    neutral = Sampling(top_k=-1, min_p=0, typical_p=1, ignore_eos=False)
    assert set(ENGINE.encode(replace(HI, sampling=neutral)).body) == {"stream", "stream_options", "messages"}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("top_k", {"sampling": Sampling(top_k=40)}),
        ("min_p", {"sampling": Sampling(min_p=0.1)}),
        ("typical_p", {"sampling": Sampling(typical_p=0)}),
        ("ignore_eos", {"sampling": Sampling(ignore_eos=True)}),
        ("logit_bias", {"sampling": Sampling(logit_bias={"word": 1.0})}),
        ("grammar", {"output": Grammar('root ::= "a"')}),
        ("continue_final_message", {"prompt": replace(CHAT, continue_final=True)}),
        ("chat_template_kwargs.x", {"prompt": replace(CHAT, template_options={"x": 1})}),
        ("json_schema", {"prompt": TextPrompt(("a",)), "output": JsonSchema({})}),
        ("grammar", {"prompt": TextPrompt(("a",)), "output": Grammar('root ::= "a"')}),
        ("logprobs", {"prompt": TextPrompt(("a",)), "top_logprobs": 1}),
        ("prompt", {"prompt": TextPrompt(("a", 3))}),
    ],
)
def test_what_it_cannot_be_asked_for_is_refused_by_name(field: str, change: dict[str, object]) -> None:
    with pytest.raises(UnsupportedField) as raised:
        ENGINE.encode(replace(HI, **change))  # pyright: ignore[reportArgumentType]
    assert raised.value.param == field


def test_tools_and_forms() -> None:
    tool = Tool("look", "Looks.", {"type": "object"}, strict=True)
    chat = replace(CHAT, tools=(tool,), tool_choice=NamedTool("look"), parallel_tool_calls=False)
    body = ENGINE.encode(replace(HI, prompt=chat, output=JsonSchema({"type": "object"}, "x"))).body
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}, "strict": True}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert body["parallel_tool_calls"] is False
    form = {"name": "x", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": form}


def test_text_prompts() -> None:
    assert ENGINE.encode(replace(HI, prompt=TextPrompt(("a",), "z"))).body["suffix"] == "z"
    assert ENGINE.encode(replace(HI, prompt=TextPrompt((1, 2)))).body["prompt"] == [1, 2]


def test_frames_of_a_chat() -> None:
    decoder = ENGINE.decoder(HI)
    call: JsonObject = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    frames: list[JsonObject] = [
        {"choices": [{"delta": {"role": "assistant", "content": "", "reasoning": "hm"}}]},
        {"choices": [{"delta": {"content": "yes"}, "logprobs": {"content": [{"token": "yes", "logprob": -1}]}}]},
        {"choices": [{"delta": {"refusal": "no"}}]},
        {"choices": [{"delta": {"tool_calls": [call]}}]},
        {"choices": [{"delta": {}, "finish_reason": "content_filter"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    events = [event for frame in frames for event in decoder.feed(frame)] + list(decoder.end())
    kinds = [type(event) for event in events]
    assert kinds == [ReasoningDelta, TextDelta, RefusalDelta, ToolCallDelta, Finished]
    assert isinstance(events[1], TextDelta)
    assert events[1].logprobs[0].token == "yes"
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.usage.prompt, finished.usage.completion) == ("stop", 3, 2)


def test_frames_of_a_text() -> None:
    decoder = ENGINE.decoder(replace(HI, prompt=TextPrompt(("a",))), 2)
    events = list(decoder.feed({"choices": [{"text": "b", "finish_reason": None}]}))
    events += decoder.feed({"choices": [{"text": "", "finish_reason": "length"}], "usage": {"completion_tokens": 1}})
    assert events == [TextDelta("b", 2)]
    (finished,) = decoder.end()
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.usage.completion, finished.index) == ("length", 1, 2)


@pytest.mark.parametrize("prompt", [CHAT, TextPrompt(("a",))])
def test_an_answer_that_is_cut_or_fails(prompt: ChatPrompt | TextPrompt) -> None:
    with pytest.raises(EngineFailure):
        ENGINE.decoder(replace(HI, prompt=prompt)).end()
    with pytest.raises(Busy):
        list(ENGINE.decoder(replace(HI, prompt=prompt)).feed({"error": {"message": "slow down", "code": 429}}))


@pytest.mark.parametrize(
    ("status", "kind", "ours"),
    [
        (401, LoadFailed, 503),
        (402, LoadFailed, 503),
        (403, LoadFailed, 503),
        (404, LoadFailed, 503),
        (408, EngineFailure, 502),
        (429, Busy, 503),
        (500, EngineFailure, 502),
    ],
)
def test_what_is_not_the_clients_fault_is_no_4xx(status: int, kind: type[DovetailError], ours: int) -> None:
    error = error_from({"error": {"message": "x", "code": "y"}}, status, "http://there")
    assert (type(error), error.status) == (kind, ours)
    assert "http://there" in error.message


def test_what_is_the_clients_fault_names_the_field() -> None:
    error = error_from({"error": {"message": "too hot", "param": "temperature"}}, 400)
    assert isinstance(error, InvalidRequest)
    assert error.param == "temperature"
    assert "status 502 and no reason" in error_from(None, 502).message


@pytest.mark.parametrize(
    ("param", "named"),
    [("response_format", "text.format"), ("response_format.json_schema.schema", "text.format"), ("top_p", "top_p"),
     ("tools[0].function", "tools[0].function")],
)  # fmt: skip
def test_a_form_has_the_name_that_the_client_gives_it(param: str, named: str) -> None:
    names = ENGINE.encode(replace(HI, output=JsonSchema({}, place="text.format"))).names
    assert error_from({"error": {"message": "x", "param": param}}, 400, names=names).param == named


def test_what_cannot_be_asked_of_another_server_has_the_clients_name() -> None:
    text = replace(HI, prompt=TextPrompt(("a",)))
    for asked, param in (
        (replace(HI, output=Grammar("g", place="regex")), "regex"),
        (replace(text, output=Grammar("g", place="regex")), "regex"),
        (replace(text, output=JsonSchema({}, place="json_schema")), "json_schema"),
        (replace(text, top_logprobs=0, listed_by="best_of"), "best_of"),
    ):
        with pytest.raises(UnsupportedField) as refused:
            ENGINE.encode(asked)
        assert refused.value.param == param


def test_a_number_of_its_own_is_no_status() -> None:
    assert isinstance(error_from({"error": {"message": "x", "code": 20012}}, 400), InvalidRequest)


def test_counts_that_cannot_be_are_not_added_up() -> None:
    decoder = ENGINE.decoder(HI)
    usage: JsonObject = {
        "prompt_tokens": -5,
        "completion_tokens": 10**30,
        "completion_tokens_details": {"reasoning_tokens": -1},
    }
    list(decoder.feed({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}))
    (finished,) = decoder.end()
    assert isinstance(finished, Finished)
    assert (finished.usage.prompt, finished.usage.completion, finished.usage.reasoning) == (0, MAX_INT, 0)


@pytest.mark.parametrize("said", ["many", None])
def test_vectors_whose_count_is_none_are_not_added_up_either(said: str | None) -> None:
    answer: JsonObject = {"data": [{"index": 0, "embedding": "AAAAAA=="}], "usage": {"prompt_tokens": said}}
    assert embedding.decode(answer, 1).tokens == 0
    answer["usage"] = said
    with pytest.raises(EngineFailure):
        embedding.decode(answer, 1)
