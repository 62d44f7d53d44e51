"""The way from a browser to the server, which a test cuts and mends: a proxy of bytes on a port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_PIECE = 1 << 16


class Line:
    """`tried` counts the connections that were made in vain since it was cut."""

    def __init__(self, to: int) -> None:
        self.url = ""
        self.tried = 0
        self._to = to
        self._state: Literal["open", "cut", "unavailable"] = "open"
        self._writers: set[asyncio.StreamWriter] = set()
        self._news = asyncio.Event()

    def cut(self, *, unavailable: bool = False) -> None:
        """Ends every connection and takes none, or answers each with a 503, until it is mended."""
        self._state, self.tried = "unavailable" if unavailable else "cut", 0
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._state = "open"

    async def tried_often(self, times: int, within: float = 30.0) -> None:
        """Waits until so many have been made in vain."""
        async with asyncio.timeout(within):
            while self.tried < times:
                self._news.clear()
                await self._news.wait()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        if self._state != "open":
            if self._state == "unavailable":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_UNAVAILABLE)
                await writer.drain()
            writer.close()
            self.tried += 1
            self._news.set()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, back}
        try:
            await asyncio.gather(_poured(reader, back), _poured(there, writer))
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                each.close()


async def _poured(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(_PIECE):
            into.write(piece)
            await into.drain()
    into.close()  # with what is still on its way; the other direction ends with this one


@asynccontextmanager
async def line(url: str) -> AsyncGenerator[Line]:
    """A line to the server at `url`."""
    made = Line(urlsplit(url).port or 80)
    tasks: set[asyncio.Task[None]] = set()

    def took(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.take(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(took, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
