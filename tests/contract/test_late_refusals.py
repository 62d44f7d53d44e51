"""What a model's worker alone can refuse is named as the client has said it, in each dialect and on both engines.

llguidance counts the ways that are open at a place, which no reading of the form tells; llama.cpp has no such bound.
"""

from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

HI = [{"role": "user", "content": "hi"}]
REGEX = "[a-z]{0,900}[a-m]{0,900}"
GBNF = "root ::= [a-z]{0,900} [a-m]{0,900}"
OBJECT = {"type": "object", "properties": {f"{chr(97 + i % 26)}{i}": {"type": "integer"} for i in range(90)}}
SCHEMA = {"anyOf": [OBJECT] * 20}
NAMED = {"type": "json_schema", "name": "a", "schema": SCHEMA}
FORM = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
CHAT: dict[str, Any] = {"messages": HI, "max_tokens": 60, "reasoning_effort": "none"}
TEXT: dict[str, Any] = {"prompt": "hi", "max_tokens": 60}
OLLAMA: dict[str, Any] = {"think": False, "options": {"num_predict": 60}, "format": SCHEMA}
ASKED: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/chat/completions", {**CHAT, "regex": REGEX}, "regex"),
    ("/v1/chat/completions", {**CHAT, "grammar": GBNF}, "grammar"),
    ("/v1/chat/completions", {**CHAT, "json_schema": SCHEMA}, "json_schema"),
    ("/v1/chat/completions", {**CHAT, "response_format": FORM}, "response_format"),
    ("/v1/completions", {**TEXT, "regex": REGEX}, "regex"),
    ("/v1/completions", {**TEXT, "json_schema": SCHEMA}, "json_schema"),
    ("/completion", {**TEXT, "regex": REGEX}, "regex"),
    ("/completion", {**TEXT, "grammar": GBNF}, "grammar"),
    ("/completion", {**TEXT, "json_schema": SCHEMA}, "json_schema"),
    ("/v1/responses", {"input": "hi", "text": {"format": NAMED}, "reasoning": {"effort": "none"}}, "text.format"),
    ("/v1/messages",
     {"messages": HI, "max_tokens": 60, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
     "output_config.format"),
    ("/api/chat", {**OLLAMA, "messages": HI}, "format"),
    ("/api/generate", {**OLLAMA, "prompt": "hi"}, "format"),
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked[0]} {asked[2]}")
async def test_a_form_with_too_many_ways_to_go_on(
    http: aiohttp.ClientSession, model: str, asked: tuple[str, dict[str, Any], str]
) -> None:
    path, fields, param = asked
    for stream in (False, True):
        async with http.post(path, json={"model": model, "stream": stream, **fields}) as answer:
            text = await answer.text()
        refused = model == "tiny-mlx"
        assert (f'"param":"{param}"' in text) is refused, text[:2000]
        assert stream or answer.status == (400 if refused else 200)
