from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.errors import ContextTooLong, EngineFailure, InvalidRequest, WorkerCrashed
from dovetail.core.events import Event, Finished, Prefill, ReasoningDelta, TextDelta, Timings, ToolCallDelta, Usage
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    Json,
    JsonSchema,
    Message,
    Sampling,
    TextPart,
    TextPrompt,
    Thinking,
    Tool,
    ToolCall,
)
from dovetail.engines import wire
from dovetail.engines.gguf import MAX_WINDOW, GgufEngine


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def chat(**more: object) -> GenerateRequest:
    prompt = ChatPrompt((user("hi"),), **more)  # type: ignore[arg-type]
    return GenerateRequest(id="r", model="m", prompt=prompt)


def delta(finish: str | None = None, **content: Json) -> dict[str, Json]:
    return {"choices": [{"index": 0, "finish_reason": finish, "delta": dict(content)}]}


def fold(decoder: object, frames: Iterable[dict[str, Json]]) -> list[Event]:
    assert isinstance(decoder, wire.ChatDecoder | wire.CompletionDecoder)
    events: list[Event] = []
    for frame in frames:
        events.extend(decoder.feed(frame))
    events.extend(decoder.end())
    return events


TIMINGS: dict[str, Json] = {"cache_n": 4, "prompt_n": 11, "prompt_ms": 1.5, "predicted_n": 3, "predicted_ms": 2.5}


def test_a_chat_request_states_every_sampling_value() -> None:
    call = wire.encode(chat())
    assert call.path == "/v1/chat/completions"
    assert call.body["stream"] is True
    assert call.body["stream_options"] == {"include_usage": True}
    assert {name: call.body[name] for name in wire.DEFAULT_SAMPLING} == dict(wire.DEFAULT_SAMPLING)
    assert call.body["max_tokens"] == -1


def test_each_choice_draws_from_its_own_seed() -> None:
    request = GenerateRequest(id="r", model="m", prompt=TextPrompt(("a",)), sampling=Sampling(seed=7), n=2)
    assert [wire.encode(request, i).body["seed"] for i in (0, 1)] == [7, 8]


@pytest.mark.parametrize("seed", [-1, (1 << 32) - 1, (1 << 32) - 2])
def test_a_seed_that_was_said_is_never_the_number_that_means_random(seed: int) -> None:
    request = GenerateRequest(id="r", model="m", prompt=TextPrompt(("a",)), sampling=Sampling(seed=seed), n=2)
    seeds = [wire.encode(request, i).body["seed"] for i in (0, 1)]
    assert (1 << 32) - 1 not in seeds
    assert seeds[0] != seeds[1]


def test_sampling_is_passed_on_in_llama_cpp_names() -> None:
    sampling = Sampling(temperature=0.0, top_k=3, repeat_last_n=-1, logit_bias={5: -100.0}, ignore_eos=True)
    body = wire.encode(GenerateRequest("r", "m", TextPrompt(("a",)), sampling, max_tokens=9, stop=("x",))).body
    assert (body["temperature"], body["top_k"], body["repeat_last_n"]) == (0.0, 3, -1)
    assert body["logit_bias"] == [[5, -100.0]]
    assert body["ignore_eos"] is True
    assert (body["n_predict"], body["stop"]) == (9, ["x"])


@pytest.mark.parametrize(("parts", "prompt"), [(("a",), "a"), ((1, 2), [1, 2]), (("a", 1), ["a", 1])])
def test_a_raw_prompt_may_mix_text_and_ids(parts: tuple[str | int, ...], prompt: Json) -> None:
    call = wire.encode(GenerateRequest("r", "m", TextPrompt(parts)))
    assert call.path == "/completion"
    assert call.body["prompt"] == prompt


def test_messages_keep_calls_names_and_reasoning() -> None:
    messages = (
        Message("assistant", reasoning="so", tool_calls=(ToolCall("c1", "f", "{}"),)),
        Message("tool", (TextPart("42"),), name="f", tool_call_id="c1"),
    )
    request = GenerateRequest("r", "m", ChatPrompt(messages, tools=(Tool("f", "does f"),), parallel_tool_calls=False))
    body = wire.encode(request).body
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "so",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "42", "name": "f", "tool_call_id": "c1"},
    ]
    function: Json = {"name": "f", "description": "does f", "parameters": {"type": "object", "properties": {}}}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["parallel_tool_calls"] is False


def test_no_tool_is_shown_to_the_model_when_none_may_be_called() -> None:
    assert "tools" not in wire.encode(chat(tools=(Tool("f"),), tool_choice="none")).body


def test_a_prefilled_answer_is_continued() -> None:
    body = wire.encode(chat(continue_final=True, template_options={"enable_thinking": True})).body
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}


