from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dovetail.core.errors import LoadFailed
from dovetail.core.model import Remote
from dovetail.fleet import remote as remote_module
from dovetail.fleet.remote import endpoint, reach

pytestmark = pytest.mark.anyio
CERTIFICATE = Path(__file__).parents[2] / "data" / "pictures.example.pem"


@asynccontextmanager
async def listening(
    status: str, body: str = "{}", tls: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[int, list[str]]]:
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


async def test_a_server_that_answers_is_reached_with_its_path_and_key() -> None:
    async with listening("200 OK") as (port, heads):
        launched = await reach("m", Remote(f"http://127.0.0.1:{port}/api/v1/", key_env="K"), {"K": "very-secret"})
    assert launched.process is None
    assert heads[0].startswith(f"GET /api/v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n")
    assert "Authorization: Bearer very-secret\r\n" in heads[0]
    assert "very-secret" not in repr(launched)


@pytest.mark.parametrize(
    ("status", "said"), [("401 Unauthorized", "key_env"), ("404 Not Found", "404"), ("302 Found", "302")]
)
async def test_a_refusal_is_explained(status: str, said: str) -> None:
    async with listening(status) as (port, _):
        with pytest.raises(LoadFailed, match=said) as raised:
            await reach("m", Remote(f"http://127.0.0.1:{port}/v1"), {})
    assert raised.value.status == 503
    assert f"http://127.0.0.1:{port}/v1" in raised.value.message


async def test_nobody_there() -> None:
    async with listening("200 OK") as (port, _):
        pass
    with pytest.raises(LoadFailed, match="takes no connections"):
        await reach("m", Remote(f"http://127.0.0.1:{port}"), {})


async def test_a_name_that_cannot_be_asked_for() -> None:
    with pytest.raises(LoadFailed, match="takes no connections"):
        await reach("m", Remote(f"http://{'a' * 70}/v1"), {})


async def test_a_silent_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "REACH_WITHIN", 0.05)
    gone = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LoadFailed, match="silent"):
            await reach("m", Remote(f"http://127.0.0.1:{port}"), {})
        gone.set()


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    async with listening("200 OK", tls=tls) as (port, heads):
        with pytest.raises(LoadFailed, match="certificate"):
            await reach("m", Remote(f"https://127.0.0.1:{port}/v1"), {})
    assert heads == []


@pytest.mark.parametrize("key", ["", "two\nlines"])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(LoadFailed, match="K holds no key"):
        endpoint("m", Remote("http://x", key_env="K"), {"K": key})


@pytest.mark.parametrize(
    ("url", "label", "base"),
    [
        ("http://h/v1", "http://h:80/v1", "/v1"),
        ("https://h:9/", "https://h:9", ""),
        ("http://[::1]:5/v1", "http://::1:5/v1", "/v1"),
    ],
)
async def test_addresses(url: str, label: str, base: str) -> None:
    where = endpoint("m", Remote(url, model="other"), {})
    assert (where.label, where.base, where.model) == (label, base, "other")
