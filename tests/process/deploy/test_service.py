"""The command of the systemd unit, run as the unit says: a process of its own that is controlled over HTTP."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from .proxy import DEPLOY, free_port

pytestmark = pytest.mark.anyio

KEY = "k" * 40
WITHIN = 30.0


def unit(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.+)$", (DEPLOY / "dovetail.service").read_text(), re.MULTILINE)
    return str(value)


@pytest.mark.accept("D8")
async def test_another_process_loads_and_unloads_models_and_the_service_manager_stops_it(tmp_path: Path) -> None:
    port = free_port()
    command = unit("ExecStart").replace("/var/lib/dovetail", str(tmp_path)).replace("--port 8080", f"--port {port}")
    _, *words = command.split()
    environment = {**os.environ, "LLAMA_API_KEY": KEY}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dovetail", *words),
        env=environment,
        umask=int(unit("UMask"), 8),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = asyncio.create_task(child.communicate())
    try:
        async with asyncio.timeout(WITHIN), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await healthy(session)
            assert await state(session, "tiny-gguf") == "unloaded"
            for verb, after in (("load", "ready"), ("unload", "unloaded")):
                headers = {"Authorization": f"Bearer {KEY}"}
                async with session.post(f"/models/{verb}", json={"model": "tiny-gguf"}, headers=headers) as answer:
                    assert (answer.status, await answer.json()) == (200, {"success": True})
                assert await state(session, "tiny-gguf") == after
            async with session.post("/models/load", json={"model": "tiny-gguf"}) as answer:
                assert answer.status == 401, "nobody does so without a key"
        modes = {path.name: stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in tmp_path.iterdir()}
        assert set(modes.values()) == {0}
    finally:
        child.send_signal(signal.SIGTERM)
    async with asyncio.timeout(float(unit("TimeoutStopSec"))):
        await said
    assert child.returncode == 0, "a restart on failure leaves it alone"


async def healthy(session: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with session.get("/health") as answer:
                assert answer.status == 200
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.02)


async def state(session: aiohttp.ClientSession, model: str) -> str:
    async with session.get(f"/v1/models/{model}", headers={"Authorization": f"Bearer {KEY}"}) as answer:
        return str((await answer.json())["state"])
