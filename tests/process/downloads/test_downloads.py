"""A server that downloads, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from dovetail import demo
from dovetail.gateway.admin.downloads import DownloadAnswer, DownloadList, HubHits, HubRepository
from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.gateway.admin.model_answers import EstimateAnswer

from ...unit.catalog.hub_server import REPO, Hub, hub_server  # noqa: TID252
from ..serving.running import running  # noqa: TID252  the same server as the tests of processes
from ..settings.test_live import ask  # noqa: TID252

pytestmark = pytest.mark.anyio
WITHIN = 30.0
MODEL = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf")).read_bytes()
HALF = len(MODEL) // 2


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as served:
        served.files = {"capitals-Q8_0.gguf": MODEL, "capitals-F16.gguf": MODEL + b"\0" * 32, "README.md": b"#"}
        yield served


def environment(hub: Hub) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_very_secret"}


async def until(session: aiohttp.ClientSession, download_id: str, state: str, done: int = 0) -> DownloadAnswer:
    async with asyncio.timeout(WITHIN):
        while True:
            async with session.get("/api/v1/downloads") as answer:
                said = DownloadList.model_validate(await answer.json())
            found = next((each for each in said.data if each.id == download_id), None)
            if found is not None and found.state == state and found.done >= done:
                return found
            await asyncio.sleep(0.05)


async def start(session: aiohttp.ClientSession, choice: str) -> DownloadAnswer:
    async with session.post("/api/v1/downloads", json={"repo": REPO, "choice": choice}) as answer:
        assert answer.status == 200, await answer.text()
        return DownloadAnswer.model_validate(await answer.json())


@pytest.mark.accept("E10")
async def test_killed_at_half_no_byte_of_the_first_half_is_fetched_again(tmp_path: Path, hub: Hub) -> None:
    hub.hold = threading.Event()
    async with running(tmp_path, environment=environment(hub)) as server, aiohttp.ClientSession(server.url) as http:
        begun = await start(http, "Q8_0")
        await until(http, begun.id, "running", HALF)
        server.process.kill()
    hub.hold.set()
    hub.hold = None
    async with running(tmp_path, environment=environment(hub)) as server, aiohttp.ClientSession(server.url) as http:
        done = await until(http, begun.id, "done")
        assert Path(str(done.path)).read_bytes() == MODEL
        assert [sent.start for sent in hub.sent] == [0, HALF]
        assert "Paris" in json.dumps(await ask(http, "tiny"))
    for log in (tmp_path / "serve.log", tmp_path / "downloads.json"):
        assert "hf_very_secret" not in log.read_text()


async def test_what_there_is_and_the_life_of_a_download(tmp_path: Path, hub: Hub) -> None:
    async with running(tmp_path, environment=environment(hub)) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/api/v1/hub/search?q=tiny&format=gguf") as answer:
            assert [hit.repo for hit in HubHits.model_validate(await answer.json()).data] == [REPO]
        async with http.get(f"/api/v1/hub/{REPO}/files") as answer:
            listed = HubRepository.model_validate(await answer.json())
        assert [(each.choice, each.bytes, each.fit) for each in listed.variants] == [
            ("capitals-Q8_0.gguf", len(MODEL), "fits"),
            ("capitals-F16.gguf", len(MODEL) + 32, "fits"),
        ]
        assert hub.sent == [], "not a byte has moved"
        body = {"context": 1024, "parallel": 2}
        async with http.post("/api/v1/models/estimate", json={"repo": f"{REPO}:Q8_0", **body}) as answer:
            there = EstimateAnswer.model_validate(await answer.json())
        async with http.post("/api/v1/models/estimate", json={"model": "tiny-gguf-q8", **body}) as answer:
            here = EstimateAnswer.model_validate(await answer.json())
        assert there.need == here.need, "it is the same model"
        assert sum(sent.count for sent in hub.sent) < HALF * 2
        hub.sent.clear()
        hub.hold = threading.Event()
        async with http.get("/api/v1/events?topics=downloads") as events:
            begun = await start(http, "Q8_0")
            await until(http, begun.id, "running", HALF)
            for verb, state in (("pause", "paused"), ("resume", None), ("cancel", "cancelled")):
                async with http.post(f"/api/v1/downloads/{begun.id}/{verb}") as answer:
                    said = DownloadAnswer.model_validate(await answer.json())
                assert state is None or said.state == state
            await until(http, begun.id, "cancelled")
            text = ""
            async with asyncio.timeout(WITHIN):
                while '"cancelled"' not in text:
                    text += (await events.content.readline()).decode()
        told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        kinds = [(each["topic"], HubEvent.model_validate(each).root.type) for each in told]
        assert kinds[0] == ("downloads", "snapshot")
        assert {("downloads", "changed")} < set(kinds)
        async with http.post(f"/api/v1/downloads/{begun.id}/pause") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "download_state")
        async with http.delete(f"/api/v1/downloads/{begun.id}") as answer:
            assert answer.status == 200
        async with http.delete("/api/v1/downloads/none") as answer:
            assert answer.status == 404
        async with http.get("/api/v1/hub/no/body/files") as answer:
            assert answer.status == 400
        async with http.post("/api/v1/downloads", json={"repo": REPO}) as answer:
            assert "name one as" in cast("dict[str, Any]", await answer.json())["error"]["message"]


def test_pull_says_what_is_wrong_and_goes_on(tmp_path: Path, hub: Hub) -> None:
    def pull() -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "dovetail", "pull", f"{REPO}:Q8_0", "--home", str(tmp_path), "--json"]
        return subprocess.run(
            arguments, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment(hub)}
        )

    hub.served = {"capitals-Q8_0.gguf": MODEL[:-1] + b"!"}
    wrong = pull()
    assert wrong.returncode == 1
    assert "capitals-Q8_0.gguf arrived damaged" in wrong.stderr
    hub.served, hub.cuts = {}, [HALF]
    right = pull()
    assert right.returncode == 0, right.stderr
    assert re.search(r"trying again in \d+ s", right.stderr)
    assert Path(json.loads(right.stdout)["path"]).read_bytes() == MODEL
    assert [sent.start for sent in hub.sent] == [0, 0, HALF]
    assert "hf_very_secret" not in wrong.stderr + right.stderr


def test_pull_goes_no_faster_than_the_settings_say(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "dovetail.toml").write_text("[hub]\nbandwidth = 1024\n")
    arguments = [sys.executable, "-m", "dovetail", "pull", f"{REPO}:Q8_0", "--home", str(tmp_path)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env={**os.environ, **environment(hub)}) as pulling:
        models = tmp_path / "models"
        while pulling.poll() is None and not any(part.stat().st_size for part in models.rglob("*.part")):
            threading.Event().wait(0.02)
        pulling.terminate()
    assert pulling.returncode != 0, "a piece a minute, and there are dozens"
    assert not list(models.rglob("*.gguf"))
