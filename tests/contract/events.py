"""Server-sent events as a client reads them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

WITHIN = 30.0


class Events:
    """A stream of events that is open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.seen: list[Any] = []
        self.last_id: str | None = None

    async def next(self) -> Any:
        """The next event's data; comments and what is said of coming back are passed over."""
        async with asyncio.timeout(WITHIN):
            while True:
                name, _, value = (await self._response.content.readline()).decode().rstrip("\n").partition(": ")
                if name == "id":
                    self.last_id = value
                if name == "data":
                    self.seen.append(json.loads(value))
                    return self.seen[-1]
                if not name and self._response.content.at_eof():
                    raise EOFError("the stream ended")

    async def until(self, topic: str, kind: str, **fields: object) -> Any:
        """The data of the next event of that topic and type that has these fields."""
        async with asyncio.timeout(WITHIN):
            while True:
                event = await self.next()
                if (event["topic"], event["type"]) == (topic, kind) and fields.items() <= event["data"].items():
                    return event["data"]


@asynccontextmanager
async def opened(session: aiohttp.ClientSession, path: str, **headers: str) -> AsyncGenerator[Events]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=WITHIN)
    async with session.get(path, headers=headers, timeout=timeout) as response:
        assert response.status == 200, await response.text()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)
