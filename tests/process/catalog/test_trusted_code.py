"""Code that an MLX folder brings runs where the settings trust that one model, and is said aloud; pickles never."""

import json
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail import demo

from ..serving.running import running  # noqa: TID252

pytestmark = pytest.mark.anyio

OWN = """\
import pathlib
from mlx_lm.models.llama import Model, ModelArgs
pathlib.Path({mark!r}).touch()
"""
TRUSTED = """\
[models.trusted]
trust_remote_code = true
[models.pickled]
trust_remote_code = true
[models.tiny-gguf]
trust_remote_code = true
"""


def with_code(folder: Path, mark: Path) -> Path:
    shutil.copytree(demo.models_dir() / "tiny-mlx", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_file": "own.py"}))
    (folder / "own.py").write_text(OWN.format(mark=str(mark)))
    return folder


async def ask(http: aiohttp.ClientSession, model: str) -> tuple[int, dict[str, Any]]:
    sent = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    async with http.post("/v1/chat/completions", json=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.bad_input("43")
async def test_code_runs_where_it_is_trusted_and_nowhere_else(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name in ("trusted", "other"):
        with_code(models / name, tmp_path / f"{name}-ran")
    pickled = with_code(models / "pickled", tmp_path / "pickled-ran")
    (pickled / "weights.bin").write_bytes(b"cposix\nsystem\n.")
    (tmp_path / "dovetail.toml").write_text(TRUSTED)
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        status, answer = await ask(http, "trusted")
        assert status == 200, answer
        for name in ("other", "pickled"):
            status, answer = await ask(http, name)
            assert (status, answer["error"]["code"]) == (403, "remote_code_not_allowed")
        status, answer = await ask(http, "tiny-gguf")
        assert status == 422
        assert "models.tiny-gguf.trust_remote_code" in answer["error"]["message"]
    assert [name for name in ("trusted", "other", "pickled") if (tmp_path / f"{name}-ran").exists()] == ["trusted"]
    loud = [line for line in (tmp_path / "serve.log").read_text().splitlines() if "remote_code_runs" in line]
    assert [(json.loads(line)["level"], json.loads(line)["model"]) for line in loud] == [("warning", "trusted")]
