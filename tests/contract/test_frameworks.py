"""LangChain, LlamaIndex, LiteLLM, llm and aider, each where tests/frameworks/install.py has installed it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
WITHIN = 240


async def smoke(name: str, server: Running, model: str, folder: Path) -> dict[str, str | int]:
    """What the program tells of each thing it tried; skips where it is not installed."""
    python = ROOT / ".venv" / "clients" / name / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        pytest.skip(f"{name} is not installed: python tests/frameworks/install.py {name}")
    command = [str(python), str(ROOT / "tests" / "frameworks" / name / "smoke.py"), server.url, model]
    environment = {
        **os.environ,
        "DOVETAIL": sys.executable,
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(WITHIN):
            told, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()[-2000:]
    found: dict[str, str | int] = json.loads(told.decode().splitlines()[-1])
    texts = [said for said in found.values() if isinstance(said, str)]
    assert all("Paris" in said for said in texts), found
    return found


@pytest.mark.client("langchain chat", "langchain streaming", "langchain tools", "langchain embeddings")
async def test_langchain(server: Running, model: str, tmp_path: Path) -> None:
    assert (await smoke("langchain", server, model, tmp_path)).keys() == {"chat", "streaming", "tools", "embeddings"}


@pytest.mark.client("llama-index chat", "llama-index streaming")
async def test_llama_index(server: Running, model: str, tmp_path: Path) -> None:
    assert (await smoke("llama-index", server, model, tmp_path)).keys() == {"chat", "streaming"}


@pytest.mark.client("litellm chat", "litellm streaming", "litellm embeddings")
async def test_litellm(server: Running, model: str, tmp_path: Path) -> None:
    by = {"by Anthropic's API", "by Ollama's API"}
    assert (await smoke("litellm", server, model, tmp_path)).keys() == {"chat", "streaming", "embeddings"} | by


@pytest.mark.client("llm chat", "llm streaming")
async def test_llm(server: Running, model: str, tmp_path: Path) -> None:
    assert (await smoke("llm", server, model, tmp_path)).keys() == {"chat", "streaming"}


@pytest.mark.client("aider chat", "aider streaming")
async def test_aider(server: Running, model: str, tmp_path: Path) -> None:
    assert (await smoke("aider", server, model, tmp_path)).keys() == {"chat", "streaming"}
