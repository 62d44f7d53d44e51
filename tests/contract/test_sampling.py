"""Samplers and the names they are asked for by: the same on both engines."""

from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

ENGINES = ("tiny-gguf", "tiny-mlx")
ROUTES = ("/v1/chat/completions", "/v1/completions", "/completion")


def sent(route: str, model: str, **fields: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": model, "temperature": 0, "max_tokens": 12, **fields}
    if route == ROUTES[0]:
        plain = {"enable_thinking": False}
        return {**asked, "messages": [{"role": "user", "content": "Tell me a story"}], "chat_template_kwargs": plain}
    return {**asked, "prompt": "The cat and the"}


async def text(http: aiohttp.ClientSession, route: str, body: dict[str, Any]) -> str:
    async with http.post(route, json=body) as answer:
        assert answer.status == 200, await answer.text()
        found = await answer.json()
    if route == "/completion":
        return found["content"]
    choice = found["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


@pytest.mark.accept("E12")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"xtc_probability": 1.0, "xtc_threshold": 0.05},
        {"typical_p": 0.9},
        {"top_n_sigma": 1.0},
        {"dry_multiplier": 2.0, "dry_base": 2.0, "dry_allowed_length": 1, "dry_sequence_breakers": ["|"]},
        {"repeat_penalty": 1.5, "repeat_last_n": -1},
        {"frequency_penalty": 1.5, "presence_penalty": 1.0},
        {"mirostat": 2},
        {"mirostat": 1, "repeat_penalty": 3.0},
    ],
)
async def test_the_best_token_is_the_same_on_both_engines(http: aiohttp.ClientSession, fields: dict[str, Any]) -> None:
    for route in ROUTES[1:]:
        texts = [await text(http, route, sent(route, model, **fields)) for model in ENGINES]
        assert texts[0] == texts[1]


@pytest.mark.accept("E12")
@pytest.mark.parametrize(
    "fields",
    [
        {"mirostat": 1, "mirostat_tau": 3.0, "mirostat_eta": 0.2},
        {"mirostat_mode": 2, "mirostat_tau": 3.0, "mirostat_eta": 0.2},
        {"xtc_probability": 0.5, "xtc_threshold": 0.1},
        {"top_n_sigma": 1.5, "dry_multiplier": 0.8, "min_p": 0.02, "top_k": 50},
    ],
)
async def test_a_seed_repeats_every_sampler(http: aiohttp.ClientSession, model: str, fields: dict[str, Any]) -> None:
    for route in ROUTES:
        texts = [await text(http, route, sent(route, model, **{**fields, "temperature": 1.3, "seed": 4})) for _ in "ab"]
        assert texts[0] == texts[1]


async def test_a_bias_by_text_is_one_for_each_of_its_tokens(http: aiohttp.ClientSession, model: str) -> None:
    wanted = {"/completion": [["cat", 50.0]], "/v1/completions": {"cat": 50.0}, "/v1/chat/completions": {"cat": 50.0}}
    async with http.post("/tokenize", json={"model": model, "content": "cat"}) as answer:
        ids: list[int] = (await answer.json())["tokens"]
    for route, bias in wanted.items():
        by_text = await text(http, route, sent(route, model, logit_bias=bias))
        by_id: Any = [[i, 50.0] for i in ids] if route == "/completion" else {str(i): 50.0 for i in ids}
        assert by_text == await text(http, route, sent(route, model, logit_bias=by_id))
        assert by_text != await text(http, route, sent(route, model))


@pytest.mark.accept("A34")
@pytest.mark.parametrize("route", ROUTES)
async def test_the_names_of_older_servers_are_honoured(http: aiohttp.ClientSession, model: str, route: str) -> None:
    old: dict[str, Any] = {
        "repet_penalty": 1.3, "repetition_context_size": 30, "mirostat_mode": 0, "mirostat_tau": 5.0,
        "mirostat_eta": 0.1, "complete_text": False, "apply_chat_template": route == ROUTES[0], "top_p": 1.0,
        "stop": [], "repetition_penalty": None, "top_k": 40, "min_p": 0.05, "typical_p": 1.0, "stream": False,
        "frequency_penalty": 0.0, "presence_penalty": 0.0, "seed": None,
    }  # fmt: skip
    new = {"repeat_penalty": 1.3, "repeat_last_n": 30, "top_k": 40, "min_p": 0.05}
    assert await text(http, route, sent(route, model, **old)) == await text(http, route, sent(route, model, **new))
    async with http.post(route, json=sent(route, model, **{**old, "repetition_penalty": 1.1})) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mirostat", 3), ("mirostat_tau", -1), ("xtc_probability", 2), ("dry_base", 0.5), ("dry_sequence_breakers", []),
        ("dry_sequence_breakers", [""]), ("top_n_sigma", -2), ("dynatemp_range", -0.5), ("complete_text", True),
        ("min_keep", 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_out_of_range_or_not_done_is_named(
    http: aiohttp.ClientSession, route: str, field: str, value: object
) -> None:
    async with http.post(route, json=sent(route, "tiny-mlx", **{field: value})) as answer:
        error = (await answer.json())["error"]
        assert answer.status == 400
    assert error["param"].split("[")[0].split(".")[0] == field


@pytest.mark.parametrize(
    "fields", [{"ignore_eos": True}, {"top_n_sigma": 1.0}, {"logit_bias": [[5, -100]]}, {"logit_bias": [[5, False]]}]
)
async def test_typical_p_among_tokens_that_cannot_come(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any]
) -> None:
    sent = {"model": model, "prompt": "Once upon a time", "n_predict": 3, "temperature": 0, "typical_p": 0.2, **fields}
    async with http.post("/completion", json=sent) as answer:
        assert (await answer.json())["content"] == " there was so"
