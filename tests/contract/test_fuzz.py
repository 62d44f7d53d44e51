"""Nothing a client sends may surprise: an answer that is documented, the same on both engines, by workers that live on.

The bodies are chosen anew by whoever changes a strategy, and are the same in every run.
"""

import json
from typing import Any

import aiohttp
import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ..process.serving.running import Running  # noqa: TID252  a type
from .bodies import MESSAGES, SOUND, no_json, out_of_joint
from .document import DOCUMENT

pytestmark = pytest.mark.anyio

MODELS = ("tiny-gguf", "tiny-mlx")
BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Answer:
    """What of an answer both engines have in common, once it has been held against the document."""

    def __init__(self, path: str, status: int, media_type: str, body: bytes) -> None:
        assert str(status) in DOCUMENT["paths"][path]["post"]["responses"], (path, status, body)
        assert status < 500, (path, status, body)
        self.status = status
        self.param: str | None = None
        self.code = ""
        if status == 200:
            if media_type == "text/event-stream":
                last = [line for line in body.split(b"\n") if line.startswith(b"data: ")][-1]
                assert last == b"data: [DONE]" or _is_last(json.loads(last[6:])), last
            else:
                json.loads(body)
            return
        error = json.loads(body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        own = {"not_found_error"} if path.startswith(MESSAGES) else set[str]()
        assert error["type"] in {"invalid_request_error", *own}
        assert error["message"]
        self.param, self.code = error["param"], error["code"]


def _is_last(event: dict[str, Any]) -> bool:
    last = {"message_stop", "response.completed", "response.incomplete"}
    return event.get("stop") is True or event.get("type") in last


@pytest.fixture(autouse=True, scope="module")
async def workers(server: Running) -> list[psutil.Process]:
    """Those that are there before the first test."""
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as http:
        for model in MODELS:
            await _paris(http, model)
        return [await server.worker(http, model) for model in MODELS]


async def _paris(http: aiohttp.ClientSession, model: str) -> None:
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "temperature": 0,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    status, _, body = await _post(http, "/v1/chat/completions", json.dumps(asked).encode())
    assert status == 200
    assert "Paris" in json.loads(body)["choices"][0]["message"]["content"]


async def _post(
    http: aiohttp.ClientSession, path: str, data: bytes, media_type: str | None = "application/json"
) -> tuple[int, str, bytes]:
    headers = {} if media_type is None else {"content-type": media_type}
    skipped = ["content-type"] if media_type is None else []
    async with http.post(path, data=data, headers=headers, skip_auto_headers=skipped) as answer:
        return answer.status, answer.content_type, await answer.read()


@pytest.mark.parametrize(("path", "body"), SOUND, ids=[path for path, _ in SOUND])
async def test_the_bodies_are_sound(http: aiohttp.ClientSession, model: str, path: str, body: dict[str, Any]) -> None:
    answer = Answer(path, *await _post(http, path, json.dumps({"model": model, **body}).encode()))
    assert answer.status == 200


@settings(BOUNDED, max_examples=150)
@given(asked=out_of_joint(MODELS[0]))
async def test_what_is_out_of_joint(http: aiohttp.ClientSession, asked: tuple[str, dict[str, Any]]) -> None:
    path, body = asked
    gguf = Answer(path, *await _post(http, path, json.dumps(body).encode()))
    if gguf.status == 400 and not gguf.code.startswith("invalid_json"):
        assert gguf.param is not None or gguf.code == "json_too_deep"
    if body.get("model") != MODELS[0]:
        return
    mlx = Answer(path, *await _post(http, path, json.dumps({**body, "model": MODELS[1]}).encode()))
    assert (mlx.status, mlx.param, mlx.code) == (gguf.status, gguf.param, gguf.code)


@settings(BOUNDED, max_examples=100)
@given(asked=no_json(MODELS[0]))
async def test_what_is_no_json(http: aiohttp.ClientSession, asked: tuple[str, bytes, str | None]) -> None:
    path, data, media_type = asked
    Answer(path, *await _post(http, path, data, media_type))


CRASHED_OR_HUNG: list[dict[str, Any]] = [
    {"grammar": 'root ::= "\\x00"'},
    {"grammar": "root ::= [\\x00]"},
    {"grammar": 'root ::= ("a" | ""){1,500}'},
    {"grammar": 'root ::= (("a"?){16}){16} "b"'},
    {"regex": "\\x00"},
    {"regex": "(a?){500}"},
]


@pytest.mark.bad_input("24")
@pytest.mark.parametrize("fields", CRASHED_OR_HUNG, ids=str)
async def test_grammars_that_an_engine_would_not_survive(
    http: aiohttp.ClientSession, model: str, fields: dict[str, str]
) -> None:
    sent = {"model": model, "prompt": "Hello", "max_tokens": 3, **fields}
    answer = Answer("/v1/completions", *await _post(http, "/v1/completions", json.dumps(sent).encode()))
    assert (answer.status, answer.param) == (400, *fields)


PARAMETERS: list[dict[str, Any]] = [
    {"type": "string", "minLength": 5, "maxLength": 2},
    {"type": "array", "items": {}, "minItems": 5, "maxItems": 2},
    {"type": "integer", "minimum": 5, "maximum": 2},
    {"type": "string", "pattern": "^[z-a]$"},
    {"type": "string", "pattern": "^a{5,2}$"},
    {"type": "strin"},
    {"$ref": "#/$defs/nowhere"},
]


@pytest.mark.bad_input("25")
@pytest.mark.parametrize("choice", ["auto", "required"])
@pytest.mark.parametrize("schema", PARAMETERS, ids=str)
async def test_tool_schemas_that_an_engine_would_not_survive(
    http: aiohttp.ClientSession, model: str, schema: dict[str, Any], choice: str
) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}
    sent = {
        "model": model,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": choice,
    }
    answer = Answer("/v1/chat/completions", *await _post(http, "/v1/chat/completions", json.dumps(sent).encode()))
    assert (answer.status, answer.param) == (400, "tools[0].function.parameters")


async def test_after_all_that_the_workers_are_the_same_ones(
    http: aiohttp.ClientSession, server: Running, workers: list[psutil.Process]
) -> None:
    for model in MODELS:
        await _paris(http, model)
    assert [await server.worker(http, model) for model in MODELS] == workers
