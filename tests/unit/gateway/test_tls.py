"""TLS and proxies, on a real socket."""

import asyncio
import os
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.cli import preflight
from dovetail.cli.client import Server
from dovetail.cli.exits import Exit, Failure
from dovetail.gateway.server import Started, running
from dovetail.gateway.tls import Certificate
from dovetail.settings import CatalogSettings, ServerSettings, Settings

pytestmark = pytest.mark.anyio

PEM = Path(__file__).parents[2] / "data" / "pictures.example.pem"
# The command serves on the second one; Windows has it not.
LOOPS = pytest.mark.parametrize(
    "anyio_backend",
    [("asyncio", {"use_uvloop": False}), *([("asyncio", {"use_uvloop": True})] if sys.platform != "win32" else [])],
    ids=lambda backend: "uvloop" if backend[1]["use_uvloop"] else "asyncio",
)


def settings(home: Path, **server: Any) -> Settings:
    return Settings(home=home, server=ServerSettings(port=0, **server), catalog=CatalogSettings(demo=False))


@pytest.mark.accept("H1", "H4")
async def test_a_login_over_tls(tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(PEM))
    async with running(settings(tmp_path, tls_cert=PEM)) as started:
        assert started.url.startswith("https://127.0.0.1:")
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with aiohttp.ClientSession(started.url, connector=connector) as http:
            body = {"password": "correct horse battery"}
            async with http.post("/auth/setup", json=body, server_hostname="pictures.example") as answer:
                assert answer.status == 200
                cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-dovetail=")
        assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
        own = Server(started.url, own=True)
        assert (await asyncio.to_thread(own.get, "/health"))["status"] == "ok"
        with pytest.raises(Failure, match="certificate verify failed"):
            await asyncio.to_thread(Server(started.url).get, "/health")


@LOOPS
@pytest.mark.bad_input("5")
@pytest.mark.accept("H1")
async def test_a_handshake_has_no_more_time_than_a_head(tmp_path: Path) -> None:
    async with running(settings(tmp_path, tls_cert=PEM, head_timeout=0.5)) as started:
        for sent in (b"", b"\x16\x03\x01\x02\x00\x01"):
            reader, writer = await asyncio.open_connection("127.0.0.1", started.port)
            writer.write(sent)
            async with asyncio.timeout(10):
                with suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()


HALF = b"\x16\x03\x01\x02\x00\x01"  # the beginning of a handshake


