"""Tools that a model may call, the same on both engines; calls that are forced are in `test_structured.py`."""

import json
import re
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


def tool(name: str, about: str, parameter: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


TOOLS = [
    tool("get_weather", "Get the weather in a city.", "city"),
    tool("calculate", "Calculate an arithmetic expression.", "expression"),
]
PARIS = "What is the weather in Paris?"
BOTH = "What is the weather in Paris and London?"
CALLS = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "London"})]


def body(model: str, text: str = PARIS, **fields: Any) -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": text}], "tools": TOOLS, "temperature": 0, "max_tokens": 120}
    return {"model": model, **asked, "enable_thinking": False, **fields}


async def ask(http: aiohttp.ClientSession, sent: dict[str, Any]) -> dict[str, Any]:
    """The choice. The stream has to say the same."""
    async with http.post(CHAT, json=sent) as answer:
        whole = await answer.json()
    assert answer.status == 200, whole
    choice = whole["choices"][0]
    assert await streamed(http, sent) == (choice["message"]["content"] or "", said(choice), choice["finish_reason"])
    return choice


async def streamed(http: aiohttp.ClientSession, sent: dict[str, Any]) -> tuple[str, list[tuple[str, str]], str]:
    async with http.post(CHAT, json={**sent, "stream": True}) as answer:
        lines = [line[6:] for line in (await answer.text()).split("\n") if line.startswith("data: {")]
    chunks = [json.loads(line)["choices"][0] for line in lines]
    calls: list[list[str]] = []
    for delta in (delta for chunk in chunks for delta in chunk["delta"].get("tool_calls", ())):
        assert delta["index"] in (len(calls) - 1, len(calls))
        if delta["index"] == len(calls):  # the first of a call: its id and its name, which come once
            assert (delta["type"], bool(delta["id"])) == ("function", True)
            calls.append([delta["function"]["name"], ""])
        else:
            assert not {"id", "type"} & delta.keys()
            assert "name" not in delta["function"]
        calls[-1][1] += delta["function"]["arguments"]
    text = "".join(chunk["delta"].get("content") or "" for chunk in chunks)
    return text, [(name, arguments) for name, arguments in calls], chunks[-1]["finish_reason"]


def said(choice: dict[str, Any]) -> list[tuple[str, str]]:
    calls: list[dict[str, Any]] = choice["message"].get("tool_calls") or []
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


