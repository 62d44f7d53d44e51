"""Log probabilities: the raw model's, in three published forms, the same on both engines."""

import json
from typing import Any

import aiohttp
import pytest

from dovetail.gateway.answers import ChatCompletion, LlamaCompletion, TextCompletion

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
KOREA = [{"role": "user", "content": "안녕, 대한민국의 수도는 어디지?"}]
ENGINES = ("tiny-gguf", "tiny-mlx")
CLOSE = 1e-2
NONE: dict[str, list[dict[str, Any]]] = {"content": []}


def chat(model: str, **fields: Any) -> dict[str, Any]:
    plain = {"enable_thinking": False}
    sent = {"model": model, "messages": KOREA, "temperature": 0, "max_tokens": 14, "chat_template_kwargs": plain}
    return {**sent, "logprobs": True, "top_logprobs": 3, **fields}


async def post(http: aiohttp.ClientSession, path: str, sent: dict[str, Any]) -> dict[str, Any]:
    async with http.post(path, json=sent) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def frames(http: aiohttp.ClientSession, path: str, sent: dict[str, Any]) -> list[dict[str, Any]]:
    async with http.post(path, json={**sent, "stream": True}) as answer:
        lines = [line[6:] for line in (await answer.text()).split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def same(ones: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Equal tokens; equal numbers where a token is likely enough for one to matter."""
    assert [one["token"] for one in ones] == [other["token"] for other in others]
    for one, other in zip(ones, others, strict=True):
        assert one["bytes"] == other["bytes"]
        assert one["logprob"] == pytest.approx(other["logprob"], abs=CLOSE)
        rivals = {bytes(rival["bytes"]): rival["logprob"] for rival in other["top_logprobs"]}
        for rival in one["top_logprobs"]:
            if rival["logprob"] > -8:
                assert rival["logprob"] == pytest.approx(rivals[bytes(rival["bytes"])], abs=CLOSE)


@pytest.mark.field("/v1/chat/completions logprobs", "/v1/chat/completions top_logprobs")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stop": ["한민국의 수도는 부산"]},  # held back for a while, then shown in one piece
        {"stop": ["수도"]},
        {"logit_bias": {"5": 3.0}, "repeat_penalty": 1.2, "temperature": 0.0, "min_p": 0.1},
        {"chat_template_kwargs": {"enable_thinking": True}, "max_tokens": 80},
    ],
)
async def test_both_engines_say_the_same(http: aiohttp.ClientSession, fields: dict[str, Any]) -> None:
    both: list[list[dict[str, Any]]] = []
    for model in ENGINES:
        whole = await post(http, CHAT, chat(model, **fields))
        ChatCompletion.model_validate(whole)
        both.append(whole["choices"][0]["logprobs"]["content"])
        streamed = [f["choices"][0] for f in await frames(http, CHAT, chat(model, **fields)) if f["choices"]]
        flat: list[dict[str, Any]] = [entry for choice in streamed for entry in (choice["logprobs"] or NONE)["content"]]
        same(both[-1], flat)
    same(*both)
    assert both[0]


async def test_a_character_of_several_tokens_is_one_entry(http: aiohttp.ClientSession, model: str) -> None:
    choice = (await post(http, CHAT, chat(model)))["choices"][0]
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert entries[0]["token"] == "대"
    assert bytes(entries[0]["bytes"]).decode() == "대"


async def test_no_rivals_unless_asked_for(http: aiohttp.ClientSession, model: str) -> None:
    choice = (await post(http, CHAT, chat(model, top_logprobs=None)))["choices"][0]
    assert [entry["top_logprobs"] for entry in choice["logprobs"]["content"]] == [[]] * len(
        choice["logprobs"]["content"]
    )


@pytest.mark.field("/v1/completions logprobs")
async def test_text_completions_have_their_own_form(http: aiohttp.ClientSession) -> None:
    both: list[dict[str, Any]] = []
    for model in ENGINES:
        sent = {"model": model, "prompt": "대한", "max_tokens": 6, "temperature": 0, "logprobs": 2}
        whole = await post(http, "/v1/completions", sent)
        TextCompletion.model_validate(whole)
        found = whole["choices"][0]["logprobs"]
        text = whole["choices"][0]["text"]
        assert "".join(found["tokens"]) == text
        assert [text[at:].startswith(t) for at, t in zip(found["text_offset"], found["tokens"], strict=True)]
        for token, value, likely in zip(found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True):
            assert likely[token] == value
        streamed = [f["choices"][0]["logprobs"] for f in await frames(http, "/v1/completions", sent)]
        parts = [part for part in streamed if part]
        assert [at for part in parts for at in part["text_offset"]] == found["text_offset"]
        both.append(found)
    assert both[0]["tokens"] == both[1]["tokens"]
    assert both[0]["token_logprobs"] == pytest.approx(both[1]["token_logprobs"], abs=CLOSE)


@pytest.mark.field("/completion n_probs")
async def test_the_native_route_has_llama_servers_form(http: aiohttp.ClientSession) -> None:
    both: list[list[dict[str, Any]]] = []
    for model in ENGINES:
        sent = {"model": model, "prompt": "대한", "n_predict": 6, "temperature": 0, "n_probs": 2}
        whole = await post(http, "/completion", sent)
        LlamaCompletion.model_validate(whole)
        both.append(whole["completion_probabilities"])
        streamed = await frames(http, "/completion", sent)
        assert [e["id"] for f in streamed for e in f.get("completion_probabilities", [])] == [e["id"] for e in both[-1]]
        assert all(len(entry["top_logprobs"]) == 2 for entry in both[-1])
    same(*both)
    assert [entry["id"] for entry in both[0]] == [entry["id"] for entry in both[1]]


async def test_the_native_route_has_llama_servers_other_name(http: aiohttp.ClientSession, model: str) -> None:
    sent = {"model": model, "prompt": "대한", "n_predict": 2, "temperature": 0, "logprobs": 2}
    assert all(
        len(entry["top_logprobs"]) == 2 for entry in (await post(http, "/completion", sent))["completion_probabilities"]
    )


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL]}, "logprobs"),
        ({"logprobs": None}, "top_logprobs"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": -1}, "top_logprobs"),
        ({"logprobs": 2}, "logprobs"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], param: str
) -> None:
    async with http.post(CHAT, json=chat(model, **fields)) as answer:
        error = (await answer.json())["error"]
        assert answer.status == 400
    assert error["param"] == param
