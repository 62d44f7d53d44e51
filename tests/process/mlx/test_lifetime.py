"""How a worker starts, lets go of requests, and ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

import dovetail
from dovetail.core.request import Json, JsonObject

if TYPE_CHECKING:
    from tests.process.mlx.conftest import Start, Worker

pytestmark = pytest.mark.anyio


async def leave_after(worker: Worker, frames: int, prompt: list[int], limit: int) -> None:
    """Start an answer and go once some frames have come."""
    ids: Json = [*prompt]
    body: JsonObject = {
        "prompt": ids,
        "n_predict": limit,
        "ignore_eos": True,
        "temperature": 1.0,
        "return_progress": True,
    }
    async with worker.open("/completion", body) as response:
        assert response.status == 200
        seen = 0
        async for line in response.content:
            seen += line.startswith(b"data:")
            if seen >= frames:
                return


async def test_a_client_that_leaves_frees_its_row(start: Start) -> None:
    single = start("--context", "2048", "--parallel", "1", "--prefill-step", "32")
    for prompt in ([7], [9] * 1500):  # in decode, and in prefill
        await leave_after(single, 5, prompt, 500)
        began = time.monotonic()
        reply = await single.complete([8], n_predict=2)
        assert reply.status == 200
        assert time.monotonic() - began < 1.0
    # What was computed before it left is not lost.
    again = await single.complete([9] * 1500 + [10], n_predict=1)
    assert again.cached >= 32
    assert single.end() == 0


async def test_requests_beyond_the_rows_wait_their_turn(start: Start) -> None:
    narrow = start("--context", "512", "--parallel", "2")
    replies = await asyncio.gather(*(narrow.complete([300 + n], n_predict=8) for n in range(12)))
    assert all(reply.status == 200 and reply.last["stop"] for reply in replies)
    # SIGINT is for the parent to answer.
    narrow.process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    assert narrow.process.poll() is None
    assert stat.S_IMODE(narrow.socket.stat().st_mode) == 0o600
    leaving = asyncio.create_task(leave_after(narrow, 10**9, [5], 400))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    narrow.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(narrow.process.wait, 5) == 0
    assert time.monotonic() - began < 2.0
    assert not narrow.socket.exists()
    await asyncio.gather(leaving, return_exceptions=True)


async def test_closing_stdin_ends_the_worker(start: Start) -> None:
    short = start("--context", "64", ready=False)
    while short.health() is None:
        assert short.process.poll() is None
        await asyncio.sleep(0.02)
    assert short.health() in (
        (200, {"status": "ok"}),
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    )
    short.wait_ready()
    assert short.end() == 0
    assert not short.socket.exists()


@pytest.mark.bad_input("40", "43")
@pytest.mark.parametrize("fault", ["code", "auto_map", "no weights", "half weights", "loop"])
async def test_a_folder_that_cannot_be_served_ends_with_the_reason(
    start: Start, worker: Worker, tmp_path: Path, fault: str
) -> None:
    model = tmp_path / "model"
    source = Path(cast("list[str]", worker.process.args)[4])
    shutil.copytree(source, model)
    planted = tmp_path / "ran"
    weights = model / "model.safetensors"
    match fault:
        case "code":
            (model / "evil.py").write_text(f"open({str(planted)!r}, 'w')")
            reason = "evil.py"
        case "auto_map":
            config = model / "config.json"
            config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoModel": "evil.M"},', 1))
            reason = "auto_map"
        case "no weights":
            weights.unlink()
            reason = "safetensors"
        case "half weights":
            os.truncate(weights, 100_000)
            reason = ""
        case _:
            (model / "chat_template.jinja").write_text(
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
            )
            reason = "template"
    broken = start(ready=False, model=model)
    assert await asyncio.to_thread(broken.process.wait, 15) == 1
    last = broken.stderr.read_text().strip().splitlines()[-1]
    assert "could not be loaded" in last
    assert reason in last
    assert not planted.exists()


async def test_on_a_port_every_request_needs_the_secret(worker: Worker) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = cast("int", free.getsockname()[1])
    argv = [part for part in cast("list[str]", worker.process.args) if part not in ("--socket", str(worker.socket))]
    environment = {name: value for name, value in os.environ.items() if name != "DOVETAIL_WORKER_SECRET"}
    environment["PYTHONPATH"] = str(Path(dovetail.__file__).parents[1])
    argv += ["--port", str(port)]
    assert subprocess.run(argv, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 2
    process = subprocess.Popen(argv, env={**environment, "DOVETAIL_WORKER_SECRET": "s3cret"}, stdin=subprocess.PIPE)
    try:
        statuses: set[int] = set()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            while 200 not in statuses:
                assert process.poll() is None
                await asyncio.sleep(0.05)
                try:
                    for token in (None, "Bearer wrong", "Bearer s3cret"):
                        headers = {} if token is None else {"Authorization": token}
                        async with session.get(f"http://127.0.0.1:{port}/health", headers=headers) as response:
                            assert (response.status == 401) == (token != "Bearer s3cret")
                            statuses.add(response.status)
                except aiohttp.ClientConnectorError:
                    pass
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0
