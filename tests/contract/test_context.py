"""What a model's context holds is said everywhere alike, and what does not fit is refused, never cut."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from dovetail.gateway.answers import Health, ModelList, PropsAnswer

from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

CONTEXT = 256
LONG = "The river runs past a quiet town. " * 200
QUIET: dict[str, Any] = {"temperature": 0, "chat_template_kwargs": {"enable_thinking": False}}
CHAT = "/v1/chat/completions"
ROUTES = {CHAT: "messages", "/v1/completions": "prompt", "/completion": "prompt", "/v1/embeddings": "input"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    small = {"DOVETAIL_LOAD__CONTEXT": str(CONTEXT), "DOVETAIL_LOAD__PARALLEL": "3", "DOVETAIL_LOAD__WARMUP": "false"}
    async with running(tmp_path_factory.mktemp("home"), environment=small) as process:
        yield process


async def post(http: aiohttp.ClientSession, path: str, sent: Any) -> tuple[int, Any]:
    async with http.post(path, data=json.dumps(sent).encode()) as answer:
        return answer.status, json.loads(await answer.read())


async def get(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_the_context_of_one_request_is_told_before_and_after_a_load(
    http: aiohttp.ClientSession, model: str
) -> None:
    for ready in (False, True):
        if ready:
            assert (await post(http, "/models/load", {"model": model}))[0] == 200
        props = PropsAnswer.model_validate(await get(http, f"/props?model={model}"))
        assert (props.default_generation_settings.n_ctx, props.total_slots) == (CONTEXT, 3)
        assert (props.model_alias, props.is_sleeping) == (model, not ready)
        assert "{%" in props.chat_template
        health = Health.model_validate(await get(http, f"/health?model={model}"))
        assert (health.context, health.slots_total, health.model_loaded) == (CONTEXT, 3, ready)
        listed = ModelList.model_validate(await get(http, "/v1/models"))
        assert next(found.context for found in listed.data if found.id == model) == CONTEXT


async def test_a_model_that_does_not_exist_has_no_context(http: aiohttp.ClientSession) -> None:
    for path in ("/props?model=nothing", "/health?model=nothing"):
        async with http.get(path) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("kind", ["text", "a little too long", "ids"])
@pytest.mark.parametrize("path", ROUTES)
async def test_what_does_not_fit_is_refused_with_both_numbers(
    http: aiohttp.ClientSession, model: str, path: str, kind: str
) -> None:
    param, text = ROUTES[path], LONG if kind == "text" else LONG[: CONTEXT * 4]
    _, tokens = await post(http, "/tokenize", {"model": model, "content": text})
    assert len(tokens["tokens"]) > CONTEXT
    prompt: Any = [{"role": "user", "content": text}] if path == CHAT else tokens["tokens"] if kind == "ids" else text
    status, answer = await post(http, path, {"model": model, param: prompt})
    error = answer["error"]
    assert (status, error["code"], error["param"]) == (400, "context_length_exceeded", param)
    assert f"context is {CONTEXT}" in error["message"]
    if kind != "text" and path != CHAT:
        assert f"needs {len(tokens['tokens'])} tokens" in error["message"].replace("at least ", "")


@pytest.mark.accept("E18")
async def test_an_answer_ends_where_the_context_does(http: aiohttp.ClientSession, model: str) -> None:
    chat = {"model": model, "messages": [{"role": "user", "content": "Tell me a long story"}], **QUIET}
    for limit in ({"max_tokens": 100_000}, {}):
        status, whole = await post(http, CHAT, {**chat, **limit, "ignore_eos": True})
        usage = whole["usage"]
        assert (status, whole["choices"][0]["finish_reason"]) == (200, "length")
        assert CONTEXT - 2 <= usage["prompt_tokens"] + usage["completion_tokens"] <= CONTEXT + 1


async def test_a_run_of_spaces_is_counted_by_the_model_alone(http: aiohttp.ClientSession, model: str) -> None:
    _, tokens = await post(http, "/tokenize", {"model": model, "content": "a" + " " * 6000})
    status, answer = await post(http, "/completion", {"model": model, "prompt": "a" + " " * 6000, "n_predict": 1})
    assert status == (200 if len(tokens["tokens"]) < CONTEXT else 400), answer
