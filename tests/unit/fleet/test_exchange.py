"""One exchange against raw bytes: where a body ends, who waits for whom, and what no HTTP looks like."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from dovetail.engines.base import Endpoint
from dovetail.fleet.exchange import HIGH_WATER, MAX_HEAD, Exchange, Unreachable

from .fakes import until

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def exchange(folder: Path, answer: Answer) -> AsyncGenerator[Exchange]:
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await answer(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        served.set()

    server = await asyncio.start_unix_server(serve, str(folder / "w.sock"))
    async with server, asyncio.timeout(10):
        made = await Exchange.begin(Endpoint(socket=folder / "w.sock"), "GET", "/")
        try:
            yield made
        finally:
            made.close()
            await served.wait()


def says(*parts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


async def whole(made: Exchange) -> bytes:
    await made.headed()
    pieces: list[bytes] = []
    while piece := await made.read():
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nbody",
    ],
    ids=["length", "chunked", "until-close"],
)
async def test_a_body_ends_where_its_head_says(short_path: Path, answer: bytes) -> None:
    async with exchange(short_path, says(*[answer[i : i + 1] for i in range(len(answer))])) as made:
        assert await whole(made) == b"body"
        assert made.status == 200
        assert await made.read() == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nno number\r\n",
    ],
    ids=["length", "chunked", "not-http"],
)
async def test_a_body_that_is_cut_is_no_whole_one(short_path: Path, answer: bytes) -> None:
    async with exchange(short_path, says(answer)) as made:
        await made.headed()
        assert await made.read() == b"body"
        with pytest.raises(ConnectionError):
            await made.read()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2 * MAX_HEAD]
)
async def test_what_is_no_head_is_an_error(short_path: Path, answer: bytes) -> None:
    async with exchange(short_path, says(answer)) as made:
        with pytest.raises(ConnectionError):
            await made.headed()


async def test_a_worker_waits_for_a_reader(short_path: Path) -> None:
    sent = 0
    size = 400 * HIGH_WATER

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * HIGH_WATER)
            await writer.drain()
            sent += HIGH_WATER

    async with exchange(short_path, answer) as made:
        await made.headed()
        await until(lambda: sent > 0)
        before = -1
        while sent > before:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.05)
        assert sent < size // 4
        assert len(await whole(made)) == size


async def test_closing_ends_the_wait_of_a_reader(short_path: Path) -> None:
    closed = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await closed.wait()

    async with exchange(short_path, answer) as made:
        await made.headed()
        reading = asyncio.create_task(whole(made))
        await asyncio.sleep(0)  # it waits
        made.close()
        made.close()
        closed.set()
        with pytest.raises(ConnectionError):
            await reading


async def test_nobody_there_is_told_apart_from_a_cut(short_path: Path) -> None:
    with pytest.raises(Unreachable):
        await Exchange.begin(Endpoint(socket=short_path / "nobody.sock"), "GET", "/")