def test_chat_frames_become_events_in_order() -> None:
    progress: Json = {"total": 15, "cache": 4, "processed": 15, "time_ms": 1}
    frames: list[dict[str, Json]] = [
        {**delta(role="assistant", content=None), "prompt_progress": progress},
        delta(reasoning_content="hm"),
        delta(content="안녕"),
        delta("stop"),
        {
            "choices": [],
            "usage": {"prompt_tokens": 15, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
            "timings": TIMINGS,
            "stopping_word": "END",
        },
    ]
    assert fold(wire.decoder(chat(), 2), frames) == [
        Prefill(total=15, cached=4, done=15),
        ReasoningDelta("hm", 2),
        TextDelta("안녕", 2),
        Finished("stop", Usage(15, 3, 4), Timings(4, 11, 1.5, 3, 2.5), "END", 2),
    ]


def test_the_stop_string_that_llama_server_names() -> None:
    told: Json = {"stopping_word": "END", "prompt": "p"}
    frames: list[dict[str, Json]] = [delta(content="a"), {**delta("stop"), "__verbose": told}]
    assert cast("Finished", fold(wire.decoder(chat()), frames)[-1]).stop_string == "END"
    silent: dict[str, Json] = {**delta("stop"), "__verbose": {"stopping_word": ""}}
    assert cast("Finished", fold(wire.decoder(chat()), [silent])[-1]).stop_string is None


def test_tool_call_pieces_keep_their_number() -> None:
    first: Json = {"index": 1, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    more: Json = {"index": 1, "function": {"arguments": '{"a"'}}
    events = fold(wire.decoder(chat()), [delta(tool_calls=[first]), delta(tool_calls=[more]), delta("tool_calls")])
    assert events[:2] == [ToolCallDelta(1, "c", "f", ""), ToolCallDelta(1, arguments='{"a"')]
    assert cast("Finished", events[2]).reason == "tool_calls"


def test_usage_comes_from_the_timings_where_a_worker_sends_no_usage() -> None:
    finished = fold(wire.decoder(chat()), [{**delta("length"), "timings": TIMINGS}])[-1]
    assert cast("Finished", finished).usage == Usage(prompt=15, completion=3, cached=4, reasoning=0)


def test_completion_frames_become_events() -> None:
    request = GenerateRequest("r", "m", TextPrompt(("a",)))
    frames: list[dict[str, Json]] = [
        {"content": "", "stop": False, "prompt_progress": {"total": 4, "cache": 0, "processed": 4}},
        {"content": " t", "tokens": [3], "stop": False},
        {
            "content": "",
            "stop": True,
            "tokens_evaluated": 15,
            "tokens_predicted": 3,
            "stop_type": "word",
            "stopping_word": "x",
            "timings": TIMINGS,
        },
    ]
    assert fold(wire.decoder(request), frames) == [
        Prefill(4, 0, 4),
        TextDelta(" t"),
        Finished("stop", Usage(15, 3, 4), Timings(4, 11, 1.5, 3, 2.5), "x"),
    ]


@pytest.mark.parametrize("prompt", [ChatPrompt((user("hi"),)), TextPrompt(("a",))])
def test_an_answer_cut_short_is_a_crash_not_an_end(prompt: ChatPrompt | TextPrompt) -> None:
    decoder = wire.decoder(GenerateRequest("r", "m", prompt))
    with pytest.raises(WorkerCrashed):
        list(decoder.end())


@pytest.mark.parametrize("prompt", [ChatPrompt((user("hi"),)), TextPrompt(("a",))])
def test_an_error_frame_is_raised(prompt: ChatPrompt | TextPrompt) -> None:
    decoder = wire.decoder(GenerateRequest("r", "m", prompt))
    with pytest.raises(EngineFailure, match="it broke"):
        list(decoder.feed({"error": {"code": 500, "message": "it broke", "type": "server_error"}}))


def test_an_over_long_prompt_names_both_numbers() -> None:
    error = wire.error_from(
        {"error": {"code": 400, "type": "exceed_context_size_error", "message": "", "n_prompt_tokens": 9, "n_ctx": 8}}
    )
    assert isinstance(error, ContextTooLong)
    assert (error.needed, error.available) == (9, 8)


def test_the_engines_words_for_bad_input_stay_a_400() -> None:
    error = wire.error_from({"error": {"code": 400, "message": "no"}}, 400)
    assert isinstance(error, InvalidRequest)
    assert error.message == "no"


TEXT = GenerateRequest("r", "m", TextPrompt(("a",)))
OF_A_FORM: list[tuple[GenerateRequest, str, str | None]] = [
    (replace(chat(), output=Grammar("g", place="regex")), "failed to parse grammar: x", "regex"),
    (replace(chat(), output=Grammar("g")), "Field 'grammar': must be a string", "grammar"),
    (replace(chat(), output=JsonSchema({}, place="text.format")), "JSON schema conversion failed", "text.format"),
    (replace(chat(), output=JsonSchema({}, place="format")), "Field 'response_format': x", "format"),
    (replace(TEXT, output=JsonSchema({}, place="json_schema")), "Field 'json_schema': x", "json_schema"),
    (chat(tools=(Tool("f"),), tool_choice="required"), "failed to parse grammar", "tools"),
    (chat(tools=(Tool("f"),)), "failed to parse grammar", "tools"),
    (chat(tools=(Tool("f"),), tool_choice="none"), "failed to parse grammar", None),
    (replace(TEXT, top_logprobs=1, listed_by="best_of"), "Field 'n_probs': x", "best_of"),
    (chat(), "Field 'top_p': x", "top_p"),
]


@pytest.mark.parametrize(("request_", "message", "param"), OF_A_FORM, ids=str)
def test_what_a_worker_refuses_has_the_clients_name(request_: GenerateRequest, message: str, param: str | None) -> None:
    body: Json = {"error": {"code": 400, "message": message}}
    assert wire.error_from(body, 400, wire.encode(request_).names).param == param
    with pytest.raises(InvalidRequest) as framed:
        list(wire.decoder(request_).feed(cast("dict[str, Json]", body)))
    assert framed.value.param == param


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON, st.integers(0, 999))
def test_any_error_body_is_understood(body: Json, status: int) -> None:
    assert wire.error_from(body, status).message


def test_a_tool_is_spelt_in_the_order_that_models_know() -> None:
    call = wire.encode(chat(tools=(Tool("f", "does f", {"type": "object"}),)))
    (tool,) = cast("list[dict[str, dict[str, object]]]", call.body["tools"])
    assert list(tool["function"]) == ["name", "description", "parameters"]


@pytest.mark.parametrize(("said", "sent"), [(-1, MAX_WINDOW), (0, 0), (64, 64), ((1 << 31) - 1, MAX_WINDOW)])
def test_a_window_without_end_is_one_that_llama_server_takes(said: int, sent: int) -> None:
    sampling = Sampling(repeat_last_n=said)
    call = GgufEngine().encode(GenerateRequest(id="r", model="m", prompt=TextPrompt(("a",)), sampling=sampling))
    assert call.body["repeat_last_n"] == sent


def thought(text: str, predicted: int | None) -> dict[str, Json]:
    frame = delta(reasoning_content=text)
    return frame if predicted is None else {**frame, "timings": {"predicted_n": predicted}}


def test_a_thought_is_counted_by_the_clock_of_its_last_frame() -> None:
    later: dict[str, Json] = {**delta(content="b"), "timings": {"predicted_n": 9}}
    last: dict[str, Json] = {**delta("stop"), "timings": TIMINGS}
    frames = [thought("a", 1), thought("\u00e9", 4), later, last]
    finished = fold(wire.decoder(chat()), frames)[-1]
    assert cast("Finished", finished).usage.reasoning == 4
    assert cast("Finished", finished).timings.predicted_n == 3


def test_a_worker_that_counts_is_believed_and_one_that_does_not_is_not_guessed_for() -> None:
    usage: Json = {"prompt_tokens": 1, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}
    frames = [thought("a", None), delta("stop")]
    counted = fold(wire.decoder(chat()), [*frames, {"choices": [], "usage": usage}])[-1]
    assert cast("Finished", counted).usage.reasoning == 5
    assert cast("Finished", fold(wire.decoder(chat()), frames)[-1]).usage.reasoning is None


def test_a_bounded_thought_as_workers_are_asked_for_it() -> None:
    bounded = GgufEngine().encode(chat(thinking=Thinking(budget=7))).body
    assert (bounded["thinking_budget_tokens"], bounded["reasoning_budget_message"]) == (7, "\n")
    assert bounded["timings_per_token"] is True
    silent = GgufEngine().encode(chat(thinking=Thinking(on=False))).body
    assert not {"thinking_budget_tokens", "timings_per_token"} & silent.keys()


def call(index: int, **function: Json) -> dict[str, Json]:
    return {**delta(tool_calls=[{"index": index, "function": function}]), "timings": TIMINGS}


def test_a_call_without_an_id_is_given_one() -> None:
    events = fold(wire.decoder(chat()), [call(0, name="f"), call(0, arguments="{}"), call(1, name="g"), delta("stop")])
    ids = [event.id for event in events if isinstance(event, ToolCallDelta)]
    assert ids[1] is None
    assert ids[0] and ids[2] and ids[0] != ids[2]  # noqa: PT018  together they say: two, and not the same


def test_an_answer_of_one_call_is_complete_with_the_second() -> None:
    request = chat(tools=(Tool("f"),), parallel_tool_calls=False)
    decoder = wire.decoder(request)
    frames = [call(0, name="f"), call(0, arguments="{}")]
    events = [event for frame in frames for event in decoder.feed(frame)]
    assert not decoder.complete
    assert not list(decoder.feed(call(1, name="f")))
    assert decoder.complete
    (finished,) = decoder.end()
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.usage) == ("tool_calls", Usage(15, 3, 4, 0))
    assert [event.call for event in events if isinstance(event, ToolCallDelta)] == [0, 0]
    assert GgufEngine().encode(request).body["timings_per_token"] is True
