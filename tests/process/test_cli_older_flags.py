"""Older servers' command lines, variables and ports, as their documents show them, with real models."""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from dovetail import demo
from dovetail.gateway.server import COMPAT_PORTS

pytestmark = pytest.mark.anyio

GGUF = next((demo.models_dir() / "tiny-gguf").glob("*.gguf"))
MLX = demo.models_dir() / "tiny-mlx"
HELLO = {"prompt": "Hello, world", "n_predict": 4}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(folder: Path, port: int, flags: Sequence[str], **environ: str) -> AsyncGenerator[str]:
    """`dovetail serve` in `folder`, which answers at `port` when this is entered."""
    argv = [sys.executable, "-m", "dovetail", "serve", "--home", str(folder / "home"), *flags]
    log = folder / "serve.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *argv, cwd=folder, stdout=output, stderr=output, env={**os.environ, **environ}
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while child.returncode is None:
                try:
                    async with session.get(f"{url}/health") as answer:
                        assert answer.status == 200
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        assert child.returncode is None, log.read_text()[-2000:]
        yield url
    finally:
        if child.returncode is None:
            child.terminate()
        async with asyncio.timeout(40):
            await child.wait()


@asynccontextmanager
async def client(url: str, key: str | None = None) -> AsyncGenerator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(url, headers=headers, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.mark.accept("P7")
@pytest.mark.parametrize("log", [["--log-format", "text"], ["--log-format", "json", "--verbose"], ["--log-disable"]])
async def test_llama_servers_command_line(tmp_path: Path, log: list[str]) -> None:
    port, key = free_port(), "your-secret-key"
    flags = ["-m", str(GGUF), "--host", "127.0.0.1", "--port", str(port), "-c", "512", "-ngl", "35"]
    flags += ["--parallel", "2", "--cont-batching", "--flash-attn", "--metrics", *log, "--api-key", key, "--no-demo"]
    async with serving(tmp_path, port, flags) as url, client(url, key) as http:
        async with http.post("/completion", json=HELLO) as answer:
            assert answer.status == 200, await answer.text()
        async with http.get("/props") as answer:
            told = await answer.json()
        assert (told["total_slots"], told["default_generation_settings"]["n_ctx"]) == (2, 512)
        async with http.get("/metrics") as answer:
            assert "llama_requests_total" in await answer.text()
        async with http.get("/v1/models", headers={"Authorization": "Bearer another-key"}) as answer:
            assert answer.status == 401
    text = (tmp_path / "serve.log").read_text()
    assert key not in text
    if log == ["--log-disable"]:
        assert '"event"' not in text
    elif "json" in log:
        assert any(json.loads(line).get("level") == "debug" for line in text.splitlines())


@pytest.mark.accept("P8")
async def test_the_routers_command_line(tmp_path: Path) -> None:
    port = free_port()
    models = tmp_path / "llama.cpp" / "models"
    shutil.copytree(GGUF.parent, models / "own-gguf")
    shutil.copytree(MLX, models / "own-mlx")
    (tmp_path / "models-config.json").write_text(json.dumps({"own-gguf": {"contextSize": 256, "modelFormat": "gguf"}}))
    flags = ["--port", str(port), "--metrics", "--models-dir", "./llama.cpp/models"]
    flags += ["--models-config", "./models-config.json", "--no-demo"]
    async with serving(tmp_path, port, flags) as url, client(url) as http:
        for model in ("own-gguf", "own-mlx"):
            async with http.post("/completion", json={"model": model, **HELLO}) as answer:
                assert answer.status == 200, await answer.text()
        async with http.get("/v1/models/own-gguf") as answer:
            assert (await answer.json())["context"] == 256


@pytest.mark.accept("P6", "G2")
async def test_variables_say_the_port_the_key_the_model_and_the_server(tmp_path: Path) -> None:
    port, key = free_port(), "from-the-environment"
    shutil.copytree(MLX, tmp_path / "models" / "deepseek-moe-16b-chat-mlx-q4_0")
    said = {"LLAMA_PORT": str(port), "LLAMA_API_KEY": key}
    said["MLX_MODEL_PATH"] = "./models/deepseek-moe-16b-chat-mlx-q4_0"
    flags = ["--no-demo", "--enable-auto-load", "--max-memory-gb", "8", "--max-kv-size", "1", "--log-level", "critical"]
    async with serving(tmp_path, port, flags, **said) as url, client(url, key) as http:
        async with http.post("/chat", json={"prompt": "Hi", "max_tokens": 3, "stream": False}) as answer:
            told = await answer.json()
            assert (answer.status, told["model"]) == (200, "deepseek-moe-16b-chat-mlx-q4_0")
        async with http.get("/management/processes") as answer:
            (process,) = (await answer.json())["processes"]
        assert 100 <= int(process["model_id"]) < 200
        async with http.get("/api/v1/config") as answer:
            found = json.dumps(await answer.json())
        assert '"memory": 8000000000' in found
        assert '"evict": "size"' in found
        assert '"max_bytes": 1000000000' in found
        environ = {**os.environ, "VITE_LLAMACPP_BASE_URL": url, "DOVETAIL_API_KEY": key}
        argv = [sys.executable, "-m", "dovetail", "list", "--home", str(tmp_path / "another")]
        listed = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=environ)
        out, _ = await listed.communicate()
        assert "deepseek-moe-16b-chat-mlx-q4_0" in out.decode()


