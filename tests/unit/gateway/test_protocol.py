"""The guards of a connection, over a raw socket."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from dovetail.core.events import Event, TextDelta
from dovetail.gateway.protocol import MAX_HEAD
from dovetail.gateway.sse import Timing

from .fakes import finished
from .raw_server import CHAT, GET, POST, alive, server

pytestmark = pytest.mark.anyio


async def test_requests_follow_each_other_on_one_connection() -> None:
    async with server() as connect:
        line = await connect()
        for _ in range(3):
            await line.send(POST + b"content-length: %d\r\n\r\n" % len(CHAT) + CHAT)
            assert (await line.answer()).statuses == [200]
            await line.send(GET + b"\r\n")
            assert (await line.answer()).statuses == [200]


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with server() as connect:
        line = await connect()
        await line.send((GET + b"\r\n") * 2 + GET + b"connection: close\r\n\r\n")
        assert (await line.rest()).statuses == [200, 200, 200]


MALFORMED = {
    "random bytes": bytes(range(256)),
    "a TLS hello": bytes.fromhex("16030100a5010000a1030300") + b"\x00" * 100,
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "NUL in a header": GET + b"a: b\x00c\r\n\r\n",
    "space before the colon": GET + b"a : b\r\n\r\n",
    "length and chunked": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "a negative length": POST + b"content-length: -1\r\n\r\n",
    "a hexadecimal length": POST + b"content-length: 0x10\r\n\r\n",
    "a length beyond all numbers": POST + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
    "a bad chunk size": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "an unknown coding": POST + b"transfer-encoding: cow\r\n\r\nhello",
    "a path that is no path": b"GET http:///%zz HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "bytes beyond ASCII in the path": b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


@pytest.mark.bad_input("1", "2", "4")
@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_requests_get_one_answer_and_the_close(sent: bytes) -> None:
    async with server() as connect:
        line = await connect()
        await line.send(sent)
        statuses = (await line.rest()).statuses
        assert len(statuses) <= 1
        assert not statuses or 400 <= statuses[0] < 500
        assert await alive(connect)


@pytest.mark.bad_input("2")
async def test_the_answer_to_a_malformed_request_is_json() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(MALFORMED["a header without a colon"])
        answer = await line.rest()
        assert answer.error()["code"] == "invalid_http"
        assert b"connection: close" in answer.raw


@pytest.mark.bad_input("3")
@pytest.mark.parametrize(
    "header",
    [
        b"a: " + b"x" * (2 << 20),
        b"".join(b"h%d: x\r\n" % i for i in range(20_000)),
        b"a: " + b"x" * MAX_HEAD,
        b"".join(b"h%d: x\r\n" % i for i in range(300))[:-2],
    ],
    ids=["2 MB", "20,000 headers", "64 kB", "300 headers"],
)
async def test_a_head_beyond_its_bound_is_refused(header: bytes) -> None:
    async with server() as connect:
        line = await connect()
        with suppress(ConnectionError):
            await line.send(GET + header + b"\r\n\r\n")
        assert (await line.rest()).statuses in ([431], [])
        assert await alive(connect)


@pytest.mark.bad_input("3")
async def test_an_endless_header_is_refused_while_it_comes() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"a: ")
        for _ in range(3):
            await line.send(b"x" * (MAX_HEAD // 2))
            await asyncio.sleep(0.01)
        answer = await line.rest()
        assert answer.statuses == [431]
        assert answer.error()["code"] == "head_too_large"


async def test_a_head_within_its_bound_passes() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"a: " + b"x" * 60_000 + b"\r\nconnection: close\r\n\r\n")
        assert (await line.rest()).statuses == [200]


@pytest.mark.bad_input("5")
async def test_half_a_head_is_given_up() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET)
        answer = await line.rest()
        assert answer.statuses == [408]
        assert answer.error()["code"] == "request_timeout"


@pytest.mark.bad_input("5")
async def test_dripping_a_head_does_not_help() -> None:
    async with server() as connect:
        line = await connect()

        async def drip() -> None:
            for byte in GET * 100:
                await line.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await line.rest(3)).statuses in ([408], [])
        dripping.cancel()
        await asyncio.wait([dripping])


async def test_a_silent_connection_is_closed() -> None:
    async with server() as connect:
        line = await connect()
        assert (await line.rest(3)).raw == b""


async def test_a_second_head_has_its_time_too() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"\r\n")
        await line.answer()
        await line.send(b"GET /he")
        assert (await line.rest(3)).statuses == [408]


async def test_a_slow_body_is_not_a_slow_head() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(POST + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(CHAT))
        await asyncio.sleep(0.5)
        await line.send(CHAT)
        assert (await line.rest()).statuses == [200]


async def test_a_body_dripped_into_an_answered_request_ends_the_connection() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"content-length: 100000\r\n\r\n")
        assert (await line.answer()).statuses == [200]

        async def drip() -> None:
            for _ in range(200):
                await line.send(b"x")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await line.rest(3)).statuses == []
        dripping.cancel()
        await asyncio.wait([dripping])


async def test_a_body_that_stops_is_given_up() -> None:
    async with server(body_timeout=0.2) as connect:
        line = await connect()
        await line.send(POST + b"content-length: 1000\r\n\r\n{")
        answer = await line.rest()
        assert answer.statuses == [408]


@pytest.mark.bad_input("14")
async def test_a_claim_of_10_gib_is_refused_at_once_and_the_answer_arrives() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(POST + b"content-length: 10737418240\r\n\r\n" + b"x" * 1_000_000)
        answer = await line.answer()
        assert answer.statuses == [413]
        assert answer.error()["code"] == "request_too_large"


async def test_a_real_body_beyond_the_bound_is_refused_and_the_answer_arrives() -> None:
    async with server(max_body=1 << 20) as connect:
        line = await connect()
        await line.send(POST + b"transfer-encoding: chunked\r\n\r\n")
        try:
            for _ in range(300):
                await line.send(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
            await line.send(b"0\r\n\r\n")
        except ConnectionError:
            pass
        assert (await line.rest()).statuses == [413]


async def test_an_error_in_the_middle_of_a_stream_is_no_second_answer() -> None:
    async def endless(*_: object) -> AsyncGenerator[Event, None]:
        while True:
            yield TextDelta("x")
            await asyncio.sleep(0.01)

    body = json.dumps({**json.loads(CHAT), "stream": True}).encode()
    async with server(say=endless) as connect:
        line = await connect()
        await line.send(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        await asyncio.sleep(0.1)
        await line.send(b"\x00\x01garbage\r\n\r\n")
        assert (await line.rest()).statuses == [200]
        assert await alive(connect)


async def test_half_a_head_behind_a_running_answer_waits_and_is_bounded() -> None:
    go_on = asyncio.Event()

    async def slow(*_: object) -> AsyncGenerator[Event, None]:
        await go_on.wait()
        yield finished()

    async with server(say=slow) as connect:
        patient, greedy = await connect(), await connect()
        for line in (patient, greedy):
            await line.send(POST + b"content-length: %d\r\n\r\n" % len(CHAT) + CHAT + b"GET /he")
        await asyncio.sleep(0.5)
        await greedy.send(b"x" * (MAX_HEAD + 1))
        assert (await greedy.rest()).statuses == [431]
        go_on.set()
        assert (await patient.answer()).statuses == [200]
        await patient.send(b"alth HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        assert (await patient.rest()).statuses == [200]


async def test_the_body_of_a_pipelined_request_is_no_head() -> None:
    body = CHAT[:-1] + b" " * (2 * MAX_HEAD) + b"}"
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"\r\n" + POST + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body))
        await asyncio.sleep(0.1)
        for start in range(0, len(body), 10_000):
            await line.send(body[start : start + 10_000])
            await asyncio.sleep(0.03)
        assert (await line.rest()).statuses == [200, 200]


async def test_empty_lines_do_not_keep_a_connection() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"\r\n")
        await line.answer()
        await line.send(b"\r\n")
        assert (await line.rest(3)).raw == b""


@pytest.mark.bad_input("65")
async def test_a_client_that_reads_nothing_is_cut_and_its_source_closed(caplog: pytest.LogCaptureFixture) -> None:
    closed = asyncio.Event()
    said = 0

    async def endless(*_: object) -> AsyncGenerator[Event, None]:
        nonlocal said
        try:
            while True:
                said += 1
                yield TextDelta("x" * 1000)
        finally:
            closed.set()

    body = json.dumps({**json.loads(CHAT), "stream": True}).encode()
    async with server(say=endless, timing=Timing(header_after=0.1, stall=0.3)) as connect:
        line = await connect()
        line.pause()
        await line.send(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(5):
            await closed.wait()
        assert said < 10_000
        assert await alive(connect)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_idle_connection_is_closed() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"\r\n")
        await line.answer()
        assert (await line.rest(3)).raw == b""


async def test_upgrades_are_ignored() -> None:
    async with server() as connect:
        line = await connect()
        await line.send(GET + b"connection: upgrade, close\r\nupgrade: websocket\r\n\r\n")
        assert (await line.rest()).statuses == [200]
