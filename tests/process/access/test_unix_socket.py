"""A server on a Unix socket, in a process of its own, and the commands that find it there."""

import asyncio
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets on Windows"),
]

Run = Callable[..., "subprocess.CompletedProcess[str]"]
WITHIN = 60


@asynccontextmanager
async def serving(home: Path, path: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    argv = ["-m", "dovetail", "serve", "--home", str(home), "--unix-socket", str(path)]
    child = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(WITHIN):
            said = await child.stdout.readline()
        assert f" at unix:{path} ".encode() in said
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        async with asyncio.timeout(WITHIN):
            await child.wait()


async def test_its_owner_alone_reaches_it_and_the_commands_find_it(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "s.sock"
    dead = socket.socket(socket.AF_UNIX)  # as a killed server leaves it
    dead.bind(str(path))
    dead.close()
    async with (
        serving(tmp_path, path) as child,
        aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(str(path))) as http,
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        chat = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        async with http.post("/v1/chat/completions", json=chat) as answer:
            assert answer.status == 200
        async with http.get("/v1/models", headers={"host": "evil.example"}) as answer:
            assert answer.status == 421
        async with http.get("/v1/models", headers={"x-forwarded-for": "203.0.113.9"}) as answer:
            assert answer.status == 401
        listed = await asyncio.to_thread(run, "list")
        assert (listed.returncode, "ready" in listed.stdout) == (0, True), listed
        assert [c for c in psutil.Process(child.pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN] == []
        other = tmp_path / "other"
        second = await asyncio.to_thread(_serve, other, path)
        assert second.returncode == 69
        assert "another server" in second.stderr
    assert not path.exists()


def test_what_is_no_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "a-file"
    path.write_text("precious")
    refused = _serve(tmp_path / "home", path)
    assert refused.returncode == 69
    assert path.read_text() == "precious"
    assert _serve(tmp_path / "home", tmp_path / ("x" * 120)).returncode == 78


def _serve(home: Path, path: Path) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "dovetail", "serve", "--home", str(home), "--unix-socket", str(path)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=WITHIN, check=False)
