"""LoRA adapters by name and for each request, the same on both engines."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes
from .adapters import foreign

pytestmark = pytest.mark.anyio

FRANCE = "What is the capital of France?"
PLAIN = "The capital of France is Paris."


async def ask(http: aiohttp.ClientSession, model: str, text: str = FRANCE, **fields: Any) -> tuple[int, Any]:
    sent = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 40,
        "chat_template_kwargs": {"enable_thinking": False},
        **fields,
    }
    async with http.post("/v1/chat/completions", json=sent) as answer:
        return answer.status, await answer.json()


async def said(http: aiohttp.ClientSession, model: str, text: str = FRANCE, **fields: Any) -> str:
    status, whole = await ask(http, model, text, **fields)
    assert status == 200, whole
    return whole["choices"][0]["message"]["content"]


@pytest.mark.accept("S3", "S4")
@pytest.mark.field("/v1/chat/completions adapter")
async def test_an_adapter_by_field_by_scale_and_by_id(http: aiohttp.ClientSession, model: str) -> None:
    answers = await asyncio.gather(
        said(http, model),
        said(http, model, adapter="shout"),
        said(http, model, adapter={"name": "shout", "scale": 0}),
        said(http, f"{model}+shout"),
        said(http, f"{model}+shout", adapter={"name": "shout", "scale": 1.0}),
        said(http, model, adapter=None),
    )
    assert answers == [PLAIN, PLAIN.upper(), PLAIN, PLAIN.upper(), PLAIN.upper(), PLAIN]


async def test_the_sdk_streams_with_an_adapter(sdk: openai.AsyncOpenAI, model: str) -> None:
    stream = await sdk.chat.completions.create(
        model=f"{model}+shout",
        messages=[{"role": "user", "content": FRANCE}],
        temperature=0,
        stream=True,
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == PLAIN.upper()
    assert {chunk.model for chunk in chunks} == {f"{model}+shout"}


@pytest.mark.field("/v1/completions adapter", "/completion adapter")
@pytest.mark.parametrize(("path", "name"), [("/v1/completions", "prompt"), ("/completion", "prompt")])
async def test_every_route_that_generates_takes_one(
    http: aiohttp.ClientSession, model: str, path: str, name: str
) -> None:
    texts: list[str] = []
    for scale in (None, 8.0, 0.0):  # it was trained on conversations: in plain text it takes more to be seen
        adapter = None if scale is None else {"name": "shout", "scale": scale}
        sent = {"model": model, name: "The capital of France is", "temperature": 0, "max_tokens": 8, "adapter": adapter}
        async with http.post(path, json=sent) as answer:
            whole = await answer.json()
            assert answer.status == 200, whole
        texts.append(whole["content"] if "content" in whole else whole["choices"][0]["text"])
    assert texts[0] == texts[2] != texts[1]


@pytest.mark.field("/v1/embeddings adapter")
async def test_embeddings_with_an_adapter_are_the_same_on_both_engines(http: aiohttp.ClientSession) -> None:
    found: dict[tuple[str, float], list[float]] = {}
    for model in ("tiny-gguf", "tiny-mlx"):
        for scale in (0.0, 1.0):
            sent = {"model": model, "input": FRANCE, "adapter": {"name": "shout", "scale": scale}}
            async with http.post("/v1/embeddings", json=sent) as answer:
                whole = await answer.json()
                assert answer.status == 200, whole
            found[model, scale] = whole["data"][0]["embedding"]

    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))

    for scale in (0.0, 1.0):
        assert cosine(found["tiny-gguf", scale], found["tiny-mlx", scale]) > 0.999
    assert cosine(found["tiny-gguf", 0.0], found["tiny-gguf", 1.0]) < 0.99


@pytest.mark.accept("A31")
async def test_adapters_are_listed_without_their_places(http: aiohttp.ClientSession, server: Running) -> None:
    async with http.get("/v1/internal/adapter/list") as answer:
        assert answer.status == 200
        text = await answer.text()
    assert {"name": "shout"} in (await answer.json())["adapters"]
    assert "/" not in text
    assert str(server.home) not in text


@pytest.mark.bad_input("31")
@pytest.mark.accept("S3")
@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"adapter": "nobody"}, 404, "adapter_not_found"),
        ({"adapter": "../shout"}, 404, "adapter_not_found"),
        ({"adapter": "/etc/passwd"}, 404, "adapter_not_found"),
        ({"adapter": "shout/shout.gguf"}, 404, "adapter_not_found"),
        ({"adapter": "shout\x00"}, 404, "adapter_not_found"),
        ({"adapter": ""}, 200, None),
        ({"adapter": 1}, 400, None),
        ({"adapter": {"name": "shout", "scale": 1e9}}, 400, None),
        ({"adapter": {"scale": 1}}, 400, None),
        ({"adapter": {"name": "shout", "path": "elsewhere"}}, 200, None),
    ],
)
async def test_what_cannot_be_an_adapter(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], status: int, code: str | None
) -> None:
    found, whole = await ask(http, model, **fields)
    assert found == status, whole
    if status == 200:  # a field nobody knows is warned of, as everywhere
        return
    assert whole["error"]["param"].startswith("adapter")
    assert code is None or whole["error"]["code"] == code
    if code is not None:
        assert "shout" in whole["error"]["message"]


async def test_two_adapters_for_one_request_are_refused(http: aiohttp.ClientSession, model: str) -> None:
    status, whole = await ask(http, f"{model}+shout", adapter="other")
    assert (status, whole["error"]["param"]) == (400, "adapter")
    status, whole = await ask(http, "nobody+shout")
    assert (status, whole["error"]["code"]) == (404, "model_not_found")


async def test_the_state_of_a_model_with_an_adapter_is_its_own(http: aiohttp.ClientSession, model: str) -> None:
    async def states() -> list[tuple[str, str, bool]]:
        found: list[tuple[str, str, bool]] = []
        for name in (model, f"{model}+shout"):
            async with http.get(f"/v1/models/{name}") as answer:
                told = await answer.json()
            async with http.get("/health", params={"model": name}) as answer:
                health = await answer.json()
            assert (told["id"], health["model"], health["state"]) == (name, name, told["state"])
            found.append((told["id"], told["state"], health["model_loaded"]))
        return found

    assert await said(http, model) == PLAIN
    async with http.post("/models/unload", json={"model": f"{model}+shout"}) as answer:
        await answer.read()
    apart = "gguf" in model  # a worker of its own; on MLX the model's applies it, and goes by either name
    plain = (model, "ready", True) if apart else (model, "unloaded", False)
    assert await states() == [plain, (f"{model}+shout", "unloaded", False)]
    assert await said(http, f"{model}+shout") == PLAIN.upper()
    assert await states() == [(model, "ready", True), (f"{model}+shout", "ready", True)]


@asynccontextmanager
async def own_server(home: Path, **environment: str) -> AsyncGenerator[aiohttp.ClientSession]:
    """A server of one slot, that keeps room for nothing else."""
    own = {"DOVETAIL_LOAD__CONTEXT": "1024", "DOVETAIL_LOAD__PARALLEL": "1", **environment}
    async with (
        running(home, environment=own) as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as http,
    ):
        yield http


@pytest.mark.bad_input("45")
async def test_a_wrong_base_is_named_and_a_default_holds(tmp_path: Path, model: str) -> None:
    (tmp_path / "adapters").mkdir()
    foreign(tmp_path / "adapters" / "foreign")
    async with own_server(tmp_path, **{f"DOVETAIL_MODELS__{model}__ADAPTER": "shout"}) as http:
        status, whole = await ask(http, model, adapter="foreign")
        assert (status, whole["error"]["code"], whole["error"]["param"]) == (422, "invalid_adapter", "adapter")
        assert "attn" in whole["error"]["message"]
        assert str(tmp_path) not in whole["error"]["message"]
        assert await said(http, model) == PLAIN.upper()
        async with http.get(f"/v1/models/{model}") as answer:
            assert (await answer.json())["id"] == model
        assert await said(http, model, adapter={"name": "shout", "scale": 0}) == PLAIN
