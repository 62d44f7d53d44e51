"""The start commands of older servers, in `compat/`, each with a real server."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from dovetail import demo

from .test_cli_older_flags import free_port

pytestmark = pytest.mark.anyio

COMPAT = Path(__file__).parents[2] / "compat"
node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
# In a shell `dovetail` is that of the environment in use.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@asynccontextmanager
async def started(folder: Path, port: int, *argv: str, group: bool = False) -> AsyncGenerator[aiohttp.ClientSession]:
    """What a command started, once it answers at `port`; afterwards all of it is gone.

    With `group` all of it is told to end, as a terminal does.
    """
    with (folder / "log").open("wb") as log:
        environ = {**os.environ, "PATH": PATH, "LLAMA_PORT": str(port)}
        child = await asyncio.create_subprocess_exec(*argv, cwd=folder, stdout=log, stderr=log, env=environ)
    try:
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as session:
            async with asyncio.timeout(30):
                while child.returncode is None:
                    try:
                        async with session.get("/health") as answer:
                            assert answer.status == 200
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.05)
            assert child.returncode is None, (folder / "log").read_text()[-2000:]
            yield session
    finally:
        children = psutil.Process(child.pid).children(recursive=True)
        own = [child.pid, *(one.pid for one in children)]
        for one in children if group else ():
            one.terminate()
        with suppress(ProcessLookupError):
            child.terminate()
        async with asyncio.timeout(40):
            await child.wait()
            while any(psutil.pid_exists(pid) for pid in own):
                await asyncio.sleep(0.05)


@pytest.mark.accept("P12")
@pytest.mark.parametrize(
    ("program", "file"),
    [
        (sys.executable, "main.py"),
        pytest.param("node", "server-python.js", marks=node),
        pytest.param("node", "server.js", marks=node),
    ],
)
async def test_the_command_serves_the_models_beside_it(tmp_path: Path, program: str, file: str) -> None:
    shutil.copytree(demo.models_dir() / "tiny-mlx", tmp_path / "models" / "own-mlx")
    port = free_port()
    flags = ["--home", str(tmp_path / "home"), "--no-demo", "--port", str(port)]
    async with (
        started(tmp_path, port, program, str(COMPAT / file), *flags) as http,
        http.post("/chat", json={"prompt": "Hi", "max_tokens": 3, "stream": False}) as answer,
    ):
        assert (answer.status, (await answer.json())["model"]) == (200, "own-mlx")


@pytest.mark.parametrize(("file", "port"), [("main.py", "4000"), ("server-python.js", "8081")])
async def test_the_port_is_the_older_servers_unless_it_is_said(file: str, port: str) -> None:
    assert port in (COMPAT / file).read_text()


@node
async def test_what_to_do_without_dovetail_is_said(tmp_path: Path) -> None:
    program = shutil.which("node") or "node"
    argv = [program, str(COMPAT / "server-python.js")]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=tmp_path, stderr=asyncio.subprocess.PIPE, env={"PATH": str(tmp_path)}
    )
    async with asyncio.timeout(30):
        _, reason = await process.communicate()
    assert process.returncode == 69
    assert b"pip install -r requirements.txt" in reason


@npm
async def test_npm_run_server(tmp_path: Path) -> None:
    shutil.copytree(demo.models_dir() / "tiny-gguf", tmp_path / "llama.cpp" / "models" / "own-gguf")
    shutil.copy(COMPAT / "package.json", tmp_path)
    port = free_port()
    flags = ["--home", str(tmp_path / "home"), "--no-demo"]
    async with (
        started(tmp_path, port, "npm", "run", "server", "--", *flags, group=True) as http,
        http.post("/completion", json={"prompt": "Hello, world", "n_predict": 10}) as answer,
    ):
        assert (answer.status, (await answer.json())["model"]) == (200, "own-gguf")


def test_every_part_of_the_older_client_is_the_whole_server() -> None:
    scripts = json.loads((COMPAT / "package.json").read_text())["scripts"]
    parts = ("client:all", "client", "client:server", "client:auth")
    assert {scripts[part] for part in parts} == {"dovetail serve --compat-ports"}
