"""Answers in a form and forced tool calls, the same on both engines."""

import asyncio
import io
import json
import re
from functools import reduce
from typing import Annotated, Any, cast

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, Field

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the weather in Paris?"}]
PLAIN: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
THINKING: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": True}}
XML = 'root ::= "<city>" name "</city>\\n"\nname ::= [A-Z] [a-z]{1,9} | "\\u00e9t\\u00e9"\n'


def record(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


WORD = {"type": "string", "maxLength": 6}
TREE = record(
    value={"type": "integer", "minimum": 0, "maximum": 9}, left={"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}
)
# A schema, and what the parsed answer has to be.
SCHEMAS: dict[str, tuple[dict[str, Any], Any]] = {
    "object": (record(city=WORD, warm={"type": "boolean"}), {"city": str, "warm": bool}),
    "enum": (record(colour={"type": "string", "enum": ["red", "blue"]}), {"colour": {"red", "blue"}}),
    "root enum": ({"enum": ["red", 3, None]}, {"red", 3, None}),
    "const": (record(kind={"const": "x"}), {"kind": {"x"}}),
    "nested": (record(a=record(b=record(c={"type": "null"}))), {"a": {"b": {"c": type(None)}}}),
    "array": ({"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 5}, "minItems": 2, "maxItems": 3},
              [{3, 4, 5}]),
    "any of": (record(a={"anyOf": [{"type": "boolean"}, {"type": "null"}]}), {"a": {True, False, None}}),
    "types": (record(a={"type": ["boolean", "null"]}), {"a": {True, False, None}}),
    "one of": (record(a={"oneOf": [{"type": "boolean"}, {"type": "null"}]}), {"a": {True, False, None}}),
    "pattern": (record(a={"type": "string", "pattern": "^[ab]{3}-\\d$"}), {"a": re.compile("[ab]{3}-[0-9]")}),
    "date": (record(a={"type": "string", "format": "date"}), {"a": re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")}),
    "uuid": (record(a={"type": "string", "format": "uuid"}), {"a": re.compile("[0-9a-fA-F-]{36}")}),
    "length": (record(a={"type": "string", "minLength": 2, "maxLength": 4}), {"a": re.compile(".{2,4}", re.DOTALL)}),
    "escapes": (record(a={"type": "string", "pattern": r"^a\+\-#&'/\[\]\.\*$"}), {"a": {"a+-#&'/[].*"}}),
    "least": (record(a={"type": "integer", "minimum": 100}), {"a": re.compile("[1-9][0-9]{2,}")}),
    "most": (record(a={"type": "integer", "maximum": -5}), {"a": re.compile("-([5-9]|[1-9][0-9]+)")}),
    "bounds": (record(a={"type": "integer", "exclusiveMinimum": -6, "maximum": -2}), {"a": {-5, -4, -3, -2}}),
    "string": ({"type": "string", "enum": ["red", "blue"]}, {"red", "blue"}),
    "reference": ({**record(a={"$ref": "#/$defs/flag"}), "$defs": {"flag": {"type": "boolean"}}}, {"a": bool}),
}  # fmt: skip


def fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        named = cast("dict[str, Any]", wanted)
        return value.keys() == named.keys() and all(fits(value[key], named[key]) for key in named)
    if isinstance(wanted, list):
        return 2 <= len(value) <= 3 and all(fits(item, wanted[0]) for item in value)
    if isinstance(wanted, re.Pattern):
        return bool(cast("re.Pattern[str]", wanted).fullmatch(str(value)))
    return type(value) is wanted if isinstance(wanted, type) else value in wanted


def form(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": ASKED, "temperature": 0, "max_tokens": 200, **PLAIN, **fields}


async def choice(http: aiohttp.ClientSession, sent: dict[str, Any]) -> dict[str, Any]:
    async with http.post(CHAT, json=sent) as answer:
        whole = await answer.json()
        assert answer.status == 200, whole
    return whole["choices"][0]


@pytest.mark.field("/v1/chat/completions response_format")
@pytest.mark.accept("E16")
@pytest.mark.parametrize("name", SCHEMAS)
async def test_answers_match_their_schema(http: aiohttp.ClientSession, model: str, name: str) -> None:
    schema, wanted = SCHEMAS[name]
    for more in ({}, {"temperature": 1.5, "seed": 3}, THINKING):
        found = await choice(http, body(model, response_format=form(schema), **more))
        assert found["finish_reason"] == "stop", found
        assert fits(json.loads(found["message"]["content"]), wanted), found


async def test_a_native_completion_matches_its_schema(http: aiohttp.ClientSession, model: str) -> None:
    for schema, wanted in SCHEMAS.values():
        sent = {"model": model, "prompt": "User: hi\nAnswer: ", "json_schema": schema, "n_predict": 300}
        async with http.post("/completion", json=sent) as answer:
            whole = await answer.json()
        assert answer.status == 200
        assert whole["stop_type"] == "eos", (schema, whole)
        assert fits(json.loads(whole["content"]), wanted), (schema, whole)


@pytest.mark.parametrize(
    "fields",
    [{"response_format": form(record(city=WORD))}, {"grammar": 'root ::= "été: " [a-c]{5}'}, {"regex": "[ab]{5}"}],
)
async def test_log_probabilities_of_an_answer_in_a_form(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any]
) -> None:
    found = await choice(http, body(model, logprobs=True, top_logprobs=2, **fields))
    entries = found["logprobs"]["content"]
    assert bytes(byte for entry in entries for byte in entry["bytes"]).decode() == found["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 2 and entry["logprob"] <= 0 for entry in entries)
    async with http.post("/completion", json={"model": model, "prompt": "a", "regex": "[ab]{5}", "n_probs": 2}) as sent:
        whole = await sent.json()
    assert sent.status == 200, whole
    listed = whole["completion_probabilities"]
    assert "".join(entry["token"] for entry in listed) == whole["content"]
    # The model's own numbers: what the form bars is among the rivals.
    assert {rival["token"] for entry in listed for rival in entry["top_logprobs"]} - {"a", "b"}


async def test_log_probabilities_of_a_forced_call_are_refused(http: aiohttp.ClientSession, model: str) -> None:
    asked = body(model, logprobs=True, tools=TOOLS, tool_choice="required")
    async with http.post(CHAT, json=asked) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == "logprobs"


async def test_any_object(http: aiohttp.ClientSession, model: str) -> None:
    found = await choice(http, body(model, response_format={"type": "json_object"}))
    assert found["message"]["content"].startswith("{")
    if found["finish_reason"] == "stop":
        assert isinstance(json.loads(found["message"]["content"]), dict)


async def test_a_definition_that_refers_to_itself(http: aiohttp.ClientSession, model: str) -> None:
    schema = {"$ref": "#/$defs/tree", "$defs": {"tree": TREE}}
    found = await choice(http, body(model, response_format=form(schema)))
    text = re.sub(r"\s", "", found["message"]["content"])
    assert re.match(r'\{"value":[0-9],"left":(null|\{)', text)


async def test_max_tokens_and_stop_cut_a_form(http: aiohttp.ClientSession, model: str) -> None:
    schema = form(record(city={"enum": ["Paris"]}, n={"type": "integer"}))
    assert (await choice(http, body(model, response_format=schema, max_tokens=2)))["finish_reason"] == "length"
    found = await choice(http, body(model, response_format=schema, stop=["aris"]))
    assert found["finish_reason"] == "stop"
    assert found["message"]["content"].endswith("P")


async def test_forms_and_free_text_in_one_batch(http: aiohttp.ClientSession, model: str) -> None:
    schema, wanted = SCHEMAS["object"]
    asked = [body(model, response_format=form(schema)), body(model, max_tokens=20), body(model, grammar=XML)] * 2
    found = [c["message"]["content"] for c in await asyncio.gather(*(choice(http, sent) for sent in asked))]
    assert [fits(json.loads(text), wanted) for text in found[::3]] == [True, True]
    assert all(re.fullmatch("<city>([A-Z][a-z]{1,9}|été)</city>\n", text) for text in found[2::3])
    assert found[1] == found[4]


@pytest.mark.accept("E16")
@pytest.mark.parametrize("thinking", [{}, {"chat_template_kwargs": {}}])
async def test_an_xml_grammar(http: aiohttp.ClientSession, model: str, thinking: dict[str, Any]) -> None:
    found = await choice(http, body(model, grammar=XML, **thinking))
    assert re.fullmatch("<city>([A-Z][a-z]{1,9}|été)</city>\n", found["message"]["content"])
    assert found["finish_reason"] == "stop"
    sent = {"model": model, "prompt": "The capital is", "grammar": XML, "n_predict": 60}
    async with http.post("/completion", json=sent) as answer:
        assert re.fullmatch("<city>([A-Z][a-z]{1,9}|été)</city>\n", (await answer.json())["content"])


@pytest.mark.parametrize("regex", [r"^\d{3}-[a-z]{2}$", r"(yes|no)", r"[^a-z\s]{2,4}", r"été\.{2}"])
async def test_a_regular_expression(http: aiohttp.ClientSession, model: str, regex: str) -> None:
    found = await choice(http, body(model, regex=regex, temperature=1, seed=1))
    assert re.fullmatch(regex, found["message"]["content"]), found
    async with http.post("/v1/completions", json={"model": model, "prompt": "a", "regex": regex}) as answer:
        assert re.fullmatch(regex, (await answer.json())["choices"][0]["text"])


class Weather(BaseModel):
    city: Annotated[str, Field(max_length=8)]
    days: Annotated[list[Annotated[int, Field(ge=0, le=9)]], Field(max_length=3)]


async def test_the_sdk_parses_an_answer(sdk: openai.AsyncOpenAI, model: str) -> None:
    parsed = await sdk.chat.completions.parse(
        model=model, messages=ASKED, response_format=Weather, temperature=0, max_tokens=400, extra_body=PLAIN
    )
    assert isinstance(parsed.choices[0].message.parsed, Weather)


def tool(name: str, **properties: Any) -> ChatCompletionToolParam:
    return {"type": "function", "function": {"name": name, "parameters": record(**properties)}}


TOOLS = [tool("get_weather", city=WORD), tool("add", a={"type": "integer"}, b={"$ref": "#/$defs/n"})]
TOOLS[1]["function"]["parameters"]["$defs"] = {"n": {"type": "integer", "maximum": 9, "minimum": 0}}  # type: ignore[index]


@pytest.mark.field("/v1/chat/completions tool_choice", "/v1/chat/completions tools")
@pytest.mark.parametrize("more", [PLAIN, THINKING])
async def test_a_named_tool_is_called_once(sdk: openai.AsyncOpenAI, model: str, more: dict[str, Any]) -> None:
    asked: dict[str, Any] = {
        "model": model, "messages": ASKED, "tools": TOOLS, "temperature": 0, "max_tokens": 200, "extra_body": more,
        "tool_choice": {"type": "function", "function": {"name": "add"}},
    }  # fmt: skip
    create = cast("Any", sdk.chat.completions.create)
    whole = await create(**asked)
    assert whole.choices[0].finish_reason == "tool_calls"
    assert not whole.choices[0].message.content
    (call,) = cast("list[Any]", whole.choices[0].message.tool_calls)
    assert call.type == "function"
    assert call.function.name == "add"
    arguments = json.loads(call.function.arguments)
    assert 0 <= arguments["b"] <= 9
    stream = await create(**asked, stream=True)
    chunks = [chunk.choices[0] async for chunk in stream]
    deltas = [d for chunk in chunks for d in cast("list[Any]", chunk.delta.tool_calls or [])]
    assert [d.function.name for d in deltas if d.function and d.function.name] == ["add"]
    assert deltas[0].id
    assert len(deltas) > 2
    assert json.loads("".join(d.function.arguments or "" for d in deltas if d.function)) == arguments
    assert not any(chunk.delta.content for chunk in chunks)
    assert chunks[-1].finish_reason == "tool_calls"


@pytest.mark.field("/v1/chat/completions parallel_tool_calls", "/v1/chat/completions tool_choice")
@pytest.mark.parametrize("parallel", [True, False])
async def test_some_tool_is_called(http: aiohttp.ClientSession, model: str, parallel: bool) -> None:
    sent = body(model, tools=TOOLS, tool_choice="required", parallel_tool_calls=parallel, max_tokens=1000)
    sent["tools"] = [{**t, "function": {**t["function"], "strict": True}} for t in TOOLS]
    found = await choice(http, sent)
    assert found["finish_reason"] == "tool_calls", found
    calls = found["message"]["tool_calls"]
    assert 1 <= len(calls) <= (16 if parallel else 1)
    assert {call["function"]["name"] for call in calls} <= {"get_weather", "add"}
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in calls)
    assert len({call["id"] for call in calls}) == len(calls)


DEEP = reduce(lambda inner, _: {"anyOf": [inner]}, range(28), cast("dict[str, Any]", {"type": "boolean"}))
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"response_format": form({"type": "x"})}, "response_format"),
    ({"response_format": form({"$ref": "http://127.0.0.1/x"})}, "response_format"),
    ({"response_format": form({"$ref": "#/$defs/x"})}, "response_format"),
    ({"response_format": form({"enum": []})}, "response_format"),
    ({"response_format": form(record(a=False))}, "response_format"),
    ({"response_format": form({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}})}, "response_format"),
    ({"response_format": form({"$ref": "#/$defs/x", "$defs": {"x": record(a={"$ref": "#/$defs/x"})}})},
     "response_format"),
    ({"response_format": form({"not": {}})}, "response_format"),
    ({"response_format": form(record(a={"type": "string", "pattern": "^(a*)*$"}))}, "response_format"),
    ({"response_format": form(record(a={"type": "string", "pattern": "^((a{1,99}){1,99}){1,99}$"}))},
     "response_format"),
    ({"response_format": form({"type": "array", "minItems": 1_000_000})}, "response_format"),
    ({"response_format": form({"type": "integer", "minimum": 3, "maximum": 2})}, "response_format"),
    ({"response_format": form({"x-guidance": {"lenient": True}, "type": "object"})}, "response_format"),
    ({"response_format": form({"enum": ["x" * 70_000]})}, "response_format"),
    ({"json_schema": {"required": ["a"], "type": "object"}}, "json_schema"),
    ({"grammar": "%llguidance {}\nstart: /a/"}, "grammar"),
    ({"grammar": " %llguidance {}\nstart: /a/"}, "grammar"),
    ({"grammar": "root ::= root | root"}, "grammar"),
    ({"grammar": 'root ::= (("a"{1,999}){1,999}){1,999}'}, "grammar"),
    ({"grammar": "root ::= " + "(" * 20_000}, "grammar"),
    ({"grammar": "x" * 70_000}, "grammar"),
    ({"grammar": XML, "regex": "a"}, "regex"),
    ({"grammar": XML, "response_format": form({"type": "null"})}, "grammar"),
    ({"grammar": XML, "tools": TOOLS}, "grammar"),
    ({"grammar": XML, "ignore_eos": True}, "grammar"),
    ({"regex": "(?=a)b"}, "regex"),
    ({"regex": "(a*)*b"}, "regex"),
    ({"regex": "((a{1,99}){1,99}){1,99}"}, "regex"),
    ({"regex": "(" * 4000}, "regex"),
    ({"regex": "(((a?){1,20}b?){1,20}c?){1,20}"}, "regex"),
    ({"regex": "[a-z]?" * 30}, "regex"),
    ({"regex": "%llguidance {}\nstart: /a/ \\1"}, "regex"),
    ({"response_format": form(record(a={"type": "string", "pattern": "^(((a?){1,20}b?){1,20}c?){1,20}$"}))},
     "response_format"),
    ({"response_format": form({"type": "object", "properties": {f"p{i}": {"type": "null"} for i in range(900)}})},
     "response_format"),
    ({"response_format": form({"$ref": "#/$defs/a", "$defs": {
        f"{c}": {"anyOf": [{"$ref": f"#/$defs/{d}"}] * 200} for c, d in ("ab", "bc", "ca")}})}, "response_format"),
    ({"grammar": "root ::= " + '("" | "") ' * 40 + '"a"'}, "grammar"),
    ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "none"}}}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": TOOLS, "tool_choice": "required", "ignore_eos": True}, "tool_choice"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=lambda v: str(v)[:40])
