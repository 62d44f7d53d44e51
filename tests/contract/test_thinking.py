"""What a model thinks before it answers: switched, bounded and counted, the same on both engines."""

import asyncio
import json
import re
from typing import Any

import aiohttp
import openai
import pytest

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
THOUGHT = "The user asks for the capital of France. It is Paris.\n"
TOKENS = 16  # of that thought
ANSWER = "The capital of France is Paris."
CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
WEATHER: dict[str, Any] = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 80, **fields}


async def ask(http: aiohttp.ClientSession, sent: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The message, and the tokens that were thought. The stream has to say the same."""
    async with http.post(CHAT, json=sent) as answer:
        whole = await answer.json()
    assert answer.status == 200, whole
    message, usage = whole["choices"][0]["message"], whole["usage"]
    streamed, total = await stream(http, sent)
    assert streamed == {name: message.get(name) or "" for name in streamed}
    assert total["completion_tokens_details"] == usage["completion_tokens_details"]
    return message, usage["completion_tokens_details"]["reasoning_tokens"]


async def stream(http: aiohttp.ClientSession, sent: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The texts of the deltas by name, and the usage."""
    asked = {**sent, "stream": True, "stream_options": {"include_usage": True}}
    async with http.post(CHAT, json=asked) as answer:
        lines = [line[6:] for line in (await answer.text()).split("\n") if line.startswith("data: {")]
    frames: list[dict[str, Any]] = [json.loads(line) for line in lines]
    deltas = [frame["choices"][0]["delta"] for frame in frames if frame["choices"]]
    names = ("content", "reasoning_content", "reasoning")
    return {name: "".join(delta.get(name) or "" for delta in deltas) for name in names}, frames[-1]["usage"]


ON: list[dict[str, Any]] = [
    {"reasoning_effort": "low"},
    {"reasoning_effort": "medium"},
    {"reasoning_effort": "high"},
    {"reasoning_effort": "xhigh"},
    {"enable_thinking": True},
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"chat_template_kwargs": {"thinking": True}, "reasoning_effort": "low"},
    {"reasoning_budget_tokens": -1},
    {"thinking_budget_tokens": 500, "reasoning_effort": "max"},
]
OFF: list[dict[str, Any]] = [
    {"reasoning_effort": "none"},
    {"reasoning_effort": "minimal"},
    {"enable_thinking": False},
    {"chat_template_kwargs": {"enable_thinking": False}},
    {"chat_template_kwargs": {"thinking": False}},
    {"thinking_budget": 0},
    {"reasoning_effort": "none", "reasoning_budget_tokens": 50},
]


@pytest.mark.accept("G5")
@pytest.mark.field("/v1/chat/completions reasoning_effort", "/v1/chat/completions enable_thinking")
@pytest.mark.parametrize("fields", ON, ids=str)
async def test_on(http: aiohttp.ClientSession, model: str, fields: dict[str, Any]) -> None:
    message, thought = await ask(http, body(model, **fields))
    assert message["content"] == ANSWER
    assert message["reasoning_content"] == message["reasoning"] == THOUGHT
    assert thought == TOKENS


@pytest.mark.accept("G5")
@pytest.mark.field("/v1/chat/completions reasoning_effort", "/v1/chat/completions enable_thinking")
@pytest.mark.parametrize("fields", OFF, ids=str)
async def test_off(http: aiohttp.ClientSession, model: str, fields: dict[str, Any]) -> None:
    message, thought = await ask(http, body(model, **fields))
    assert message["content"] == ANSWER
    assert not {"reasoning_content", "reasoning"} & message.keys()
    assert thought == 0


@pytest.mark.accept("G5")
async def test_by_the_models_name(sdk: openai.AsyncOpenAI, http: aiohttp.ClientSession, model: str) -> None:
    for suffix, tokens in (("-thinking", TOKENS), ("-no-thinking", 0)):
        answer = await sdk.chat.completions.create(
            model=model + suffix, messages=[{"role": "user", "content": FRANCE[0]["content"]}], temperature=0
        )
        assert answer.model == model + suffix
        assert answer.choices[0].message.content == ANSWER
        assert answer.usage
        assert answer.usage.completion_tokens_details
        assert answer.usage.completion_tokens_details.reasoning_tokens == tokens
    for route, sent in (
        (CHAT, body("none-thinking")),
        ("/v1/completions", {"model": f"{model}-thinking", "prompt": "a"}),
    ):
        async with http.post(route, json=sent) as missing:
            assert (await missing.json())["error"]["code"] == "model_not_found"


CONTRADICTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"reasoning_effort": "none", "enable_thinking": True}, ["reasoning_effort", "enable_thinking"]),
    ({"reasoning_effort": "high", "chat_template_kwargs": {"enable_thinking": False}},
     ["reasoning_effort", "chat_template_kwargs.enable_thinking"]),
    ({"chat_template_kwargs": {"enable_thinking": True, "thinking": False}},
     ["chat_template_kwargs.enable_thinking", "chat_template_kwargs.thinking"]),
    ({"enable_thinking": True, "reasoning_budget_tokens": 0}, ["enable_thinking", "reasoning_budget_tokens"]),
    ({"thinking_budget": 5, "thinking_budget_tokens": 6}, ["thinking_budget_tokens", "thinking_budget"]),
    ({"reasoning_effort": "low", "chat_template_kwargs": {"reasoning_effort": "high"}},
     ["reasoning_effort", "chat_template_kwargs.reasoning_effort"]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "names"), CONTRADICTIONS, ids=str)
async def test_contradictions_are_named(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], names: list[str]
) -> None:
    async with http.post(CHAT, json=body(model, **fields)) as answer:
        error = (await answer.json())["error"]
    assert answer.status == 400
    assert error["param"] == names[-1]
    assert all(name in error["message"] for name in names)


async def test_a_name_and_a_field_that_contradict_each_other(http: aiohttp.ClientSession, model: str) -> None:
    for suffix, fields in (("-thinking", {"reasoning_effort": "none"}), ("-no-thinking", {"enable_thinking": True})):
        async with http.post(CHAT, json=body(model + suffix, **fields)) as answer:
            error = (await answer.json())["error"]
        assert (answer.status, error["param"]) == (400, next(iter(fields)))
        assert "model and" in error["message"]


@pytest.mark.field("/v1/chat/completions reasoning_budget_tokens")
@pytest.mark.parametrize("budget", [14, 15])
async def test_a_thought_is_closed_at_its_budget(http: aiohttp.ClientSession, model: str, budget: int) -> None:
    message, thought = await ask(http, body(model, reasoning_budget_tokens=budget))
    assert message["content"] == ANSWER
    # The line break that is put before the closing tag makes up for the prompt's after the opening one.
    assert THOUGHT.startswith(message["reasoning"][:-1])
    assert message["reasoning"].endswith("P\n" if budget == 14 else "Par\n")
    assert thought == budget


async def test_a_thought_of_nothing_is_none(http: aiohttp.ClientSession, model: str) -> None:
    message, thought = await ask(http, body(model, reasoning_budget_tokens=1))
    assert ("reasoning" in message, thought) == (False, 0)


async def test_budgets_do_not_mix_in_a_batch(http: aiohttp.ClientSession, model: str) -> None:
    asked = [body(model, reasoning_budget_tokens=budget) for budget in (14, -1, 15)] * 2
    found = await asyncio.gather(*(ask(http, sent) for sent in asked))
    assert [thought for _, thought in found] == [14, TOKENS, 15] * 2
    assert {message["content"] for message, _ in found} == {ANSWER}


async def test_a_bounded_thought_before_a_call_and_before_a_form(http: aiohttp.ClientSession, model: str) -> None:
    weather = [{"role": "user", "content": "What is the weather in Paris?"}]
    message, thought = await ask(http, body(model, messages=weather, tools=[WEATHER], reasoning_budget_tokens=7))
    assert (message["reasoning"], thought, message["content"]) == ("I need the tool\n", 7, None)
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather"]
    forced = body(model, messages=weather, tools=[WEATHER], reasoning_budget_tokens=7)
    forced["tool_choice"] = {"type": "function", "function": {"name": "get_weather"}}
    message, thought = await ask(http, forced)
    assert thought == 7
    assert len(message["tool_calls"]) == 1
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": CITY}}
    message, thought = await ask(http, body(model, response_format=form, reasoning_budget_tokens=9))
    assert (json.loads(message["content"]), thought) == ({"city": "Paris"}, 9)


async def test_a_limit_inside_the_thought(http: aiohttp.ClientSession, model: str) -> None:
    message, thought = await ask(http, body(model, reasoning_effort="high", max_tokens=7))
    assert (message["content"], message["reasoning"]) == ("", "The user asks for the capital of")
    assert thought == 7


async def test_the_count_is_of_tokens_not_of_pieces(http: aiohttp.ClientSession, model: str) -> None:
    hello = [{"role": "user", "content": "안녕"}]
    message, thought = await ask(http, body(model, messages=hello, enable_thinking=True))
    async with http.post("/tokenize", json={"model": model, "content": message["reasoning"]}) as answer:
        assert len((await answer.json())["tokens"]) == thought == 7


async def test_thoughts_of_several_choices_are_summed(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post(CHAT, json=body(model, n=3, reasoning_effort="low")) as answer:
        whole = await answer.json()
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3 * TOKENS}


