"""What a hostile or mistaken client can send to a real server: a 4xx that names it, and the server goes on."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "invalid_json"),
    "list": (b"[]", "invalid_json"),
    "null": (b"null", "invalid_json"),
    "truncated": (b'{"model": "tiny-gguf", "mess', "invalid_json"),
    "UTF-16": ('{"model": "m"}'.encode("utf-16"), "invalid_json"),
    "bad UTF-8": (b'{"model": "\xff\xfe"}', "invalid_json"),
    "NaN": (b'{"temperature": NaN}', "invalid_json"),
    "1e999": (b'{"temperature": 1e999}', "invalid_json"),
    "5000 digits": (b'{"max_tokens": ' + b"9" * 5000 + b"}", "invalid_json"),
    "lone surrogate": (b'{"model": "\\ud800"}', "invalid_json"),
    "30,000 levels": (b'{"tools": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "json_too_deep"),
    "a million levels": (b"[" * 1_000_000, "json_too_deep"),
    "65 levels": (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "json_too_deep"),
}
NAMES: list[Any] = [
    "../../etc/passwd", "/etc/passwd", "http://x/y", "a\x00b", "x" * 1_000_000, 5, None, "", [], "é" * 100,
]  # fmt: skip
FIELDS: list[dict[str, Any]] = [
    {"n": 10**6}, {"max_tokens": 1 << 63}, {"stop": ["x"] * 1000}, {"logit_bias": {"999999": 1}}, {"tools": [5]},
    {"n_discard": 10}, {"lora": [{"id": 0, "scale": 1}]}, {"id_slot": 0},
    {"chat_template": "{% for x in range(9**9) %}"},
    {"grammar": "(" * 60_000}, {"json_schema": {"a": 1}}, {"samplers": "x"}, {"response_format": {"type": "x"}},
    {"chat_template_kwargs": {"chat_template": "x"}}, {"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}]}]},
]  # fmt: skip


async def post(http: aiohttp.ClientSession, data: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    async with http.post(CHAT, data=io.BytesIO(raw), headers=headers) as answer:
        body = json.loads(await answer.read())
    return answer.status, body.get("error", body)


@pytest.fixture(autouse=True)
async def survives(server: Running, http: aiohttp.ClientSession) -> Any:
    """After every test the same process answers at once, and answers a normal request."""
    yield
    async with asyncio.timeout(3), http.get("/health") as answer:
        assert answer.status == 200
    status, whole = await post(http, {"model": "tiny-gguf", "messages": HI, "max_tokens": 1})
    assert (status, whole["object"]) == (200, "chat.completion")
    assert server.process.is_running()


@pytest.mark.bad_input("8", "9", "10", "11")
@pytest.mark.parametrize(("body", "code"), BODIES.values(), ids=BODIES.keys())
async def test_bodies_that_are_no_request(http: aiohttp.ClientSession, body: bytes, code: str) -> None:
    status, error = await post(http, body)
    assert (status, error["type"], error["code"]) == (400, "invalid_request_error", code)


@pytest.mark.bad_input("29", "30")
@pytest.mark.parametrize("name", NAMES, ids=lambda v: repr(v)[:20])
async def test_names_of_models(http: aiohttp.ClientSession, name: Any) -> None:
    status, error = await post(http, {"model": name, "messages": HI})
    assert (status, error["param"]) == (404 if isinstance(name, str) and 0 < len(name) <= 256 else 400, "model")


@pytest.mark.bad_input("26", "28")
@pytest.mark.parametrize("fields", FIELDS, ids=lambda v: next(iter(v)))
@pytest.mark.parametrize("stream", [True, False])
async def test_fields(http: aiohttp.ClientSession, model: str, fields: dict[str, Any], stream: bool) -> None:
    status, error = await post(http, {"model": model, "messages": HI, "stream": stream, **fields})
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert error["param"].startswith(next(iter(fields)))


STRANGE = ["a\x00b", "\ufffe\uffff", "e" + "\u0301" * 200, "<|im_end|>" * 50, "😀" * 50, " "]


@pytest.mark.bad_input("27")
@pytest.mark.parametrize("text", STRANGE)
async def test_strange_text_gets_an_answer_or_a_400(http: aiohttp.ClientSession, model: str, text: str) -> None:
    sent = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 3}
    status, _ = await post(http, sent)
    assert status in {200, 400}


@pytest.mark.bad_input("16")
async def test_twenty_thousand_messages(http: aiohttp.ClientSession, model: str) -> None:
    status, error = await post(http, {"model": model, "messages": HI * 20_000})
    assert (status, error["param"]) == (400, "messages")


@pytest.mark.bad_input("17")
async def test_one_word_of_a_megabyte_is_refused_without_tokenising(http: aiohttp.ClientSession, model: str) -> None:
    async with asyncio.timeout(5):
        status, error = await post(http, {"model": model, "messages": [{"role": "user", "content": "x" * 1_000_000}]})
    assert (status, error["code"]) == (400, "context_length_exceeded")


@pytest.mark.bad_input("15")
async def test_sixteen_megabytes_do_not_stop_others(http: aiohttp.ClientSession) -> None:
    big = asyncio.create_task(
        post(http, {"model": "tiny-gguf", "messages": [{"role": "user", "content": "x" * (16 << 20)}]})
    )
    worst = 0.0
    while not big.done():
        began = asyncio.get_running_loop().time()
        async with http.get("/health") as answer:
            assert answer.status == 200
        worst = max(worst, asyncio.get_running_loop().time() - began)
    status, error = await big
    assert (status, error["code"]) == (413, "request_too_large")
    assert worst < 3


@pytest.mark.bad_input("12", "13")
async def test_headers_that_are_not_for_us(http: aiohttp.ClientSession) -> None:
    status, error = await post(http, b"{}", **{"content-encoding": "gzip"})
    assert (status, error["code"]) == (415, "unsupported_media_type")
    status, error = await post(http, b"{}", origin="http://evil", **{"content-type": "text/plain"})
    assert (status, error["code"]) == (415, "unsupported_media_type")
    status, error = await post(http, {"model": "tiny-gguf", "messages": HI, "max_tokens": 1}, **{"content-type": "x/y"})
    assert status == 200


@pytest.mark.bad_input("6", "7")
async def test_routes_that_do_not_exist(http: aiohttp.ClientSession) -> None:
    for path, wanted in (("/v2/nothing", (404, "not_found")), ("/v1/completions", (405, "method_not_allowed"))):
        async with http.get(path) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == wanted
            assert error["type"] == "invalid_request_error"
    async with http.get("/v1/completions") as answer:
        assert answer.headers["allow"] == "POST"
