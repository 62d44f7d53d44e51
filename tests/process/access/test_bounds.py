"""How much one client may take of a server, and what everybody else has of it meanwhile."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..serving.running import Running, running  # noqa: TID252

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
HI: dict[str, Any] = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
ENDLESS: dict[str, Any] = {**HI, "stream": True, "ignore_eos": True, "max_tokens": 4000, "temperature": 0}
BODY, STREAMS, CONNECTIONS = 100_000, 2, 12
BOUNDS = {
    "DOVETAIL_SERVER__MAX_BODY": str(BODY),
    "DOVETAIL_SERVER__MAX_CONNECTIONS": str(CONNECTIONS),
    "DOVETAIL_ACCESS__CALLER_ANSWERS": str(STREAMS),
    "DOVETAIL_LOAD__CONTEXT": "8192",
    "DOVETAIL_FLEET__CALIBRATE": "false",
}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("home"), environment=BOUNDS) as process:
        yield process


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    """A connection for each request; the next one is answered after each test."""
    connector, timeout = aiohttp.TCPConnector(force_close=True), aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(server.url, connector=connector, timeout=timeout) as session:
        yield session
        async with asyncio.timeout(30):
            while (await ask(session, HI))[0] != 200:  # the server notices in its own time who has left
                await asyncio.sleep(0.02)


async def ask(http: aiohttp.ClientSession, sent: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async with http.post(CHAT, data=json.dumps(sent).encode(), headers=headers) as answer:
        return answer.status, {**json.loads(await answer.read()), "retry-after": answer.headers.get("retry-after")}


async def pieces() -> AsyncGenerator[bytes]:
    for _ in range(BODY // 1000 + 100):
        yield b"x" * 1000


@pytest.mark.accept("H10")
@pytest.mark.bad_input("14", "15")
async def test_a_body_has_its_size(http: aiohttp.ClientSession) -> None:
    status, answer = await ask(http, {**HI, "user": "x" * BODY})
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert str(BODY) in answer["error"]["message"]
    async with http.post(CHAT, data=pieces()) as chunked:  # its size is not said, and grows
        assert (chunked.status, (await chunked.json())["error"]["code"]) == (413, "request_too_large")
    status, _ = await ask(http, {**HI, "user": "x" * (BODY - 500)})
    assert status == 200


@pytest.mark.accept("H10")
@pytest.mark.bad_input("65")
async def test_one_caller_has_so_many_answers_at_once(http: aiohttp.ClientSession) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(http.post(CHAT, json=ENDLESS)) for _ in range(STREAMS)]
        for stream in streams:
            await stream.content.readline()
        status, answer = await ask(http, HI)
        assert (status, answer["error"]["type"], answer["error"]["code"]) == (
            429, "rate_limit_error", "too_many_answers",
        )  # fmt: skip
        assert answer["retry-after"] == "1"
        async with http.get("/health") as healthy:
            assert healthy.status == 200


@pytest.mark.accept("H10")
@pytest.mark.bad_input("65")
async def test_silent_connections_and_idle_streams_keep_nobody_out_until_all_are_taken(
    server: Running, http: aiohttp.ClientSession
) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(http.post(CHAT, json=ENDLESS))  # whose reader stops
        assert slow.status == 200
        silent: list[asyncio.StreamWriter] = []

        async def connect() -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection(host, int(port))
            silent.append(writer)
            stack.callback(writer.close)
            return reader

        for _ in range(CONNECTIONS // 2):
            await connect()
        status, _ = await ask(http, HI)
        assert status == 200
        async with asyncio.timeout(30):
            while True:  # those that were there a moment ago may still count
                reader = await connect()
                try:
                    async with asyncio.timeout(0.5):
                        head = await reader.readuntil(b"\r\n\r\n")
                    break
                except TimeoutError:
                    continue
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"too_many_connections" in await reader.read()
        assert CONNECTIONS - 2 <= len(silent) <= CONNECTIONS + 1
        for writer in silent:
            writer.close()
        async with asyncio.timeout(30):
            while (await ask(http, HI))[0] != 200:
                await asyncio.sleep(0.02)


@pytest.mark.bad_input("60")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_log_on_a_full_disk_stops_nothing(tmp_path: Path, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    argv = ["-m", "dovetail", "serve", "--home", str(tmp_path), "--port", str(port), "--log-format", form]
    full = os.open("/dev/full", os.O_WRONLY)
    environment = {**os.environ, "DOVETAIL_LOG__LEVEL": "debug"}
    child = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=full, stderr=full, env=environment)
    os.close(full)
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            while True:
                assert child.returncode is None
                try:
                    async with http.get("/health") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
            assert (await ask(http, HI))[0] == 200
    finally:
        if child.returncode is None:
            child.terminate()
        async with asyncio.timeout(40):
            await child.wait()
