"""The official SDKs for JavaScript, by the code in tests/js; installed into tests/js/node_modules when first wanted."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ..process.serving.running import Running, running  # noqa: TID252
from ..process.speech.recordings import MODEL, clips, unpacked, wav  # noqa: TID252

pytestmark = pytest.mark.anyio

JS = Path(__file__).parents[1] / "js"
LEAST = 20
INSTALL_WITHIN = 120
CHECKS_WITHIN = 300


@pytest.fixture(scope="session")
def node() -> str:
    """The program; skips where it, npm or the packages cannot be had, and says why."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("Node and npm are not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < LEAST:
        pytest.skip(f"Node {version} is older than {LEAST}")
    made = JS / "node_modules" / ".package-lock.json"
    if not made.exists() or made.stat().st_mtime < (JS / "package-lock.json").stat().st_mtime:
        command = [npm, "ci", "--ignore-scripts"]
        try:
            done = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm ci took more than {INSTALL_WITHIN} s")
        if done.returncode:
            pytest.skip(f"npm ci failed: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return program


async def checked(node: str, module: str, server: Running, model: str, *more: str) -> set[str]:
    """The names of the checks of a module, all of which have passed."""
    command = [node, str(JS / "checks.mjs"), module, server.url, model, *more]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(CHECKS_WITHIN):
            told, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    outcomes = [json.loads(line) for line in told.decode().splitlines()]
    assert [outcome for outcome in outcomes if outcome["error"]] == []
    return {outcome["name"] for outcome in outcomes}


COMMON = {"chat", "streaming", "tools", "structured output", "errors", "cancellation"}


@pytest.mark.client(
    "openai-js chat", "openai-js streaming", "openai-js tools", "openai-js structured output", "openai-js responses",
    "openai-js embeddings", "openai-js errors", "openai-js cancellation",
)  # fmt: skip
async def test_openai(node: str, server: Running, model: str) -> None:
    assert await checked(node, "openai", server, model) == COMMON | {"responses", "embeddings"}


@pytest.mark.client("openai-js transcription")
async def test_openai_hears(node: str, tmp_path: Path) -> None:
    clip = next(clip for clip in clips() if clip.language == "en")
    (file := tmp_path / "talk.wav").write_bytes(wav(clip.samples))
    flags = ["--enable-whisper", "--whisper-model", str(unpacked(tmp_path)), "--no-demo"]
    async with running(tmp_path, flags) as server:
        assert await checked(node, "openai_audio", server, MODEL, str(file), clip.text) == {"transcription"}


@pytest.mark.client(
    "anthropic-js chat", "anthropic-js streaming", "anthropic-js tools", "anthropic-js structured output",
    "anthropic-js errors", "anthropic-js cancellation",
)  # fmt: skip
async def test_anthropic(node: str, server: Running, model: str) -> None:
    assert await checked(node, "anthropic", server, model) == COMMON


@pytest.mark.client(
    "ollama-js chat", "ollama-js streaming", "ollama-js tools", "ollama-js structured output", "ollama-js embeddings",
    "ollama-js errors", "ollama-js cancellation",
)  # fmt: skip
async def test_ollama(node: str, server: Running, model: str) -> None:
    assert await checked(node, "ollama", server, model) == COMMON | {"embeddings"}
