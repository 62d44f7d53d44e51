"""A model that hears comes from the hub by itself, and hears when it is here."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ...unit.catalog.hub_server import REPO, Hub, hub_server  # noqa: TID252
from ..serving.running import running  # noqa: TID252  the same server as the tests of processes
from .recordings import clips, emptied, wav
from .test_bad_recordings import PATH, sent

pytestmark = pytest.mark.anyio
WITHIN = 60.0
CLIP = clips()[0]


@pytest.fixture
def hub(folder: Path) -> Iterator[Hub]:
    with hub_server() as served:
        served.files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"README.md": b"#", "run.py": b"#"}
        yield served


async def until(http: aiohttp.ClientSession, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN):
        while True:
            async with http.get(PATH) as answer:
                standing = await answer.json()
            if standing["status"] in states:
                return standing
            await asyncio.sleep(0.05)


@pytest.mark.accept("P9", "S2")
async def test_it_is_fetched_at_the_start_and_hears_when_it_is_here(tmp_path: Path, hub: Hub) -> None:
    hub.hold = threading.Event()
    flags = ["--enable-whisper", "--whisper-model", REPO, "--no-demo"]
    async with (
        running(tmp_path, flags, {"HF_ENDPOINT": hub.address}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        standing = await until(http, "downloading")
        assert (standing["enabled"], standing["ready"], standing["model"]) == (True, False, None)
        await asyncio.to_thread(hub.half.wait, WITHIN)
        form = aiohttp.FormData({"model": "whisper-1"})
        form.add_field("file", wav(CLIP.samples), filename="a.wav")
        async with http.post(PATH, data=form) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == (503, "model_downloading"), error
            assert int(answer.headers["retry-after"]) > 0
        hub.hold.set()
        standing = await until(http, "unloaded")
        assert standing["model"] == REPO.partition("/")[2]
        status, said = await sent(http, wav(CLIP.samples))
        assert (status, said["text"]) == (200, CLIP.text)
        assert not {"README.md", "run.py"} & {each.name for each in hub.sent}
        await emptied(server.home / "uploads")
