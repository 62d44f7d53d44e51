"""What a real worker refuses, and that it lives on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from dovetail.core.request import Json, JsonObject

if TYPE_CHECKING:
    from tests.process.mlx.conftest import Worker

pytestmark = pytest.mark.anyio

USER: Json = [{"role": "user", "content": "hi"}]
PICTURE: Json = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x"}}]}]
BAD_CHAT: list[JsonObject] = [
    {},
    {"messages": None},
    {"messages": "x"},
    {"messages": []},
    {"messages": [None]},
    {"messages": [{"content": "x"}]},
    {"messages": [{"role": 5, "content": "x"}]},
    {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "assistant"}]},
    {"messages": PICTURE},
    {"messages": USER, "stream": False},
    {"messages": USER, "temperature": "hot"},
    {"messages": USER, "temperature": True},
    {"messages": USER, "top_p": 1.5},
    {"messages": USER, "min_p": -0.5},
    {"messages": USER, "typical_p": 2},
    {"messages": USER, "top_k": 1.5},
    {"messages": USER, "repeat_penalty": 0},
    {"messages": USER, "repeat_last_n": -2},
    {"messages": USER, "seed": "x"},
    {"messages": USER, "max_tokens": -5},
    {"messages": USER, "max_tokens": "ten"},
    {"messages": USER, "max_tokens": 1 << 63},
    {"messages": USER, "stop": 5},
    {"messages": USER, "stop": [5]},
    {"messages": USER, "stop": [*("x" * 17)]},
    {"messages": USER, "stop": "x" * 1025},
    {"messages": USER, "logit_bias": "x"},
    {"messages": USER, "logit_bias": {"1": "x"}},
    {"messages": USER, "logit_bias": {"x": "y"}},
    {"messages": USER, "logit_bias": [[1 << 40, 1]]},
    {"messages": USER, "logit_bias": [[-1, 1]]},
    {"messages": USER, "top_logprobs": 3},
    {"messages": USER, "logprobs": True, "top_logprobs": -1},
    {"messages": USER, "logprobs": True, "top_logprobs": 1 << 31},
    {"messages": USER, "tools": "x"},
    {"messages": USER, "tools": [5]},
    {"messages": USER, "tools": [{"type": "function", "function": {}}]},
    {"messages": USER, "tool_choice": "required"},
    {"messages": USER, "n": 2},
    {"messages": USER, "grammar": "root ::= x"},
    {"messages": USER, "response_format": {"type": "xml"}},
    {"messages": USER, "json_schema": {"not": {}}},
    {"messages": USER, "chat_template_kwargs": {"chat_template": "{{ 7 }}"}},
    {"messages": USER, "chat_template_kwargs": {"messages": []}},
    {"messages": USER, "chat_template_kwargs": 5},
    {"messages": USER, "continue_final_message": True},
    {"messages": USER, "reasoning_format": "odd"},
    {"messages": USER, "parallel_tool_calls": 1},
    {"messages": USER, "cache_salt": 5},
    {"messages": USER, "cache_salt": "a\x1fb"},
    {"messages": USER, "cache_prompt": "no"},
    {"messages": USER, "cache_keep": "for ever"},
    {"messages": USER, "cache_keep": True},
]
BAD_PROMPTS: list[Json] = [
    None,
    "",
    [],
    5,
    {},
    [None],
    [1.5],
    [True],
    [-1],
    [1792],
    [10**9],
    [1 << 40],
    [[1]],
    ["", ""],
]


@pytest.fixture(autouse=True)
async def lives_on(worker: Worker) -> None:
    """Every test here starts from a worker that answers; the last of them checks once more."""
    assert (await worker.complete([300], n_predict=1)).status == 200


async def test_wrong_fields_are_a_400_that_says_why(worker: Worker) -> None:
    for body in BAD_CHAT:
        reply = await worker.ask("/v1/chat/completions", body)
        assert reply.status == 400, body
        assert reply.error["type"] == "invalid_request_error"
        assert reply.error["code"] == 400
        assert reply.error["message"]


async def test_prompts_that_would_kill_mlx_are_refused(worker: Worker) -> None:
    for prompt in BAD_PROMPTS:
        reply = await worker.complete(prompt)
        assert reply.status == 400, prompt
    assert (await worker.ask("/detokenize", {"tokens": [-1]})).status == 400
    assert (await worker.ask("/detokenize", {"tokens": [10**9]})).status == 400
    assert (await worker.ask("/tokenize", {"content": [1792]})).status == 400


async def test_bodies_that_are_not_json_objects_are_refused(worker: Worker) -> None:
    deep = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    bodies = [b"", b"{bad", b"[]", b"null", b"\xff", b'{"temperature":NaN}', b'{"seed":' + b"9" * 5000 + b"}", deep]
    for body in bodies:
        connector = aiohttp.UnixConnector(str(worker.socket), force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post("http://worker/v1/chat/completions", data=body) as response,
        ):
            assert response.status == 400, body[:40]
            assert cast("JsonObject", await response.json())["error"]


async def test_numbers_beyond_a_double_are_refused(worker: Worker) -> None:
    connector = aiohttp.UnixConnector(str(worker.socket), force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post("http://worker/completion", data=b'{"prompt":"x","temperature":1e999}') as response,
    ):
        assert response.status == 400


async def test_a_prompt_longer_than_the_context_is_refused(worker: Worker) -> None:
    reply = await worker.complete([5] * 1200)
    assert reply.error["type"] == "exceed_context_size_error"
    assert (reply.error["n_prompt_tokens"], reply.error["n_ctx"]) == (1200, 1024)
    assert (await worker.chat("word " * 5000)).status == 400
    # Far too much is refused before it is read.
    began = time.monotonic()
    assert (await worker.chat("x" * 900_000)).error["type"] == "exceed_context_size_error"
    assert time.monotonic() - began < 2.0


async def test_unknown_routes_and_methods(worker: Worker) -> None:
    assert (await worker.ask("/nope", {})).error["type"] == "not_found_error"
    assert (await worker.ask("/props", {})).status == 405


async def test_text_that_is_no_unicode_is_served_as_unicode(worker: Worker) -> None:
    reply = await worker.chat("a\ud800b\0c\uffff", max_tokens=2)
    assert reply.status == 200
