import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .fakes import Clock, FakeLauncher, Recorder


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="dovetail-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def launcher() -> AsyncIterator[FakeLauncher]:
    launcher = FakeLauncher()
    yield launcher
    await launcher.aclose()
