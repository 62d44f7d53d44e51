"""What a worker's health says, and what it does not have to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.engines.base import Endpoint
from dovetail.fleet.client import WorkerClient

from .test_client import sends, status, worker

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("body", "allocated"),
    [
        (b'{"status": "ok", "memory": {"active": 5, "cache": 2, "peak": 9}}', 7),
        (b'{"status": "ok"}', None),
        (b'{"memory": {"active": "much"}}', None),
        (b"[]", None),
        (b"OK", None),
    ],
)
async def test_an_engine_may_say_what_it_holds(short_path: Path, body: bytes, allocated: int | None) -> None:
    async with (
        worker(short_path, sends(status(200, body))) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        assert await client.health()
        assert client.allocated == allocated


async def test_a_body_that_never_comes_is_no_illness(short_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with (
        worker(short_path, sends(head, then_close=False)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        assert await client.health(within=0.05)
        assert client.allocated is None
