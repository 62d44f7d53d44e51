"""What workers are asked for, and forced calls read out of any pieces of text."""

import json
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, FinishReason, ReasoningDelta, TextDelta, ToolCallDelta
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    Json,
    JsonObject,
    JsonSchema,
    Message,
    NamedTool,
    OutputFormat,
    TextPart,
    TextPrompt,
    Thought,
    Tool,
    ToolChoice,
)
from dovetail.core.thought import thoughtful
from dovetail.engines import wire
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine

TOOLS = (
    Tool(
        "f", arguments={"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "null"}}}
    ),
    Tool("g"),
)


def request(choice: ToolChoice = "auto", output: OutputFormat | None = None, **more: object) -> GenerateRequest:
    prompt = ChatPrompt((Message("user", (TextPart("hi"),)),), TOOLS, choice, **more)  # type: ignore[arg-type]
    return GenerateRequest("r", "m", prompt, output=output or wire.structured.PlainText())


def schema(sent: GenerateRequest) -> JsonObject:
    form = cast("JsonObject", wire.encode(sent).body["response_format"])
    return cast("JsonObject", cast("JsonObject", form["json_schema"])["schema"])


def test_a_named_call_is_one_object_and_required_ones_are_a_list() -> None:
    one = schema(request(NamedTool("g")))
    assert (one["type"], one["required"]) == ("object", ["name", "arguments"])
    many = schema(request("required"))
    assert (many["type"], many["minItems"]) == ("array", 1)
    assert schema(request("required", parallel_tool_calls=False)).keys() == {"anyOf", "$defs"}
    assert many["$defs"] == {"t0.n": {"type": "null"}}
    assert '"#/$defs/t0.n"' in json.dumps(many)


def test_forced_tools_stay_in_the_prompt_and_the_choice_is_not_sent() -> None:
    body = wire.encode(request("required")).body
    assert len(cast("list[Json]", body["tools"])) == 2
    assert "tool_choice" not in body


def test_forms_in_the_fields_of_llama_server() -> None:
    text = GenerateRequest("r", "m", TextPrompt(("a",)), output=JsonSchema({"type": "null"}))
    assert cast("JsonObject", wire.encode(text).body["json_schema"])["type"] == "null"
    assert wire.encode(GenerateRequest("r", "m", TextPrompt(("a",)), output=Grammar("g"))).body["grammar"] == "g"
    chat = wire.encode(request(output=Grammar("g"))).body
    assert (chat["grammar"], chat["chat_template_kwargs"]) == ("g", {"enable_thinking": False})


def test_llama_servers_grammar_has_the_thought_in_it() -> None:
    held = request(output=Grammar('root ::= "a"', Thought("<think>", "</think>", opened=True)))
    call = GgufEngine().encode(held).body
    assert call["grammar"] == thoughtful('root ::= "a"', "<think>", "</think>", opened=True)
    assert "chat_template_kwargs" not in call
    assert MlxEngine().encode(held).body["grammar"] == 'root ::= "a"'  # its worker knows where a thought ends


def test_llama_server_may_not_open_a_thought_where_there_is_to_be_none() -> None:
    off = request(output=JsonSchema({"type": "null"}), template_options={"enable_thinking": False})
    assert GgufEngine().encode(off).body["reasoning_format"] == "none"
    assert "reasoning_format" not in GgufEngine().encode(request(output=JsonSchema({"type": "null"}))).body


def read(text: str, cuts: list[int], reason: FinishReason = "stop") -> list[Event]:
    decoder = wire.decoder(request("required"), 1)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    events: list[Event] = []
    for start, end in pairwise(places):
        events += decoder.feed({"choices": [{"index": 0, "delta": {"content": text[start:end]}}]})
    events += decoder.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return [*events, *decoder.end()]


ARGUMENTS: list[JsonObject] = [{}, {"a": '}"\\{['}, {"a": {"b": [1, {"c": "é\n"}]}, "name": "x"}]


@given(
    st.lists(st.integers(0, 500), max_size=30),
    st.sampled_from([None, 1]),
    st.lists(st.sampled_from(ARGUMENTS), min_size=1),
)
def test_calls_are_read_out_of_any_pieces(cuts: list[int], indent: int | None, arguments: list[JsonObject]) -> None:
    calls = [{"name": f'f"{i}', "arguments": value} for i, value in enumerate(arguments)]
    *deltas, last = read(json.dumps(calls, indent=indent), cuts)
    found: dict[int, list[ToolCallDelta]] = {}
    for delta in deltas:
        assert isinstance(delta, ToolCallDelta)
        assert delta.index == 1
        found.setdefault(delta.call, []).append(delta)
    assert [pieces[0].name for pieces in found.values()] == [call["name"] for call in calls]
    assert [json.loads("".join(p.arguments for p in pieces)) for pieces in found.values()] == arguments
    assert len({pieces[0].id for pieces in found.values()}) == len(calls)
    assert isinstance(last, Finished)
    assert last.reason == "tool_calls"


def test_a_call_cut_by_the_limit_says_so() -> None:
    *deltas, last = read('{"name": "f", "arguments": {"a": "b', [], "length")
    assert "".join(d.arguments for d in deltas if isinstance(d, ToolCallDelta)) == '{"a": "b'
    assert isinstance(last, Finished)
    assert last.reason == "length"


@pytest.mark.parametrize("text", ["", "I cannot.", "x" * 5000, '{"name": "f", "arguments": {"a"'])
def test_text_that_is_no_call_is_a_failure_and_never_shown(text: str) -> None:
    with pytest.raises(EngineFailure):
        read(text, [])


def test_a_grammars_text_is_the_answer_even_inside_a_thought() -> None:
    decoder = wire.decoder(request(output=Grammar("g")))
    frame: dict[str, Json] = {"choices": [{"index": 0, "delta": {"reasoning_content": "x"}}]}
    assert list(decoder.feed(frame)) == [TextDelta("x")]
    decoder = wire.decoder(request(output=Grammar("g", Thought("<think>", "</think>"))))
    assert list(decoder.feed(frame)) == [ReasoningDelta("x")]
