"""The start commands of older servers, in `compat/`, each with a real server."""

import asyncio
import json
import os
import shutil
import socket
import sys
import tomllib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from itertools import takewhile
from pathlib import Path

import aiohttp
import psutil
import pytest

from dovetail import demo
from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.gateway.server import COMPAT_PORTS

from .test_cli_older_flags import free_port

pytestmark = pytest.mark.anyio

COMPAT = Path(__file__).parents[2] / "compat"
node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
# In a shell `dovetail` is that of the environment in use.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@asynccontextmanager
async def started(
    folder: Path, port: int, *argv: str, group: bool = False, environ: dict[str, str] | None = None
) -> AsyncGenerator[aiohttp.ClientSession]:
    """What a command started, once it answers at `port`; afterwards all of it is gone.

    With `group` all of it is told to end, as a terminal does.
    """
    with (folder / "log").open("wb") as log:
        said = {**os.environ, "PATH": PATH, "LLAMA_PORT": str(port), **(environ or {})}
        child = await asyncio.create_subprocess_exec(*argv, cwd=folder, stdout=log, stderr=log, env=said)
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
@pytest.mark.accept("D4")
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


@npm
@pytest.mark.accept("P10")
async def test_one_command_starts_everything(tmp_path: Path) -> None:
    for port in COMPAT_PORTS:
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} is in use")
    shutil.copy(COMPAT / "package.json", tmp_path)
    argv = ["npm", "run", "client:all", "--", "--home", str(tmp_path / "home")]
    async with started(tmp_path, free_port(), *argv, group=True) as http:
        for url in ("http://127.0.0.1:8081/models", "http://127.0.0.1:8082/auth/status", "http://127.0.0.1:5173/ui/"):
            async with http.get(url) as answer:
                assert answer.status < 500
        async with http.post("http://127.0.0.1:8083/api/save-config", json={"models": []}) as answer:
            assert (answer.status, await answer.json()) == (200, {"success": True})


@pytest.mark.accept("P10", "P11")
def test_every_script_is_a_command_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    scripts: dict[str, str] = json.loads((COMPAT / "package.json").read_text())["scripts"]
    assert {
        "client:all",
        "client",
        "client:server",
        "client:auth",
        "server",
        "desktop",
        "build",
        "build:native",
    } <= set(scripts)
    assert {"dev", "start"} <= set(scripts)
    for script in scripts.values():
        program, *words = script.split()
        names = list(takewhile(lambda word: not word.startswith("-"), words))
        flags = [word for word in words if word.startswith("--")]
        assert (program, run([*names, "--help"])) == ("dovetail", Exit.OK)
        shown = capsys.readouterr().out
        assert [flag for flag in flags if flag not in shown] == [], script


@pytest.mark.accept("P11")
async def test_it_starts_again_when_the_source_changes(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, str(COMPAT / "dev.py"), "--home", str(tmp_path / "home"), "--port", str(port)]

    def servers() -> set[int]:
        found: set[int] = set()
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it is going
                if str(port) in one.cmdline() and "serve" in one.cmdline():
                    found.add(one.pid)
        return found

    async with started(tmp_path, port, *argv, group=True) as http, asyncio.timeout(60):
        before = servers()
        assert len(before) == 1
        os.utime(Path(demo.__file__))
        while servers() & before or not servers():
            await asyncio.sleep(0.05)
        while True:
            try:
                async with http.get("/health") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
    uv = tomllib.loads((COMPAT / "pyproject.toml").read_text())
    assert uv["project"]["scripts"] == {"dev": "dev:main"}
    assert (COMPAT / uv["tool"]["uv"]["sources"]["dovetail"]["path"] / "pyproject.toml").exists()


@pytest.mark.accept("D4")
async def test_the_requirements_are_enough(tmp_path: Path) -> None:
    # What it needs itself is here already; of what is installed only Dovetail is new.
    words = ["-m", "pip", "install", "--target", str(tmp_path / "site"), "--no-deps", "--no-index"]
    argv = [sys.executable, *words, "--no-build-isolation", "-r", str(COMPAT / "requirements.txt")]
    made = await asyncio.create_subprocess_exec(
        *argv, cwd=COMPAT.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(240):
        told, _ = await made.communicate()
    assert made.returncode == 0, told.decode()
    port = free_port()
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    argv = [sys.executable, "-m", "dovetail", "serve", "--home", str(tmp_path / "home"), "--port", str(port)]
    async with started(tmp_path, port, *argv, environ=environ) as http:
        sent = {"prompt": "The capital of France is", "max_tokens": 3, "temperature": 0, "model": "tiny-gguf"}
        async with http.post("/v1/completions", json=sent) as answer:
            assert "Paris" in (await answer.json())["choices"][0]["text"]


@pytest.mark.accept("D4")
@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        (["-m", "nowhere/model.gguf"], {}, "nowhere/model.gguf"),
        ([], {"MLX_MODEL_PATH": "./models/your-model-name"}, "your-model-name"),
    ],
)
async def test_a_model_that_is_not_there_is_named(
    tmp_path: Path, flags: list[str], environ: dict[str, str], words: str
) -> None:
    argv = [sys.executable, str(COMPAT / "main.py"), "--home", str(tmp_path / "home"), *flags]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=tmp_path, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environ}
    )
    async with asyncio.timeout(60):
        _, reason = await process.communicate()
    assert process.returncode == 78
    assert words in reason.decode()
    assert len(reason.decode().splitlines()) == 1


def test_every_part_of_the_older_client_is_the_whole_server() -> None:
    scripts = json.loads((COMPAT / "package.json").read_text())["scripts"]
    parts = ("client:all", "client", "client:server", "client:auth")
    assert {scripts[part] for part in parts} == {"dovetail serve --compat-ports"}