async def hang(port: int, address: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that begins a handshake and never goes on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(HALF)
    await writer.drain()
    return reader, writer


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the server closes at once, long before the time of a handshake is over."""
    try:
        async with asyncio.timeout(30):
            return await reader.read() == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


async def health(started: Started, address: str) -> int:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(PEM)), local_addr=(address, 0))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as http,
        http.get(f"{started.url}/health", server_hostname="pictures.example") as answer,
    ):
        return answer.status


@LOOPS
@pytest.mark.skipif(sys.platform != "linux", reason="has one loopback address")
@pytest.mark.bad_input("65")
@pytest.mark.accept("H10")
@pytest.mark.parametrize("bounds", [{"address_connections": 3}, {"max_connections": 3}], ids=["an address", "in all"])
async def test_handshakes_that_are_never_done_are_bounded(tmp_path: Path, bounds: dict[str, int]) -> None:
    async with running(settings(tmp_path, tls_cert=PEM, head_timeout=60, **bounds)) as started:
        held = [await hang(started.port) for _ in range(3)]
        for _ in range(3):
            reader, writer = await hang(started.port)
            assert await is_closed(reader)
            writer.close()
        if "address_connections" in bounds:  # somebody else is served all the while
            assert await health(started, "127.0.0.2") == 200
        held[0][1].close()
        async with asyncio.timeout(50):
            while True:  # its end has to be seen first
                with suppress(aiohttp.ClientError):
                    assert await health(started, "127.0.0.1") == 200
                    break
        for _, writer in held:
            writer.close()


@LOOPS
@pytest.mark.skipif(sys.platform != "linux", reason="has one loopback address")
async def test_handshakes_that_are_done_count_as_connections(tmp_path: Path) -> None:
    """Of which those beyond the bound are told so."""
    trusting = ssl.create_default_context(cafile=str(PEM))
    async with running(settings(tmp_path, tls_cert=PEM, address_connections=2)) as started:
        lines = [
            await asyncio.open_connection("127.0.0.1", started.port, ssl=trusting, server_hostname="pictures.example")
            for _ in range(3)
        ]
        async with asyncio.timeout(5):
            assert b"429 Too Many Requests" in await lines[2][0].read()
        lines[0][1].write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        async with asyncio.timeout(5):
            assert b"200 OK" in await lines[0][0].read()
        assert await health(started, "127.0.0.2") == 200
        for _, writer in lines:
            writer.close()


@LOOPS
async def test_an_end_waits_for_no_handshake(tmp_path: Path) -> None:
    async with running(settings(tmp_path, tls_cert=PEM, head_timeout=60)) as started:
        reader, writer = await hang(started.port)
    assert await is_closed(reader)
    writer.close()


@LOOPS
async def test_what_is_no_tls_is_closed_and_the_next_is_served(tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(PEM))
    async with running(settings(tmp_path, tls_cert=PEM)) as started:
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", started.port)
            writer.write(sent)
            writer.write_eof()
            async with asyncio.timeout(5):
                with suppress(ConnectionError):
                    assert b"HTTP" not in await reader.read()
            writer.close()
        async with (
            asyncio.timeout(5),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as http,
            http.get(f"{started.url}/health", server_hostname="pictures.example") as answer,
        ):
            assert answer.status == 200


def test_a_renewed_certificate_is_taken_in_and_a_broken_one_is_not(tmp_path: Path) -> None:
    copied = tmp_path / "own.pem"
    copied.write_bytes(PEM.read_bytes())
    certificate = Certificate(copied, copied)
    assert certificate.renew() is False
    copied.write_bytes(b"half")
    assert certificate.renew() is False
    copied.write_bytes(PEM.read_bytes())
    os.utime(copied, ns=(1, 1))
    assert certificate.renew() is True
    assert certificate.renew() is False
    copied.unlink()
    assert certificate.renew() is False


@pytest.mark.parametrize("content", [b"", b"no certificate", None])
def test_files_that_cannot_be_used_stop_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Failure, match=r"own\.pem cannot be used for TLS") as raised:
        preflight.check(settings(tmp_path, tls_cert=path))
    assert raised.value.code is Exit.CONFIG
    preflight.check(settings(tmp_path, tls_cert=PEM))


async def test_a_proxy_is_believed_only_where_it_is_trusted(tmp_path: Path) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "content-type": "application/json"}
    for trusted in ((), ("127.0.0.1",)):
        home = tmp_path / f"home{len(trusted)}"
        async with (
            running(settings(home, trusted_proxies=trusted)) as started,
            aiohttp.ClientSession(started.url, headers=forwarded) as http,
        ):
            async with http.get("/v1/models") as answer:
                assert answer.status == 401  # a proxy may let in anybody, and more so one that nobody named
            access = started.services.access
            assert access is not None
            body = {"password": "correct horse battery", "code": access.setup_code}
            async with http.post("/auth/setup", json={**body, "code": ""}) as answer:
                assert answer.status == 403
            async with http.post("/auth/setup", json=body) as answer:
                assert answer.status == (200 if trusted else 403)
                if trusted:
                    assert answer.headers["set-cookie"].startswith("__Host-dovetail=")
            if not trusted:
                await access.people.found("admin", body["password"])
                async with http.post("/auth/login", json=body) as answer:
                    assert answer.headers["set-cookie"].startswith("dovetail=")
            (session,) = await access.people.sessions(None)
            assert session.address == ("203.0.113.9" if trusted else "127.0.0.1")
