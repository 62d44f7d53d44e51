"""Requests whose fields are wrong, by the rows of docs/bad-input.md: a 400 that names the field, streamed or not."""

import json
from typing import Any

import aiohttp
import psutil
import pytest

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]
Wrong = list[tuple[dict[str, Any], str]]


def said(*content: Any) -> list[Any]:
    return [{"role": "user", "content": part} for part in content]


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": function}


def form(schema: Any) -> dict[str, Any]:
    named = {"name": "a", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


MESSAGES: Wrong = [
    ({"messages": None}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [None]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role"),
    ({"messages": said(5)}, "messages[0].content"),
    ({"messages": said("hi", [{"text": "x"}])}, "messages[1].content[0].type"),
    ({"messages": said([{"type": "text"}])}, "messages[0].content[0].text"),
    ({"messages": [{"role": "user", "content": "x"}, [HI]]}, "messages[1]"),
]
NO_LIMITS: list[Any] = [-5, "ten", True, [], 1 << 63, 1.5]
LIMITS: Wrong = [({"max_tokens": value}, "max_tokens") for value in NO_LIMITS]
RANGES: Wrong = [
    ({"temperature": -1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": 1.5}, "top_p"),
    ({"top_p": -0.5}, "top_p"),
]
CHOICES: Wrong = [({"n": v}, "n") for v in (0, -1, 10**6, "2", 1.5)]
STOPS: Wrong = [
    ({"stop": 5}, "stop"),
    ({"stop": {}}, "stop"),
    ({"stop": [5]}, "stop[0]"),
    ({"stop": ["x"] * 17}, "stop"),
    ({"stop": "x" * 1025}, "stop"),
]
BIASES: Wrong = [
    ({"logit_bias": "x"}, "logit_bias"),
    ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
    ({"logit_bias": {"999999": 1}}, "logit_bias"),
    ({"logit_bias": {str(1 << 40): 1}}, "logit_bias"),
    ({"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 1 << 31}, "top_logprobs"),
]
FORMS: Wrong = [
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": {"type": "json_schema"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "response_format"),
    (form({"type": "string", "pattern": "^(a+)+(b{1,1000}){1,1000}$"}), "response_format"),
    (form({"type": "array", "items": {"type": "integer"}, "minItems": 10**9}), "response_format"),
    (form({"$ref": "#/$defs/nowhere"}), "response_format"),
    (form({"$ref": "http://127.0.0.1:1/schema.json"}), "response_format"),
    (form({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}), "response_format"),
    (form({"enum": ["x" * 100] * 2000}), "response_format"),
]
TOOLS: Wrong = [
    ({"tools": "x"}, "tools"),
    ({"tools": [5]}, "tools[0]"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [tool()]}, "tools[0].function.name"),
    ({"tools": [tool(name="a b")]}, "tools[0].function.name"),
    ({"tools": [tool(name="f", parameters=5)]}, "tools[0].function.parameters"),
]
PRIVATE: Wrong = [
    ({"n_discard": 10}, "n_discard"),
    ({"lora": [{"id": 0, "scale": 1}]}, "lora"),
    ({"id_slot": 0}, "id_slot"),
    ({"chat_template": "{{ 7 * 7 }}"}, "chat_template"),
    ({"chat_template_kwargs": {"chat_template": "{{ 7 * 7 }}"}}, "chat_template_kwargs.chat_template"),
]


@pytest.fixture(autouse=True, scope="module")
async def worker(server: Running, model: str) -> psutil.Process:
    """The model's, before the first test."""
    async with aiohttp.ClientSession(server.url) as http:
        status, _ = await post(http, {"model": model, "messages": HI, "max_tokens": 1})
        assert status == 200
        return await server.worker(http, model)


@pytest.fixture(autouse=True)
async def survives(server: Running, http: aiohttp.ClientSession, model: str, worker: psutil.Process) -> Any:
    """The same worker answers a normal request after each test."""
    yield
    status, whole = await post(http, {"model": model, "messages": HI, "max_tokens": 1})
    assert (status, whole["object"]) == (200, "chat.completion")
    assert await server.worker(http, model) == worker


async def post(http: aiohttp.ClientSession, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with http.post(CHAT, data=json.dumps(sent).encode()) as answer:
        return answer.status, json.loads(await answer.read())


async def refuses(http: aiohttp.ClientSession, model: str, wrong: Wrong) -> None:
    for fields, param in wrong:
        for stream in (False, True):
            status, answer = await post(http, {"model": model, "messages": HI, "stream": stream, **fields})
            assert status == 400, (fields, answer)
            error = answer["error"]
            assert error["type"] == "invalid_request_error"
            assert str(error["param"]).startswith(param), (fields, error)
            assert error["message"]


@pytest.mark.bad_input("18", "28")
async def test_messages(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, MESSAGES)
    status, answer = await post(http, {"model": model})
    assert (status, answer["error"]["param"]) == (400, "messages")


@pytest.mark.bad_input("19", "28")
async def test_the_limit(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, LIMITS)


@pytest.mark.bad_input("20", "28")
async def test_sampling(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, RANGES)


@pytest.mark.bad_input("21", "28")
async def test_choices(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, CHOICES)


@pytest.mark.bad_input("22", "28")
async def test_stop_strings(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, STOPS)


@pytest.mark.bad_input("23", "28")
async def test_biases_and_probabilities(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, BIASES)


@pytest.mark.bad_input("24", "28")
async def test_forms(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, FORMS)


@pytest.mark.bad_input("25", "28")
async def test_tools(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, TOOLS)


@pytest.mark.bad_input("26", "28")
async def test_what_is_an_engine_s_own(http: aiohttp.ClientSession, model: str) -> None:
    await refuses(http, model, PRIVATE)
    sent = {"model": model, "messages": HI, "max_tokens": 1, "no_api_knows_this": {"%llguidance": 1}}
    async with http.post(CHAT, json=sent) as answer:
        assert (answer.status, answer.headers["x-dovetail-warnings"]) == (200, "unknown field: no_api_knows_this")
