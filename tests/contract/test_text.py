"""Text that is awkward for programs, in every field that takes text, and token ids that are none: an answer or a 400.

The same answer on both engines, from a worker that lives on.
"""

import json
from typing import Any

import aiohttp
import pytest

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]
SHORT: dict[str, Any] = {"temperature": 0, "max_tokens": 3, "chat_template_kwargs": {"enable_thinking": False}}
NUL = "a\0b"
ONE = {"temperature": 0, "max_tokens": 3}
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "description": NUL,
        "parameters": {"type": "object", "properties": {"x": {"type": "string", "description": NUL}}},
    },
}


def called(arguments: str) -> list[dict[str, Any]]:
    call = {"id": NUL, "type": "function", "function": {"name": "f", "arguments": arguments}}
    return [*HI, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": NUL, "content": NUL}]


# Route, body, status.
TEXTS: list[tuple[str, dict[str, Any], int]] = [
    ("/tokenize", {"content": NUL}, 200),
    ("/completion", {**ONE, "prompt": NUL}, 200),
    ("/completion", {**ONE, "prompt": ["a", 5, NUL]}, 200),
    ("/v1/completions", {**ONE, "prompt": ["\0", NUL]}, 200),
    ("/v1/embeddings", {"input": ["\0", NUL]}, 200),
    (CHAT, {**SHORT, "messages": [{"role": "system", "content": NUL}, *HI]}, 200),
    (CHAT, {**SHORT, "messages": [{"role": "user", "content": NUL, "name": NUL}]}, 200),
    (CHAT, {**SHORT, "messages": [{"role": "user", "content": [{"type": "text", "text": NUL}]}]}, 200),
    (CHAT, {**SHORT, "messages": called(json.dumps({"x": NUL}))}, 200),
    (CHAT, {**SHORT, "messages": called("")}, 200),
    (CHAT, {**SHORT, "messages": called(NUL)}, 400),
    (CHAT, {**SHORT, "messages": called("[1]")}, 400),
    (CHAT, {**SHORT, "messages": HI, "stop": ["\0", NUL]}, 200),
    (CHAT, {**SHORT, "messages": HI, "logit_bias": {"\0": 1, NUL: 1}}, 200),
    (CHAT, {**SHORT, "messages": HI, "dry_multiplier": 1, "dry_sequence_breakers": ["\0"]}, 200),
    (CHAT, {**SHORT, "messages": HI, "tools": [TOOL]}, 200),
    ("/completion", {**ONE, "prompt": "a", "grammar": 'root ::= "x\0y"'}, 400),
    ("/completion", {**ONE, "prompt": "a", "grammar": r'root ::= "x\x00y"'}, 400),
    ("/completion", {**ONE, "prompt": "a", "grammar": r'root ::= [\x00] "y"'}, 400),
    ("/completion", {**ONE, "prompt": "a", "grammar": r"root ::= [^\x00-\x1F]+"}, 200),
    ("/completion", {**ONE, "prompt": "a", "regex": "x\0y"}, 400),
    ("/completion", {**ONE, "prompt": "a", "regex": r"x\x00y"}, 400),
]  # fmt: skip

IDS: list[Any] = [[-1], [1 << 31], [10**9], [10**30], [1792], [1.0], [1.5], [True], [None], ["1", 1.0], [[1]], [[-1]]]


async def post(http: aiohttp.ClientSession, path: str, sent: Any) -> tuple[int, Any]:
    async with http.post(path, data=sent if isinstance(sent, bytes) else json.dumps(sent).encode()) as answer:
        return answer.status, json.loads(await answer.read())


async def pids(server: Running, http: aiohttp.ClientSession, model: str) -> int:
    return (await server.worker(http, model)).pid


@pytest.mark.bad_input("27")
@pytest.mark.accept("E24")
async def test_nul_is_a_character_like_any_other_or_refused(
    server: Running, http: aiohttp.ClientSession, model: str
) -> None:
    await post(http, "/models/load", {"model": model})
    before = await pids(server, http, model)
    for path, body, wanted in TEXTS:
        status, answer = await post(http, path, {"model": model, **body})
        assert status == wanted, (path, body, answer)
        if status == 400:
            assert answer["error"]["type"] == "invalid_request_error"
            assert answer["error"]["param"] is not None
    assert await pids(server, http, model) == before, "the worker died of it"
    _, tokens = await post(http, "/tokenize", {"model": model, "content": NUL})
    assert await post(http, "/detokenize", {"model": model, **tokens}) == (200, {"content": NUL})


@pytest.mark.bad_input("27")
@pytest.mark.parametrize("raw", [b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"'])
async def test_what_is_no_text_is_no_json(http: aiohttp.ClientSession, model: str, raw: bytes) -> None:
    said = b'{"model": "' + model.encode() + b'", '
    for path, field in (
        (CHAT, b'"messages": [{"role": "user", "content": %b}]'),
        ("/v1/completions", b'"prompt": %b'),
        ("/completion", b'"prompt": [%b]'),
        ("/v1/embeddings", b'"input": [%b]'),
        ("/v1/rerank", b'"query": "a", "documents": [%b]'),
        ("/tokenize", b'"content": %b'),
    ):
        status, answer = await post(http, path, said + field % raw + b"}")
        assert (status, answer["error"]["code"]) == (400, "invalid_json"), path


@pytest.mark.bad_input("33")
@pytest.mark.parametrize("ids", IDS, ids=repr)
async def test_what_is_no_token_id_never_reaches_an_engine(
    http: aiohttp.ClientSession, model: str, ids: list[Any]
) -> None:
    for path, field in (
        ("/v1/completions", "prompt"),
        ("/completion", "prompt"),
        ("/v1/embeddings", "input"),
        ("/detokenize", "tokens"),
    ):
        if ids == [[1]] and path.startswith("/v1/"):  # a list of prompts
            continue
        status, answer = await post(http, path, {"model": model, field: ids, "max_tokens": 1})
        assert (status, answer["error"]["type"]) == (400, "invalid_request_error"), path
        assert answer["error"]["param"].startswith(field), path
