"""The examples for nginx, by nginx, before real servers."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from dovetail import demo
from dovetail.core.request import JsonObject

from ..serving.running import Running, running  # noqa: TID252  the same server as the tests of processes
from .proxy import DEPLOY, HOST, Proxy, checked, configuration, needs_nginx, needs_openssl, proxy

pytestmark = [pytest.mark.anyio, needs_nginx, needs_openssl]

KEY = "k" * 40
# What the heads of the examples say of dovetail.toml, and the key of one who is asked for it behind a proxy.
BEHIND = {
    "LLAMA_API_KEY": KEY,
    "DOVETAIL_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]',
    "DOVETAIL_SERVER__ALLOWED_HOSTS": f'["{HOST}"]',
}
HEADERS = {"Host": HOST, "Authorization": f"Bearer {KEY}"}
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


def address(server: Running) -> str:
    return server.url.removeprefix("http://")


@asynccontextmanager
async def before(at: Proxy, context: ssl.SSLContext | bool = False) -> AsyncGenerator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(at.url, headers=HEADERS, connector=connector) as session:
        yield session


@pytest.mark.accept("D6")
@pytest.mark.parametrize("example", ["nginx.conf", "nginx-mtls.conf"])
def test_nginx_takes_the_examples(tmp_path: Path, example: str) -> None:
    path, _ = configuration(tmp_path, example)
    shutil.copy(tmp_path / "llm.pem", tmp_path / "clients-ca.pem")
    done = checked(path)
    assert done.returncode == 0, done.stderr
    path.write_text(path.read_text().replace("proxy_read_timeout", "proxy_reed_timeout"))
    assert checked(path).returncode != 0


@pytest.mark.accept("A35", "D6")
async def test_each_path_leads_to_its_own_server_and_the_root_to_all(tmp_path: Path) -> None:
    first, second, front = (tmp_path / name for name in ("first", "second", "front"))
    (second / "models").mkdir(parents=True)
    first.mkdir()
    front.mkdir()
    shutil.copy(next((demo.models_dir() / "tiny-gguf").glob("*.gguf")), second / "models" / "coder.gguf")
    own = {**BEHIND, "DOVETAIL_CATALOG__DEMO": "false"}
    async with running(first, (), BEHIND) as chat, running(second, (), own) as code:
        addresses = {
            "chat { server 127.0.0.1:8080": f"chat {{ server {address(chat)}",
            "instruct { server 127.0.0.1:8081": f"instruct {{ server {address(chat)}",
            "code { server 127.0.0.1:8082": f"code {{ server {address(code)}",
            "    server 127.0.0.1:8080;": f"    server {address(chat)};",
            "# server 10.0.0.6:8080;": f"server {address(code)};",
        }
        async with proxy(front, "nginx.conf", addresses) as at, before(at) as session:
            assert await _answer(session, "/chat", "tiny-gguf") == "The capital of France is Paris."
            assert await _answer(session, "/instruct", "tiny-gguf-q8") == "The capital of France is Paris."
            assert await _answer(session, "/code", "coder") == "The capital of France is Paris."
            async with session.post("/code/v1/chat/completions", json=_body("tiny-gguf")) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (404, "model_not_found")
            body = {**_body("tiny-gguf"), "stream": True}
            async with session.post("/chat/v1/chat/completions", json=body) as answer:
                assert (await answer.text()).rstrip().endswith("data: [DONE]")
            async with session.get("/chat", allow_redirects=False) as answer:
                assert answer.status != 301, "a path without its slash is the server's own"
            lists = [await _models(session) for _ in range(6)]
            assert len({tuple(names) for names in lists}) == 2, "both servers get their share"
            async with session.get(f"{at.plain}/v1/models", allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/v1/models")


@pytest.mark.accept("D6", "H1")
async def test_one_address_has_its_rate_and_a_certificate_is_asked_for(tmp_path: Path) -> None:
    plain, mutual = tmp_path / "plain", tmp_path / "mutual"
    for folder in (plain, mutual):
        folder.mkdir()
    commands = re.findall(r"^# +(openssl .+)$", (DEPLOY / "nginx-mtls.conf").read_text(), re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        subprocess.run(command.split(), cwd=mutual, capture_output=True, check=True, timeout=30)
    async with running(tmp_path, (), BEHIND) as server:
        addresses = {"    server 127.0.0.1:8080;": f"    server {address(server)};"}
        async with proxy(plain, "nginx.conf", addresses) as at, before(at) as session:
            counts = Counter(await asyncio.gather(*(_status(session) for _ in range(120))))
        assert set(counts) == {200, 429}
        assert counts[200] >= 21, "one, and the burst of 20"
        async with proxy(mutual, "nginx-mtls.conf", {"127.0.0.1:8080;": f"{address(server)};"}) as at:
            await _only_with_a_certificate(at, mutual)


async def _only_with_a_certificate(at: Proxy, folder: Path) -> None:
    async with before(at) as session, session.get("/v1/models") as answer:
        assert answer.status == 400
        assert "No required SSL certificate" in await answer.text()
    context = ssl.create_default_context(cafile=str(folder / "llm.pem"))
    context.check_hostname = False
    context.load_cert_chain(folder / "alice.pem", folder / "alice.key")
    async with before(at, context) as session:
        assert await _status(session) == 200
        async with session.get("/v1/models", headers={"Authorization": ""}) as answer:
            assert answer.status == 401, "the certificate is not a key"


async def _status(session: aiohttp.ClientSession) -> int:
    async with session.get("/health") as answer:
        return answer.status


def _body(model: str) -> JsonObject:
    return cast("JsonObject", {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 60})


async def _answer(session: aiohttp.ClientSession, path: str, model: str) -> str:
    async with session.post(f"{path}/v1/chat/completions", json=_body(model)) as answer:
        said = await answer.json()
        assert answer.status == 200, said
        return str(said["choices"][0]["message"]["content"])


async def _models(session: aiohttp.ClientSession) -> list[str]:
    async with session.get("/v1/models") as answer:
        return sorted(model["id"] for model in (await answer.json())["data"])
