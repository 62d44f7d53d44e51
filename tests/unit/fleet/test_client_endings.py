"""How an exchange with a worker may end, and what that means."""

import asyncio
import time
from pathlib import Path

import pytest

from dovetail.core.errors import Busy, WorkerStalled
from dovetail.engines import wire
from dovetail.engines.base import Endpoint
from dovetail.fleet.client import Patience, Stream, WorkerClient, unloaded
from dovetail.fleet.exchange import Exchange

from .fakes import HELLO, FakeEngine
from .test_client import HEAD, sends, token, worker

pytestmark = pytest.mark.anyio


async def test_the_time_to_the_first_token_is_counted_once(short_path: Path) -> None:
    async with worker(short_path, sends(HEAD, then_close=False)) as served:
        exchange = await Exchange.begin(Endpoint(socket=served.socket), "POST", "/completion")
        patience = Patience(time.monotonic() - 60, 60, 60)  # the head has taken all of it
        with Stream(WorkerClient(Endpoint()), exchange, wire.decoder(HELLO), patience) as stream:
            async with asyncio.timeout(5):
                with pytest.raises(WorkerStalled):
                    await stream.read()


@pytest.mark.parametrize("last", [b"", b'data: {"error": {"code": 500, "message": "bye"}}\n\n'])
async def test_what_breaks_when_a_worker_was_asked_to_leave_is_no_crash(short_path: Path, last: bytes) -> None:
    async with (
        worker(short_path, sends(HEAD, token("a"), last)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        client.dismissed = unloaded
        with pytest.raises(Busy) as caught:
            _ = [event async for event in client.generate(FakeEngine(), HELLO)]
        assert (caught.value.code, caught.value.status) == ("model_unloaded", 503)
