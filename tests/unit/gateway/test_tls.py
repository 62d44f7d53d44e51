"""TLS and proxies, on a real socket."""

import asyncio
import os
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.cli import preflight
from dovetail.cli.client import Server
from dovetail.cli.exits import Exit, Failure
from dovetail.gateway.server import running
from dovetail.gateway.tls import Certificate
from dovetail.settings import CatalogSettings, ServerSettings, Settings

pytestmark = pytest.mark.anyio

PEM = Path(__file__).parents[2] / "data" / "pictures.example.pem"


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
