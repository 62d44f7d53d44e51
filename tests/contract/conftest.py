"""One real server for all tests here; each test runs on a GGUF and on an MLX model."""

from collections.abc import AsyncGenerator

import aiohttp
import openai
import pytest

from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    # A GGUF model has a worker more for each pooling and each adapter: none is to make room for another here.
    async with running(tmp_path_factory.mktemp("home"), environment={"DOVETAIL_FLEET__MAX_MODELS": "16"}) as process:
        yield process


@pytest.fixture(scope="session")
async def forgetful(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """One that keeps no answers."""
    async with running(tmp_path_factory.mktemp("home"), environment={"DOVETAIL_RESPONSES__KEEP": "0"}) as process:
        yield process


@pytest.fixture(scope="session", params=["tiny-gguf", "tiny-mlx"])
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    """What it is refused is kept as a log is: no error tells what was asked."""
    timeout = aiohttp.ClientTimeout(total=60)
    refusals = aiohttp.TraceConfig()

    async def keep(_: object, __: object, ended: aiohttp.TraceRequestEndParams) -> None:
        if ended.response.status >= 400:
            with (server.home / "refusals.log").open("ab") as file:
                file.write(await ended.response.read() + b"\n")

    refusals.on_request_end.append(keep)
    async with aiohttp.ClientSession(server.url, timeout=timeout, trace_configs=[refusals]) as session:
        yield session


@pytest.fixture
async def sdk(server: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        yield client
