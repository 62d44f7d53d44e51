"""What one adapter computed is never another's: one prompt, all adapters, every place where a prefix is kept.

Log probabilities are compared, not texts: they show a prefix of another adapter's where a text may hide it.
"""

import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest

from ..process.serving.running import running  # noqa: TID252  the same server as the tests of processes
from .adapters import turned

pytestmark = pytest.mark.anyio

FRANCE = "What is the capital of France?"
Choice: TypeAlias = "str | dict[str, Any] | None"
CHOICES: Mapping[str, Choice] = {
    "base": None,
    "shout": "shout",
    "turned": "turned",
    "half": {"name": "shout", "scale": 0.5},
    "none": {"name": "shout", "scale": 0},
}
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks far. " * 40}}


def prompt(model: str) -> str:
    """As long as a file has to be on GGUF, and not longer than the CPU takes kindly on MLX."""
    return f"{FRANCE} {'The river is long. ' * (100 if model == 'tiny-gguf' else 30)}{FRANCE}"


@asynccontextmanager
async def served(home: Path) -> AsyncGenerator[aiohttp.ClientSession]:
    """A server with one slot a worker, so that every change of conversation takes another's place."""
    environment = {"DOVETAIL_LOAD__PARALLEL": "1", "DOVETAIL_LOAD__CONTEXT": "2048", "DOVETAIL_LOAD__WARMUP": "false"}
    async with (
        running(home, environment=environment) as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as http,
    ):
        yield http


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("home")
    (home / "adapters").mkdir()
    turned(home / "adapters" / "turned")
    async with served(home) as session:
        yield session


async def likely(
    http: aiohttp.ClientSession, model: str, text: str, choice: Choice, **fields: Any
) -> tuple[list[float], int]:
    """The log probabilities of the best first tokens, and how many tokens of the prompt were cached."""
    sent = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 1,
        "chat_template_kwargs": {"enable_thinking": False},
        "adapter": choice,
        **fields,
    }
    if "tools" not in fields:
        sent |= {"logprobs": True, "top_logprobs": 3}
    async with http.post("/v1/chat/completions", json=sent) as answer:
        whole = await answer.json()
        assert answer.status == 200, whole
    told: dict[str, Any] | None = whole["choices"][0]["logprobs"]
    best: list[dict[str, float]] = told["content"][0]["top_logprobs"] if told else []
    values = sorted(each["logprob"] for each in best)
    return values, whole["usage"]["prompt_tokens_details"]["cached_tokens"]


def near(values: list[float]) -> Any:
    return pytest.approx(values, abs=0.02)


@pytest.mark.accept("S3", "S4")
async def test_one_prompt_with_one_adapter_after_another_is_computed_as_if_alone(
    http: aiohttp.ClientSession, model: str
) -> None:
    """Cold first, told by what was cached; then with evictions between; then from disk, into workers that are new."""
    text = prompt(model)
    cold: dict[str, list[float]] = {}
    for name, choice in CHOICES.items():
        cold[name], cached = await likely(http, model, text, choice)
        assert cached < 10 or (model, name) == ("tiny-mlx", "none")  # where scale 0 is the base itself
    assert cold["none"] == near(cold["base"])
    for one, other in itertools.combinations(["base", "shout", "turned", "half"], 2):
        assert cold[one] != near(cold[other])
    for name in ("base", "shout", "base", "turned", "half", "shout", "none"):
        await likely(http, model, "Anna saw the river. " * 10, CHOICES[name])
        assert (await likely(http, model, text, CHOICES[name]))[0] == near(cold[name])
    async with http.post("/models/unload", json={"model": model}) as answer:
        assert answer.status == 200
    for name, choice in CHOICES.items():
        values, cached = await likely(http, model, text, choice)
        assert values == near(cold[name])
        assert cached > 100


async def test_a_file_of_another_scale_is_not_read_however_long_the_tools_are(http: aiohttp.ClientSession) -> None:
    """They come first in the prompt, and are the same; only GGUF has one slot's file for both scales to find."""

    async def cached(scale: float, text: str, **tools: Any) -> int:
        return (await likely(http, "tiny-gguf", text, {"name": "shout", "scale": scale}, **tools))[1]

    tools: dict[str, Any] = {"tools": [TOOL] * 4}
    text = "Say it at once. " * 40
    assert await cached(1, text, **tools) < 10
    await cached(1, "Anna saw the river. " * 10)
    assert await cached(0.25, text, **tools) < 10
    assert await cached(1, text, **tools) > 100