def read(choice: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, json.loads(arguments)) for name, arguments in said(choice)]


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        ({}, CALLS),
        ({"tool_choice": "auto", "parallel_tool_calls": True}, CALLS),
        ({"parallel_tool_calls": False}, CALLS[:1]),
    ],
    ids=str,
)
async def test_several_calls_and_one(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], calls: list[tuple[str, Any]]
) -> None:
    choice = await ask(http, body(model, BOTH, **fields))
    assert read(choice) == calls
    assert choice["finish_reason"] == "tool_calls"
    assert not choice["message"]["content"]
    ids = [call["id"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == len(calls)
    assert all(re.fullmatch(r"[\w.:-]{8,64}", id_) for id_ in ids)


async def test_the_model_chooses(http: aiohttp.ClientSession, model: str) -> None:
    for text, calls in (("What is 123 * 45?", [("calculate", {"expression": "123 * 45"})]),
                        ("What is the capital of Spain?", [])):  # fmt: skip
        choice = await ask(http, body(model, text))
        assert read(choice) == calls
        assert choice["finish_reason"] == ("tool_calls" if calls else "stop")
    assert choice["message"]["content"] == "The capital of Spain is Madrid."


async def test_none_hides_the_tools(http: aiohttp.ClientSession, model: str) -> None:
    choice = await ask(http, body(model, tool_choice="none"))
    assert (read(choice), choice["message"]["content"]) == ([], "I cannot look up the weather.")
    assert choice["finish_reason"] == "stop"


async def test_one_of_some_tools_has_to_be_called(http: aiohttp.ClientSession, model: str) -> None:
    def allowed(*names: str, mode: str = "required") -> dict[str, Any]:
        tools = [{"type": "function", "function": {"name": name}} for name in names]
        return {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}}

    for names in (["get_weather"], ["calculate"], ["get_weather", "calculate"]):
        choice = await ask(http, body(model, **allowed(*names), parallel_tool_calls=False, max_tokens=400))
        assert [name for name, _ in said(choice) if name in names]
        assert len(said(choice)) == 1
    for wrong in (allowed("get_time"), allowed(), allowed("calculate", mode="auto")):
        async with http.post(CHAT, json=body(model, **wrong)) as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (400, "tool_choice")


async def test_thinking_comes_before_a_call(http: aiohttp.ClientSession, model: str) -> None:
    choice = await ask(http, body(model, enable_thinking=True))
    assert read(choice) == CALLS[:1]
    assert choice["message"]["reasoning"] == "I need the tool get_weather.\n"
    assert choice["message"]["content"] is None


@pytest.mark.parametrize("limit", [1, 2, 5, 9, 12, 16, 18])
async def test_a_limit_within_a_call_leaks_nothing(http: aiohttp.ClientSession, model: str, limit: int) -> None:
    choice = await ask(http, body(model, max_tokens=limit))
    assert choice["finish_reason"] == "length"
    assert not choice["message"]["content"]
    assert all('{"city": "Paris"}'.startswith(arguments) for _, arguments in said(choice))


@pytest.mark.parametrize("stop", ["get_", "city", "Par", '"}'])
async def test_a_stop_string_within_a_call_leaks_nothing(http: aiohttp.ClientSession, model: str, stop: str) -> None:
    choice = await ask(http, body(model, stop=[stop]))
    assert choice["finish_reason"] in {"stop", "tool_calls"}
    assert not choice["message"]["content"]
    assert all('{"city": "Paris"}'.startswith(arguments) for _, arguments in said(choice))
    assert all(stop not in arguments for _, arguments in said(choice))


def turns(*results: dict[str, Any]) -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    return [{"role": "user", "content": PARIS}, called, *({"role": "tool", **result} for result in results)]


RESULT = '{"temperature": 21, "condition": "sunny"}'


@pytest.mark.parametrize(
    "result",
    [
        {"tool_call_id": "call_1", "content": RESULT},
        {"content": RESULT},
        {"tool_call_id": "call_1", "content": [{"type": "text", "text": RESULT[:20]},
                                               {"type": "text", "text": RESULT[20:]}]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_result_is_answered(http: aiohttp.ClientSession, model: str, result: dict[str, Any]) -> None:
    choice = await ask(http, body(model, messages=turns(result)))
    assert (choice["finish_reason"], said(choice)) == ("stop", [])
    assert "sunny" in choice["message"]["content"]
    assert "21" in choice["message"]["content"]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (turns({"tool_call_id": "call_2", "content": "x"}), "messages[2].tool_call_id"),
        ([*turns()[:1], {"role": "tool", "content": "x"}], "messages[1].tool_call_id"),
        ([*turns({"content": "x"}), {"role": "user", "content": "?"}, {"role": "tool", "content": "x"}],
         "messages[4].tool_call_id"),
        ([*turns()[::-1], {"role": "tool", "tool_call_id": "call_9", "content": "x"}], "messages[2].tool_call_id"),
    ],
    ids=["another id", "no call", "no call just before", "no such call"],
)  # fmt: skip
async def test_a_result_without_its_call_is_refused(
    http: aiohttp.ClientSession, model: str, messages: list[dict[str, Any]], param: str
) -> None:
    async with http.post(CHAT, json=body(model, messages=messages)) as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, param)


@pytest.mark.parametrize("parallel", [True, False])
async def test_no_call_names_a_tool_that_was_not_offered(
    http: aiohttp.ClientSession, model: str, *, parallel: bool
) -> None:
    other = [tool("get_weathers", "Get the weather in a city.", "city"), tool("wether", "Weather.", "city")]
    for text in (PARIS, BOTH, "What is 3 + 4?"):
        choice = await ask(http, body(model, text, tools=other, parallel_tool_calls=parallel))
        assert {name for name, _ in said(choice)} <= {"get_weathers", "wether"}
