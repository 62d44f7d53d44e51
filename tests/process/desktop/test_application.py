"""The application: its entry is the command, and each worker; packed, it needs no Python."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from dovetail import __version__

from ..serving.running import running  # noqa: TID252

APPLICATION = Path(__file__).parents[3] / "application"
PACKED_WITHIN = 900
PACKS = all(importlib.util.find_spec(name) for name in ("PyInstaller", "webview"))


def entry(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, APPLICATION / "entry.py", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.accept("D1")
def test_it_is_the_command_and_its_workers() -> None:
    assert __version__ in entry("version").stdout
    worker = entry("-m", "dovetail.workers.gguf", "--help")
    assert (worker.returncode, "--model" in worker.stdout) == (0, True), worker.stderr


def test_it_is_nothing_else() -> None:
    assert entry("-m", "json.tool", "--help").returncode == 2


@pytest.mark.accept("D1")
@pytest.mark.anyio
@pytest.mark.skipif(not PACKS, reason="takes PyInstaller and the extra `desktop`")
async def test_packed_it_serves_the_interface_and_answers(tmp_path: Path) -> None:
    packing = [sys.executable, APPLICATION / "build.py", tmp_path / "out"]
    packed = subprocess.run(packing, capture_output=True, text=True, check=False, timeout=PACKED_WITHIN)
    assert packed.returncode == 0, packed.stderr[-2000:]
    home = tmp_path / "home"
    home.mkdir()
    program = str(tmp_path / "out" / "dovetail" / "dovetail")
    body = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
    async with running(home, program=[program]) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/ui/") as page:
            assert "Dovetail" in await page.text()
        async with http.post("/v1/chat/completions", json=body) as answer:
            assert "Paris" in (await answer.json())["choices"][0]["message"]["content"]
        assert server.process.exe() == program