@pytest.mark.accept("G14", "G15")
async def test_mlx_gguf_servers_command_line_page_and_access_log(tmp_path: Path) -> None:
    port = free_port()
    flags = ["-a", "127.0.0.1", "-p", str(port), "--log-level", "info", "--max-kv-size", "10", "--max-memory-gb", "8"]
    flags += ["--enable-auto-load", "--log-format", "json"]
    async with serving(tmp_path, port, flags) as url, client(url) as http:
        sent = {"model": "tiny-mlx", "prompt": "a very secret word", "max_tokens": 1}
        async with http.post("/v1/completions", json=sent) as answer:
            assert answer.status == 200
        async with http.get("/webui", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (307, "/ui/")
    lines = [json.loads(line) for line in (tmp_path / "serve.log").read_text().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("message", line.get("event")) == "request"]
    assert (line["endpoint"], line["status"], line["model"]) == ("/v1/completions", 200, "tiny-mlx")
    assert line["duration_ms"] > 0
    assert "secret" not in (tmp_path / "serve.log").read_text()
    refused = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "dovetail",
            "serve",
            "--home",
            str(tmp_path / "home"),
            "--kokoro-config",
            "config.json",
        ),
        stderr=asyncio.subprocess.PIPE,
    )
    _, reason = await refused.communicate()
    assert (refused.returncode, b"--kokoro-config" in reason) == (2, True)


@pytest.mark.accept("P1", "P2", "P3", "P4", "P5")
async def test_older_ports_lead_to_the_same_server(tmp_path: Path) -> None:
    for port in COMPAT_PORTS:
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} is in use on this machine")
    own = free_port()
    assert set(COMPAT_PORTS) == {8081, 8082, 8083, 8084, 4000, 8000, 3000, 5173}
    async with serving(tmp_path, own, ["-a", "127.0.0.1", "-p", str(own), "--compat-ports"]) as url:
        for address in (url, *(f"http://127.0.0.1:{port}" for port in COMPAT_PORTS)):
            async with client(address) as http:
                async with http.get("/auth/status") as answer:
                    assert answer.status == 200
                async with http.get("/metrics") as answer:
                    assert answer.content_type == ("application/json" if ":8081" in address else "text/plain")
                async with http.get("/models") as answer:
                    formats = {one["format"] for one in (await answer.json())["data"]}
                assert formats == ({"mlx"} if ":8081" in address else {"gguf", "mlx"})
        async with client("http://127.0.0.1:8081") as http:
            async with http.post("/completion", json=HELLO) as answer:
                assert (answer.status, (await answer.json())["model"]) == (200, "tiny-mlx")
            async with http.post("/chat", json={"prompt": "Hi", "max_tokens": 3, "stream": False}) as answer:
                assert (answer.status, (await answer.json())["model"]) == (200, "tiny-mlx")
            async with http.get("/metrics", headers={"accept": "text/plain"}) as answer:
                assert answer.content_type == "text/plain"
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 8083))
        taken.listen()
        argv = [sys.executable, "-m", "dovetail", "serve", "--home", str(tmp_path / "home"), "--port", str(own)]
        failed = await asyncio.create_subprocess_exec(*argv, "--compat-ports", stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(30):
            _, reason = await failed.communicate()
    assert failed.returncode
    assert b"port 8083 is in use" in reason
