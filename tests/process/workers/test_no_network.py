"""What reaches out from inside a real worker: code that its Python runs at the start, as a hostile model's would."""

import asyncio
import json
import os
import platform
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from ..serving.running import running  # noqa: TID252

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="filters are Linux's"
    ),
]
# Run by every Python of the test, the gateway's too: at a signal it says what its process can reach.
INSIDE = """
import json, os, pathlib, signal, socket

def tries(*_):
    said = {{}}
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        try:
            with socket.socket(socket.AF_INET, kind) as out:
                out.connect(("127.0.0.1", {port}))
            said[name] = "reached"
        except OSError as error:
            said[name] = error.strerror
    said["secrets"] = sorted(name for name, value in os.environ.items() if value.startswith("of-"))
    part = pathlib.Path({folder!r}, f"{{os.getpid()}}.part")
    part.write_text(json.dumps(said))
    part.rename(part.with_suffix(".json"))

signal.signal(signal.SIGUSR1, tries)
"""
WITHIN = 30


async def answer_of(process: int, folder: Path) -> dict[str, object]:
    os.kill(process, signal.SIGUSR1)
    said = folder / f"{process}.json"
    async with asyncio.timeout(WITHIN):
        while not said.exists():
            await asyncio.sleep(0.02)
    return json.loads(said.read_text())


@pytest.mark.accept("H14")
async def test_a_worker_reaches_no_port_and_holds_no_secret(tmp_path: Path) -> None:
    inside, home = tmp_path / "inside", tmp_path / "home"
    inside.mkdir()
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as there:
        text = INSIDE.format(port=there.getsockname()[1], folder=str(inside))
        (inside / "sitecustomize.py").write_text(text)
        secrets = {"LLAMA_API_KEY": "of-the-operator", "HF_TOKEN": "of-the-hub", "AWS_SECRET_ACCESS_KEY": "of-a-cloud"}
        path = os.pathsep.join([str(inside), os.environ.get("PYTHONPATH", "")])
        async with (
            running(home, environment={**secrets, "PYTHONPATH": path}) as server,
            aiohttp.ClientSession(headers={"x-api-key": "of-the-operator"}) as http,
        ):
            for model in ("tiny-gguf", "tiny-mlx"):
                body = {"model": model, "prompt": "hi", "max_tokens": 1}
                async with http.post(f"{server.url}/v1/completions", json=body) as answer:
                    assert answer.status == 200, await answer.text()
                worker = await server.worker(http, model)
                said = await answer_of(worker.pid, inside)
                assert said == {"tcp": "Permission denied", "udp": "Permission denied", "secrets": []}
                statuses = [task.read_text() for task in Path(f"/proc/{worker.pid}/task").glob("*/status")]
                assert all("\nSeccomp:\t2\n" in status for status in statuses)
            gateway = await answer_of(server.process.pid, inside)
            # Else this test could not fail.
            assert gateway == {"tcp": "reached", "udp": "reached", "secrets": sorted(secrets)}
