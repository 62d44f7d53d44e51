"""A home folder with the files of an earlier server."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from dovetail import demo

from ..serving.running import running  # noqa: TID252  the same server as the tests of processes
from .test_live import ask, logged, model, until

pytestmark = pytest.mark.anyio


def save(path: Path, value: object) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(path)


def listed(context: int, active: str = "own-gguf") -> object:
    gguf = next((demo.models_dir() / "tiny-gguf").glob("*.gguf"))
    return {
        "models": [
            {"id": "own-gguf", "modelFormat": "gguf", "modelPath": str(gguf), "contextSize": context, "gpuLayers": 0},
            {"id": "own-mlx", "modelFormat": "mlx", "modelPath": str(demo.models_dir() / "tiny-mlx"), "gpuLayers": 0},
        ],
        "activeModelId": active,
    }


@pytest.mark.accept("R4", "R5", "R6", "M4", "M5")
async def test_they_are_read_watched_and_reconciled(tmp_path: Path) -> None:
    elsewhere = tmp_path / "theirs"
    elsewhere.mkdir()
    save(tmp_path / "config.json", listed(512))
    save(elsewhere / "models-config.json", {"own-mlx": {"contextSize": 768, "modelFormat": "mlx"}})
    flags = ["--no-demo", "--models-config", str(elsewhere / "models-config.json")]
    async with running(tmp_path, flags) as server, aiohttp.ClientSession(server.url) as session:
        for name, context in (("own-gguf", 512), ("own-mlx", 768)):
            assert "Paris" in json.dumps(await ask(session, name))
            assert (await model(session, name))["context"] == context
        pids = sorted(child.pid for child in server.process.children())
        save(tmp_path / "config.json", listed(512, active="own-mlx"))
        await ask(session, "own-mlx")
        assert sorted(child.pid for child in server.process.children()) == pids, "another active model restarts nothing"
        save(tmp_path / "config.json", listed(1024))
        await until(session, "own-gguf", "state", "unloaded")
        await ask(session, "own-gguf")
        assert (await model(session, "own-gguf"))["context"] == 1024
        assert (await model(session, "own-mlx"))["state"] == "ready"
        (tmp_path / "config.json").write_text("{")
        assert str(tmp_path / "config.json") in await logged(server, "configuration_refused")
        await ask(session, "own-gguf")
