"""Models whose files look sound and whose workers hang, die or compute nonsense: told so, and the server goes on."""

import json
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.catalog.gguf import read_header
from dovetail.demo import models_dir

from .running import Running, running

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
TINY = models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf"
LLAMA_SERVER = """\
#!{python}
\"\"\"Stands for a llama-server that does with a model what its name says.\"\"\"
import faulthandler
import os
import sys
import time

flags = dict(zip(sys.argv[1:], sys.argv[2:]))
name = os.path.basename(flags["--model"])
if name == "hangs.gguf":
    time.sleep(3600)
if name == "aborts.gguf":
    with open({starts!r}, "a") as starts:
        starts.write("x")
    faulthandler.disable()
    os.abort()
scripted = [{python!r}, "-m", "dovetail.workers.scripted", "--host", flags["--host"], "--model", {script!r}]
os.execv({python!r}, scripted)
"""


async def ask(http: aiohttp.ClientSession, model: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    sent = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, **fields}
    async with http.post(CHAT, json=sent) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Running]:
    """On a llama-server that is none."""
    for name in ("hangs", "aborts", "works"):
        (tmp_path / "models").mkdir(exist_ok=True)
        shutil.copy(TINY, tmp_path / "models" / f"{name}.gguf")
    script = tmp_path / "well.json"
    script.write_text(json.dumps({"tokens": 3}))
    binary = tmp_path / "llama-server"
    names = {"python": sys.executable, "script": str(script), "starts": str(tmp_path / "starts")}
    binary.write_text(LLAMA_SERVER.format(**names))
    binary.chmod(0o700)
    quick = {"DOVETAIL_FLEET__LOAD_TIMEOUT": "3", "DOVETAIL_FLEET__STOP_TIMEOUT": "0.2"}
    environment = {"DOVETAIL_ENGINES__GGUF__BINARY": str(binary), **quick}
    async with running(tmp_path, ["--no-demo"], environment) as process:
        yield process


@pytest.mark.bad_input("35", "38")
async def test_a_load_that_hangs_or_dies_is_told_and_not_repeated_for_ever(server: Running) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        for name, reason in (("hangs", "not ready within 3 s"), ("aborts", "SIGABRT")):
            status, answer = await ask(http, name)
            error = answer["error"]
            assert (status, error["type"], error["code"]) == (503, "server_error", "model_failed"), error
            assert reason in error["message"]
            async with http.get(f"/v1/models/{name}") as shown:
                told = await shown.json()
            assert (told["state"], reason in told["reason"]) == ("failed", True)
        assert (server.home / "starts").read_text() == "xx", "once more, and then no longer"
        status, answer = await ask(http, "works")
        assert status == 200, answer


def not_numbers(models: Path) -> None:
    """The tiny models with weights that are NaN."""
    whole = bytearray(TINY.read_bytes())
    at = read_header(TINY).data_offset
    whole[at:] = b"\x00\x7e" * ((len(whole) - at) // 2)
    models.mkdir()
    (models / "nan-gguf.gguf").write_bytes(whole)
    shutil.copytree(models_dir() / "tiny-mlx", models / "nan-mlx")
    weights = models / "nan-mlx" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start:] = b"\x00\x00\xc0\x7f" * ((len(content) - start) // 4)
    weights.write_bytes(content)


@pytest.mark.bad_input("41")
async def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    not_numbers(tmp_path / "models")
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        for name in ("nan-gguf", "nan-mlx"):
            status, answer = await ask(http, name)
            if status != 200:
                error = answer["error"]
                assert (status, error["type"], error["code"]) == (500, "server_error", "model_output_invalid"), error
            async with http.post(CHAT, json={"model": name, "messages": [], "stream": True}) as streamed:
                assert streamed.status == 400
        status, answer = await ask(http, "tiny-gguf")
        assert status == 200, answer


TEMPLATES = {
    "swells": '{% for number in range(1000000000) %}{{ "a text that swells " * 10 }}{% endfor %}',
    "breaks-in": "{{ cycler.__init__.__globals__.os.system('touch MARK') }}{{ ''.__class__.__mro__ }}",
}


@pytest.mark.bad_input("40")
async def test_templates_that_swell_or_break_in(tmp_path: Path) -> None:
    """In llama.cpp; mlx-lm's are tried in tests/unit/workers/mlx/test_template.py."""
    lines = ["[fleet]", f"max_growth = {100 << 20}"]
    for name, text in TEMPLATES.items():
        (tmp_path / f"{name}.jinja").write_text(text.replace("MARK", str(tmp_path / "ran")))
        lines += [f"[models.{name}]", f'chat_template = "{name}.jinja"']
        (tmp_path / "models" / name).mkdir(parents=True)
        shutil.copy(TINY, tmp_path / "models" / name)
    (tmp_path / "dovetail.toml").write_text("\n".join(lines))
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        for name, reason in (("swells", "while it loaded"), ("breaks-in", "chat template")):
            status, answer = await ask(http, name)
            assert (status, answer["error"]["code"]) == (503, "model_failed"), answer
            assert reason in answer["error"]["message"]
        status, answer = await ask(http, "tiny-gguf")
        assert status == 200, answer
    assert not (tmp_path / "ran").exists()
