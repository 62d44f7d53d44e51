"""Streams of a real server that nobody's leaving ends: a revoked key does, and a shutdown."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from dovetail import local_key
from dovetail.gateway.revocation import LOOK_EVERY

from ..serving.running import running  # noqa: TID252  one server for the tests of processes

pytestmark = pytest.mark.anyio

STREAMS = ("/api/v1/events?topics=models", "/metrics/stream")


def key(home: Path, *flags: str) -> str:
    """A new key of that home folder."""
    command = [sys.executable, "-m", "dovetail", "key", "create", "--json", "--home", str(home), *flags]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return str(json.loads(said)["key"])


async def ended(response: aiohttp.ClientResponse, within: float) -> str:
    """What came until the stream was over."""
    async with asyncio.timeout(within):
        return (await response.content.read()).decode()


async def test_they_end_with_their_key_and_with_the_server(tmp_path: Path) -> None:
    viewer = key(tmp_path, "viewer", "--role", "viewer")
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        chief = {"x-api-key": str(local_key.read(tmp_path))}
        async with http.get("/api/v1/keys?all=true", headers=chief) as listed:
            (made,) = (each["id"] for each in (await listed.json())["data"])
        mine = [await http.get(path, headers={"x-api-key": viewer}) for path in STREAMS]
        others = [await http.get(path, headers=chief) for path in STREAMS]
        assert [response.status for response in (*mine, *others)] == [200] * 4
        async with http.delete(f"/api/v1/keys/{made}", headers=chief) as revoked:
            assert revoked.status == 200
        for response in mine:
            assert "access_revoked" in await ended(response, within=30)
        assert LOOK_EVERY <= 30
        server.process.terminate()
        for response in others:
            text = await ended(response, within=10)  # of the 30 s that answers have
            assert "error" not in text
            assert "data: " in text