async def test_what_cannot_be_followed_is_refused_at_once(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], param: str
) -> None:
    async with asyncio.timeout(10), http.post(CHAT, json=body(model, **fields)) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["param"]) == (400, param), error


async def test_a_huge_schema_is_refused_at_once_and_the_next_request_is_answered(
    http: aiohttp.ClientSession, model: str
) -> None:
    huge = body(model, response_format=form({"enum": ["x" * 1000] * 10_000}))
    sent, headers = io.BytesIO(json.dumps(huge).encode()), {"Content-Type": "application/json"}
    async with asyncio.timeout(20), http.post(CHAT, data=sent, headers=headers) as answer:
        assert answer.status in (400, 413)
    assert (await choice(http, body(model, response_format=form({"enum": [1]}))))["message"]["content"] == "1"


@pytest.mark.accept("E16")
@pytest.mark.parametrize("more", [PLAIN, THINKING])
async def test_an_answer_in_a_form_is_streamed(sdk: openai.AsyncOpenAI, model: str, more: dict[str, Any]) -> None:
    schema, wanted = SCHEMAS["object"]
    create = cast("Any", sdk.chat.completions.create)
    asked: dict[str, Any] = {"model": model, "messages": ASKED, "temperature": 0, "max_tokens": 400, "stream": True}
    chunks = [c async for c in await create(**asked, response_format=form(schema), extra_body=more)]
    pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    thought = "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks if c.choices)
    assert len(pieces) > 2
    assert fits(json.loads("".join(pieces)), wanted)
    assert bool(thought) is (more is THINKING)
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]


async def test_any_value(http: aiohttp.ClientSession, model: str) -> None:
    texts: list[str] = []
    for seed in range(6):
        found = await choice(http, body(model, response_format=form({}), temperature=2, seed=seed, max_tokens=60))
        if found["finish_reason"] == "stop":
            texts.append(found["message"]["content"])
    assert texts
    assert any(not isinstance(json.loads(text), dict) for text in texts)


async def test_a_schema_at_its_bounds_is_followed(http: aiohttp.ClientSession, model: str) -> None:
    found = await choice(http, body(model, response_format=form(record(a=DEEP))))
    assert isinstance(json.loads(found["message"]["content"])["a"], bool)
    many = record(**{f"p{i}": {"type": "boolean"} for i in range(300)})
    async with asyncio.timeout(20):
        assert (await choice(http, body(model, response_format=form(many), max_tokens=20)))["finish_reason"] == "length"
    wide = record(a={"type": "string", "maxLength": 5000}, b={"type": "array", "items": WORD, "maxItems": 1000})
    async with asyncio.timeout(20):
        await choice(http, body(model, response_format=form(wide), max_tokens=20))
    await choice(http, body(model, regex="a{1,1000}b{1,1000}", max_tokens=20))
