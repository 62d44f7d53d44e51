"""What is written goes out as it is written, over TLS too, on every loop."""

import asyncio
import socket
import ssl
from functools import partial
from typing import cast

import pytest
import uvicorn

from dovetail.core.observe import Observer
from dovetail.gateway.app import create_app
from dovetail.gateway.handshakes import Hall, Handshake, Handshakes
from dovetail.gateway.protocol import Limits, guarded
from dovetail.gateway.server import _listener
from dovetail.gateway.tls import certificate

from .fakes import services
from .test_tls import LOOPS, PEM

pytestmark = pytest.mark.anyio
LIMITS = Limits(5, 5, 8)


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_no_write_waits_for_the_client_s_word_on_the_one_before(secure: bool) -> None:
    seen: asyncio.Queue[int] = asyncio.Queue()

    class Seen(guarded(LIMITS)):
        def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  as uvicorn has it
            super().connection_made(transport)
            connection = cast("socket.socket", transport.get_extra_info("socket"))
            seen.put_nowait(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    config = uvicorn.Config(create_app(services()), http=Seen, ws="none", lifespan="off", log_config=None)
    config.load()
    made = partial(Seen, config=config, server_state=uvicorn.Server(config).server_state, app_state={})
    listener = _listener("127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    if secure:
        known = certificate(PEM, None)
        assert known is not None
        server = Handshakes(listener, Handshake(made, known.context, 5), Hall(LIMITS, Observer()))
    else:
        server = await loop.create_server(made, sock=listener)
    trusting = ssl.create_default_context(cafile=str(PEM)) if secure else None
    name = "pictures.example" if secure else None
    _, writer = await asyncio.open_connection(*listener.getsockname(), ssl=trusting, server_hostname=name)
    async with asyncio.timeout(10):
        assert await seen.get()
    writer.close()
    server.close()
    await server.wait_closed()
    listener.close()
