"""Raw connections: what a client sends and everything that comes back, to the byte."""

import asyncio
import re
from collections.abc import Callable
from json import loads
from typing import Any, cast


class Answers:
    """Everything that came back until the server closed, or the test stopped waiting."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", raw)]

    def error(self) -> dict[str, Any]:
        return loads(self.raw.rpartition(b"\r\n\r\n")[2])["error"]


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def rest(self, within: float = 5.0) -> Answers:
        """All that comes until the end of the connection, which has to come in time."""
        async with asyncio.timeout(within):
            try:
                return Answers(await self._reader.read())
            except ConnectionError:
                return Answers(b"")

    async def answer(self) -> Answers:
        """One answer with a length, the connection staying open."""
        async with asyncio.timeout(5):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return Answers(head + await self._reader.readexactly(length))

    def pause(self) -> None:
        """Takes no more bytes than the kernel does."""
        cast("asyncio.Transport", self._writer.transport).pause_reading()

    def close(self) -> None:
        self._writer.close()


Lines = Callable[[], Any]
