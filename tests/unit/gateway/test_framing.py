"""What belongs to which request: bodies, what stands around their chunks, and upgrades that are asked for."""

import asyncio
from contextlib import suppress

import pytest

from dovetail.gateway.protocol import MAX_HEAD

from .raw_server import CHAT, GET, POST, alive, server

pytestmark = pytest.mark.anyio


def chunked(body: bytes) -> bytes:
    return b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(body), body)


@pytest.mark.bad_input("4")
async def test_trailers_are_no_headers() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(POST + chunked(CHAT) + b"origin: http://elsewhere.example\r\n\r\n")
        assert (await line.answer()).statuses == [200]
        await line.send(GET + b"\r\n")
        assert (await line.answer()).statuses == [200]


@pytest.mark.bad_input("3")
@pytest.mark.parametrize("endless", [b"a: " + b"x" * 8000 + b"\r\n", b"x" * 8000], ids=["trailers", "a trailer"])
async def test_what_follows_a_body_is_bounded(endless: bytes) -> None:
    async with server() as connect:
        line = await connect()
        await line.send(POST + chunked(CHAT))
        await line.send(b"a: ")
        with suppress(ConnectionError):
            for _ in range(100):
                await line.send(endless)
                await asyncio.sleep(0)
        assert len((await line.rest()).statuses) <= 1
        assert await alive(connect)


async def test_a_body_in_small_chunks_is_not_what_stands_around_it() -> None:
    body = CHAT[:-1] + b" " * (MAX_HEAD // 2) + b"}"
    async with server() as connect:
        line = await connect()
        await line.send(POST + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(body), 1000):
            await line.send(b"".join(b"1\r\n%c\r\n" % byte for byte in body[start : start + 1000]))
        await line.send(b"0\r\n\r\n")
        assert (await line.rest()).statuses == [200]


@pytest.mark.bad_input("4")
async def test_an_answered_request_that_turns_out_malformed_gets_no_second_answer() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(
            b"POST /nowhere HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
        )
        assert (await line.answer()).statuses == [404]
        await line.send(b"zz\r\n")
        assert (await line.rest()).raw == b""


UPGRADE = POST + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"


@pytest.mark.bad_input("4")
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("body", [b"content-length: %d\r\n\r\n%b" % (len(CHAT), CHAT), chunked(CHAT) + b"\r\n"])
async def test_the_body_of_a_request_that_asks_for_an_upgrade_is_its_body(body: bytes, *, at_once: bool) -> None:
    async with server() as connect:
        line = await connect()
        head, _, rest = (UPGRADE + body).partition(b"\r\n\r\n")
        behind = rest + GET + b"connection: close\r\n\r\n"
        if at_once:
            await line.send(head + b"\r\n\r\n" + behind)
        else:
            await line.send(head + b"\r\n\r\n")
            await asyncio.sleep(0.1)
            for start in range(0, len(behind), 7):
                await line.send(behind[start : start + 7])
                await asyncio.sleep(0)
        assert (await line.rest()).statuses == [200, 200]


@pytest.mark.bad_input("4")
async def test_a_request_in_the_body_of_an_upgrade_is_not_answered() -> None:
    async with server() as connect:
        line = await connect()
        inner = GET + b"\r\n"
        await line.send(UPGRADE + b"content-length: %d\r\n\r\n" % len(inner))
        await asyncio.sleep(0.1)
        await line.send(inner)
        assert (await line.answer()).statuses == [400]
        await line.send(GET + b"connection: close\r\n\r\n")
        assert (await line.rest()).statuses == [200]


async def test_a_request_behind_an_upgrade_is_answered_too() -> None:
    async with server() as connect:
        line = await connect()
        asked = GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
        await line.send(asked + GET + b"connection: close\r\n\r\n")
        assert (await line.rest()).statuses == [200, 200]


@pytest.mark.bad_input("54")
async def test_a_request_has_one_host() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nhost: elsewhere.example\r\n\r\n")
        assert (await line.answer()).statuses == [400]
        await line.send(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await line.answer()).statuses == [200]


@pytest.mark.bad_input("1")
@pytest.mark.parametrize("target", [b"CONNECT localhost:80", b"GET http://elsewhere.example"])
async def test_a_target_that_is_no_path_is_told_so(target: bytes) -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"\r\n")
        await line.answer()
        await line.send(target + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await line.rest()).statuses == [400]
