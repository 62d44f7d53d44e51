"""One real server with the tiny Whisper for all tests here."""

from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import openai
import pytest

from ..serving.running import Running, running  # noqa: TID252
from .recordings import for_mlx, unpacked


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> AsyncGenerator[Running]:
    flags = ["--enable-whisper", "--whisper-model", str(folder), "--no-demo"]
    limits = {"DOVETAIL_SPEECH__MAX_BYTES": str(8 << 20), "DOVETAIL_SPEECH__MAX_SECONDS": "600"}
    limits["DOVETAIL_SPEECH__UPLOADS_BYTES"] = "1024"  # one of the largest fits all the same
    async with running(tmp_path_factory.mktemp("home"), flags, limits) as process:
        yield process


@pytest.fixture(scope="session")
def mlx_folder(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    pytest.importorskip("mlx.core")
    return for_mlx(folder, tmp_path_factory.mktemp("mlx") / "tiny-whisper-mlx")


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield session


@pytest.fixture
async def sdk(server: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client
