"""`[models.ID] draft` and `ngram`: what is guessed ahead changes the speed of an answer, never its text."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.demo import models_dir

from .running import Running, running

pytestmark = pytest.mark.anyio

NGRAMS = ("simple", "map-k", "map-k4v", "mod", "cache")
STORY = "Tell me a story. " * 4


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    home = tmp_path_factory.mktemp("home")
    lines = ["[fleet]", "max_models = 12", "[load]", "context = 1024", "parallel = 2"]
    ways = {"plain": "", "draft": 'draft = "tiny-gguf-q8"', "both": 'draft = "small.gguf"\nngram = "mod"'}
    shutil.copy(models_dir() / "tiny-gguf-q8" / "tiny-gguf-q8_0.gguf", home / "small.gguf")
    for name, said in {**ways, **{f"ngram-{kind}": f'ngram = "{kind}"' for kind in NGRAMS}}.items():
        lines += [f'[models."{name}"]', said]
        (home / "models" / name).mkdir(parents=True)
        shutil.copy(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", home / "models" / name)
    lines += ["[models.foreign]", 'draft = "small.gguf"']
    _foreign(home / "models" / "foreign")
    for name, said in (("draft", 'draft = "tiny-gguf-q8"'), ("ngram", 'ngram = "mod"')):
        lines += [f"[models.mlx-{name}]", said]
        shutil.copytree(models_dir() / "tiny-mlx", home / "models" / f"mlx-{name}")
    (home / "dovetail.toml").write_text("\n".join(lines))
    async with running(home) as process:
        yield process


def _foreign(folder: Path) -> None:
    """The tiny model with one token of another name."""
    folder.mkdir(parents=True)
    data = (models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf").read_bytes()
    assert b"assistant" in data
    (folder / "foreign.gguf").write_bytes(data.replace(b"assistant", b"bssistant", 1))


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def ask(http: aiohttp.ClientSession, model: str, **fields: Any) -> tuple[int, Any]:
    sent = {"model": model, "messages": [{"role": "user", "content": STORY}], "temperature": 0, "max_tokens": 120}
    async with http.post("/v1/chat/completions", json={**sent, "enable_thinking": False, **fields}) as answer:
        return answer.status, await answer.json()


async def speculates(server: Running, model: str) -> list[bool]:
    """What the worker says of its slots."""
    (path,) = [path for path in server.sockets() if await _serves(path, model)]
    return [slot["speculative"] for slot in await _get(path, "/slots")]


async def _serves(path: Path, model: str) -> bool:
    return f"/{model}/" in (await _get(path, "/props"))["model_path"]


async def _get(path: Path, route: str) -> Any:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as worker,
        worker.get(f"http://w{route}") as got,
    ):
        return await got.json()


@pytest.mark.parametrize("model", ["draft", "both", *(f"ngram-{kind}" for kind in NGRAMS)])
async def test_the_text_is_the_same_with_and_without(server: Running, http: aiohttp.ClientSession, model: str) -> None:
    fields: list[dict[str, Any]] = [
        {}, {"regex": "([a-c]{4} )+", "max_tokens": 60}, {"enable_thinking": True, "regex": "[ab]{30}"},
        {"temperature": 1.0, "seed": 4}, {"stop": ["letter"]}, {"n": 2},
    ]  # fmt: skip
    for asked in fields:
        answers = [await ask(http, name, **asked) for name in ("plain", model)]
        assert [status for status, _ in answers] == [200, 200], answers
        plain, guessed = (whole for _, whole in answers)
        assert [c["message"] for c in guessed["choices"]] == [c["message"] for c in plain["choices"]]
        assert guessed["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"]
    assert await speculates(server, model) == [True, True]
    assert await speculates(server, "plain") == [False, False]


async def test_slots_with_a_draft_hold_conversations_in_turn(http: aiohttp.ClientSession) -> None:
    """More conversations than slots: nothing of one is left in the draft when another takes its place."""
    for _ in range(2):
        for city in ("France", "Korea", "Italy", "Spain"):
            messages = [{"role": "user", "content": f"{STORY * 3} What is the capital of {city}?"}]
            answers = [await ask(http, name, messages=messages, max_tokens=30) for name in ("plain", "draft")]
            assert answers[0][1]["choices"][0]["message"] == answers[1][1]["choices"][0]["message"]


async def test_another_vocabulary_is_refused_at_load(http: aiohttp.ClientSession) -> None:
    status, whole = await ask(http, "foreign")
    assert status == 422, whole
    assert "models.foreign.draft: small.gguf cannot guess for it: token" in whole["error"]["message"]


@pytest.mark.parametrize("name", ["draft", "ngram"])
async def test_mlx_refuses_both_by_name(http: aiohttp.ClientSession, name: str) -> None:
    status, whole = await ask(http, f"mlx-{name}")
    assert status == 422, whole
    assert f"models.mlx-{name}.{name}: for GGUF models only" in whole["error"]["message"]


HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/v1/chat/completions", {"messages": HI, "logprobs": True}, "logprobs"),
        ("/v1/completions", {"prompt": "hi", "logprobs": 1}, "logprobs"),
        ("/v1/completions", {"prompt": "hi", "best_of": 2}, "best_of"),
        ("/completion", {"prompt": "hi", "n_probs": 1}, "n_probs"),
        ("/completion", {"prompt": "hi", "logprobs": 1}, "logprobs"),
        ("/v1/responses", {"input": "hi", "top_logprobs": 1}, "top_logprobs"),
        ("/api/chat", {"messages": HI, "logprobs": True}, "logprobs"),
    ],
)
async def test_log_probabilities_of_what_was_guessed_are_refused(
    http: aiohttp.ClientSession, path: str, fields: dict[str, Any], param: str
) -> None:
    async with http.post(path, json={"model": "draft", **fields}) as answer:
        assert answer.status == 400
        found = await answer.json()
    told = found if isinstance(found["error"], str) else found["error"]
    assert (told["param"], told["code"]) == (param, "unsupported_field")
