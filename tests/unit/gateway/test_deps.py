"""What routes share."""

import threading

import pytest
from starlette.requests import Request
from starlette.types import Message

from dovetail.gateway import request_body
from dovetail.gateway.deps import translated

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_large_body_is_translated_beside_the_event_loop(size: int) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * size}

    request = Request({"type": "http", "headers": []}, receive)
    await request_body.read(request, limit=1 << 20, timeout=1)
    on_the_loop = await translated(request, threading.get_ident) == threading.get_ident()
    assert on_the_loop is (size < 1000)
