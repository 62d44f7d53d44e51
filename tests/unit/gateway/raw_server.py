"""A server of which a test sees every byte, with short deadlines."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn

from dovetail.core.observe import Observer
from dovetail.gateway.app import create_app
from dovetail.gateway.protocol import Limits, guarded
from dovetail.gateway.sse import Timing
from dovetail.settings import ServerSettings, Settings

from .fakes import Say, services
from .lines import Line, Lines

QUICK = Limits(head_timeout=0.3, stall_timeout=0.2, max_connections=8)
GET = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()


@asynccontextmanager
async def server(
    limits: Limits = QUICK,
    say: Say | None = None,
    timing: Timing | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> AsyncGenerator[Lines]:
    parts = services(say, timing=timing, settings=Settings(server=ServerSettings(**settings)))
    config = uvicorn.Config(
        create_app(parts), http=guarded(limits, observer), ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_keep_alive=1,
    )  # fmt: skip
    config.load()
    running = uvicorn.Server(config)
    running.lifespan = config.lifespan_class(config)
    loop = asyncio.get_running_loop()
    protocol = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
    listener = await loop.create_server(
        lambda: protocol(config=config, server_state=running.server_state, app_state={}), "127.0.0.1", 0
    )
    port = listener.sockets[0].getsockname()[1]
    lines: list[Line] = []

    async def connect() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", port)))
        return lines[-1]

    try:
        yield connect
    finally:
        for line in lines:
            line.close()
        listener.close()
        for connection in tuple(running.server_state.connections):
            connection.transport.abort()
        for task in tuple(running.server_state.tasks):
            task.cancel()
        await asyncio.sleep(0.01)


async def alive(connect: Lines) -> bool:
    line = await connect()
    await line.send(GET + b"connection: close\r\n\r\n")
    return (await line.rest()).statuses == [200]
