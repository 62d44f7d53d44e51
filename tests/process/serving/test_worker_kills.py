"""`kill -9` of a worker with eight streams, again and again: each is told to its end; another model notices nothing.

What the workers say depends on the request's seed alone, so that it is known what each stream has to be.
`WORKER_KILLS` sets the number of kills; the suite runs a tenth of the fifty of a release.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import aiohttp
import pytest

from dovetail.demo import models_dir
from dovetail.workers.scripted import word

from .running import Running, running

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("WORKER_KILLS", "5"))
STREAMS = 8
TOKENS = 60
WITHIN = 60.0  # seconds in which whatever happens has happened
SCRIPT = {"story": True, "tokens": TOKENS, "interval_ms": 4, "slots": 2 * STREAMS, "context": 4096}
LLAMA_SERVER = """\
#!{python}
\"\"\"Stands for a llama-server that tells stories.\"\"\"
import os
import sys

flags = dict(zip(sys.argv[1:], sys.argv[2:]))
scripted = [{python!r}, "-m", "dovetail.workers.scripted", "--host", flags["--host"], "--model", {script!r}]
os.execv({python!r}, scripted)
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Running]:
    for name in ("victim", "steady"):
        (tmp_path / "models" / name).mkdir(parents=True)
        shutil.copy(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", tmp_path / "models" / name / f"{name}.gguf")
    script = tmp_path / "story.json"
    script.write_text(json.dumps(SCRIPT))
    binary = tmp_path / "llama-server"
    binary.write_text(LLAMA_SERVER.format(python=sys.executable, script=str(script)))
    binary.chmod(0o700)
    environment = {
        "DOVETAIL_ENGINES__GGUF__BINARY": str(binary),
        "DOVETAIL_LOAD__PARALLEL": str(2 * STREAMS),
        "DOVETAIL_FLEET__CALIBRATE": "false",
        "DOVETAIL_FLEET__GOOD_SERVICE": "0.001",  # else it would be given up for a while
    }
    async with running(tmp_path, ["--no-demo"], environment) as process:
        yield process


def story(seed: int) -> str:
    return "".join(word(seed, place) for place in range(TOKENS))


async def told(
    http: aiohttp.ClientSession, model: str, seed: int, at: int = 0, then: Callable[[], None] = lambda: None
) -> str:
    """What a stream said, and its error's code at the end if it had one; calls `then` at the `at`th word."""
    text, words = "", 0
    sent = {"model": model, "prompt": "Once upon a time", "seed": seed, "max_tokens": TOKENS, "stream": True}
    async with asyncio.timeout(WITHIN), http.post("/v1/completions", json=sent) as answer:
        if answer.status != 200:
            return str((await answer.json())["error"]["code"])
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            frame = json.loads(line[6:])
            if "error" in frame:
                return text + str(frame["error"]["code"])
            said = "".join(choice["text"] for choice in frame["choices"])
            text += said
            words += bool(said)
            if said and words == at:
                then()
    return text


async def keep_telling(http: aiohttp.ClientSession, model: str, done: asyncio.Event) -> list[str]:
    texts: list[str] = []
    while not done.is_set():
        texts.append(await told(http, model, len(texts)))
    return texts


@pytest.mark.accept("R2")
@pytest.mark.bad_input("57")
async def test_eight_streams_survive_each_death_of_their_worker(server: Running) -> None:
    done = asyncio.Event()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(server.url, connector=connector) as http:
        before = {model: await told(http, model, 1) for model in ("victim", "steady")}
        assert set(before.values()) == {story(1)}
        steady = await server.worker(http, "steady")
        other = asyncio.ensure_future(keep_telling(http, "steady", done))
        for number in range(KILLS):
            victim = await server.worker(http, "victim")

            def kill(pid: int = victim.pid) -> None:
                os.killpg(pid, signal.SIGKILL)

            seeds = [100 * number + at for at in range(STREAMS)]
            first, *rest = seeds
            texts = await asyncio.gather(
                told(http, "victim", first, 1 + number * 7 % (TOKENS // 2), kill),
                *(told(http, "victim", seed) for seed in rest),
            )
            assert texts == [story(seed) for seed in seeds]
            assert not victim.is_running()
        done.set()
        texts = await other
        assert texts == [story(seed) for seed in range(len(texts))]
        assert await server.worker(http, "steady") == steady
        assert await told(http, "victim", 1) == story(1)
    runs_again = (server.home / "serve.log").read_text().count("request_runs_again")
    assert KILLS <= runs_again <= KILLS * STREAMS