async def test_a_thought_that_is_brought_back(http: aiohttp.ClientSession, model: str) -> None:
    for name in ("reasoning", "reasoning_content"):
        turns = [*FRANCE, {"role": "assistant", "content": ANSWER, name: THOUGHT}, *FRANCE]
        message, _ = await ask(http, body(model, messages=turns, reasoning_effort="none"))
        assert message["content"] == ANSWER
    both = {"role": "assistant", "content": ANSWER, "reasoning": "a", "reasoning_content": "b"}
    async with http.post(CHAT, json=body(model, messages=[*FRANCE, both, *FRANCE])) as answer:
        assert answer.status == 400


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, {"reasoning_effort": "enormous"}, "reasoning_effort"),
    (CHAT, {"reasoning_budget_tokens": -2}, "reasoning_budget_tokens"),
    (CHAT, {"reasoning_format": "none"}, "reasoning_format"),
    (CHAT, {"chat_template_kwargs": {"enable_thinking": "false"}}, "chat_template_kwargs.enable_thinking"),
    (CHAT, {"chat_template_kwargs": {"date_string": "today"}}, "chat_template_kwargs.date_string"),
    ("/v1/completions", {"prompt": "a", "reasoning_budget_tokens": 5}, "reasoning_budget_tokens"),
    ("/completion", {"prompt": "a", "reasoning_budget_tokens": 5}, "reasoning_budget_tokens"),
]


@pytest.mark.parametrize(("route", "fields", "param"), REFUSED, ids=str)
async def test_refused_by_name(
    http: aiohttp.ClientSession, model: str, route: str, fields: dict[str, Any], param: str
) -> None:
    sent = body(model, **fields) if route == CHAT else {"model": model, **fields}
    async with http.post(route, json=sent) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["param"]) == (400, param), error


CITIES = 'root ::= city ("\\n" city)?\ncity ::= "Paris!" | "Seoul?"\n'
FORMS: list[tuple[dict[str, Any], str]] = [
    ({"regex": "[ab]{5}"}, "[ab]{5}"),
    ({"grammar": CITIES}, r"(Paris!|Seoul\?)(\n(Paris!|Seoul\?))?"),
    ({"grammar": 'root ::= "</think>" [x]{2} "<think>"'}, "</think>xx<think>"),
    ({"grammar": 'root ::= "x" . ()? .{2} "y" # root'}, "x...y"),
    ({"regex": "x()?y"}, "xy"),
]


@pytest.mark.field("/v1/chat/completions grammar", "/v1/chat/completions regex")
@pytest.mark.accept("E16")
@pytest.mark.parametrize(("form", "wanted"), FORMS, ids=str)
async def test_a_grammar_holds_after_the_thought(
    http: aiohttp.ClientSession, model: str, form: dict[str, Any], wanted: str
) -> None:
    for more in ({}, {"temperature": 1.0, "seed": 5, "max_tokens": 200}):
        message, thought = await ask(http, body(model, enable_thinking=True, **form, **more))
        assert re.fullmatch(wanted, message["content"]), message
        assert more or (message["reasoning_content"], thought) == (THOUGHT, TOKENS)
    message, thought = await ask(http, body(f"{model}-thinking", **form))
    assert (message["reasoning"], thought) == (THOUGHT, TOKENS)
    message, thought = await ask(http, body(f"{model}-no-thinking", **form))
    assert re.fullmatch(wanted, message["content"]), message
    assert ("reasoning" in message, thought) == (False, 0)


async def test_a_bounded_thought_before_a_grammar(http: aiohttp.ClientSession, model: str) -> None:
    sent = [body(model, reasoning_budget_tokens=budget, regex="[ab]{4}") for budget in (14, -1, 15, 0)] * 2
    found = await asyncio.gather(*(ask(http, one) for one in sent))
    assert [thought for _, thought in found] == [14, TOKENS, 15, 0] * 2
    assert all(re.fullmatch("[ab]{4}", message["content"]) for message, _ in found)


async def test_what_cuts_a_grammar_after_a_thought(http: aiohttp.ClientSession, model: str) -> None:
    long = body(model, enable_thinking=True, regex="[ab]{40}")
    message, thought = await ask(http, long | {"max_tokens": 7})
    assert (message["content"], message["reasoning"], thought) == ("", "The user asks for the capital of", 7)
    message, _ = await ask(http, long | {"max_tokens": TOKENS + 6})
    assert re.fullmatch("[ab]{1,20}", message["content"])
    message, _ = await ask(http, long | {"stop": ["a", "b"]})
    assert (message["content"], message["reasoning"][:8]) == ("", "The user"[: len(message["reasoning"])])


async def test_log_probabilities_of_a_thought_and_its_grammar(http: aiohttp.ClientSession, model: str) -> None:
    sent = body(model, enable_thinking=True, regex="[ab]{4}", logprobs=True, top_logprobs=1)
    async with http.post(CHAT, json=sent) as answer:
        whole = await answer.json()
    assert answer.status == 200, whole
    (found,) = whole["choices"]
    entries = found["logprobs"]["content"]
    assert bytes(byte for entry in entries for byte in entry["bytes"]).decode() == found["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 1 and entry["logprob"] <= 0 for entry in entries)
    assert found["message"]["reasoning"] == THOUGHT
