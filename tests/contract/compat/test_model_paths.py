"""Paths under a model's name, as a proxy before several llama-servers had them."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ...process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

PLACES = {"chat": "tiny-gguf", "instruct": "tiny-mlx", "code": "tiny-gguf-q8"}
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture(scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    home: Path = tmp_path_factory.mktemp("home")
    lines = (f'[models.{model}]\naliases = ["{place}"]\n' for place, model in PLACES.items())
    (home / "dovetail.toml").write_text("".join(lines))
    async with running(home) as process:
        yield process


@pytest.fixture
async def http(proxied: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(proxied.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.accept("A35")
@pytest.mark.parametrize("place", PLACES)
async def test_every_route_is_under_the_models_name(http: aiohttp.ClientSession, place: str) -> None:
    # As behind the proxy, the path alone says which: the body's model is what the document has.
    asked = {"model": "llama-2-7b", "max_tokens": 3}
    status, whole = await post(http, f"/{place}/v1/chat/completions", messages=HELLO, **asked)
    assert (status, whole["model"]) == (200, place), whole
    status, whole = await post(http, f"/{place}/completion", prompt="Hello, world", n_predict=2)
    assert (status, whole["model"]) == (200, PLACES[place])
    async with http.post(f"/{place}/v1/completions", json={"prompt": "Hi", "stream": True, **asked}) as answer:
        frames = [line[6:] for line in (await answer.text()).splitlines() if line.startswith("data: ")]
    assert (json.loads(frames[0])["model"], frames[-1]) == (place, "[DONE]")
    async with http.get(f"/{place}/props?model=another") as answer:
        assert (await answer.json())["model_alias"] == PLACES[place]
    async with http.get(f"/{place}/health") as answer:
        assert (await answer.json())["model"] == PLACES[place]


async def test_the_servers_own_paths_come_first_and_no_others_are_there(http: aiohttp.ClientSession) -> None:
    status, whole = await post(http, "/chat", prompt="Hi", max_tokens=1, stream=False)
    assert (status, "content" in whole) == (200, True)
    status, error = await post(http, "/chat/completions", model="nobody", messages=HELLO)
    assert (status, error["error"]["code"]) == (404, "model_not_found")
    for path in ("/nobody/health", "/chat/chat/health", "/chat/nothing", "/chat/"):
        async with http.get(path, allow_redirects=False) as answer:  # to pages, which may not be built
            assert answer.status == (307 if path == "/chat/" else 404), path
