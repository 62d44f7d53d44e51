"""What is written outlives a worker and a server that are killed in the middle of it, and a client that leaves."""

import asyncio
import json
from contextlib import aclosing, suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from dovetail.storage.chats import CHATS, FILE_NAME
from dovetail.storage.database import Database

from ..serving.margins import MODELS, STORIES, body  # noqa: TID252
from ..serving.running import Running, running  # noqa: TID252
from .talk import Heard, Talk, talk

pytestmark = pytest.mark.anyio

STORY = next(iter(json.loads(STORIES.read_text())))
# A worker that lives for a moment has served well: the next kill is its first.
PATIENT = {"DOVETAIL_FLEET__GOOD_SERVICE": "0.001"}
TRIES = 20
ENDLESS = {
    "temperature": 0, "ignore_eos": True, "max_tokens": 16_000, "chat_template_kwargs": {"enable_thinking": False},
}  # fmt: skip


def params(model: str) -> dict[str, object]:
    return {name: value for name, value in body(model, STORY).items() if name not in {"model", "messages"}}


async def some(made: Talk, run: str, letters: int) -> Heard:
    """What a listener has that leaves in the middle."""
    heard = Heard()
    async with aclosing(made.listen(run, heard)) as listening:
        async for _ in listening:
            if len(heard.text) >= letters:
                break
    return heard


@pytest.mark.parametrize("model", MODELS)
async def test_a_worker_that_is_killed_in_a_run_is_not_noticed(tmp_path: Path, model: str) -> None:
    async with running(tmp_path, environment=PATIENT) as server, aiohttp.ClientSession() as http:
        made = await talk(http, server.url, model=model, params=params(model))
        whole = await made.heard((await made.run(await made.say(STORY)))["run_id"])
        for letters in range(20, 20 + TRIES):
            run = await made.run(await made.say(STORY))
            await some(made, run["run_id"], letters)
            worker = await server.worker(http, model)
            with suppress(psutil.NoSuchProcess):
                worker.kill()
            heard = await made.heard(run["run_id"])
            assert heard.done is not None
            assert (heard.done["status"], heard.text) == ("complete", whole.text)
            if "request_runs_again" in (server.home / "serve.log").read_text():
                return
    raise AssertionError("no kill came in time")


async def test_a_server_that_is_killed_leaves_the_text_until_then_which_is_gone_on_with(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with running(tmp_path, environment={"DOVETAIL_LOAD__CONTEXT": "16384"}) as server:
            made = await talk(http, server.url, model="tiny-gguf", params=ENDLESS)
            run = await made.run(await made.say("Tell me a story."))
            heard = await some(made, run["run_id"], 200)
            while await kept(tmp_path, run["message_id"]) < 200:
                await asyncio.sleep(0.05)
            await killed(server)
        async with running(tmp_path) as server:
            made.url = server.url
            left = await made.message(run["message_id"])
            assert (left["status"], left["error"]["code"]) == ("error", "interrupted")
            text = "".join(part["text"] for part in left["parts"])
            assert text.startswith(heard.text[:100])
            assert (await made.whole())["running"] is None
            again = await made.heard(run["run_id"])
            assert again.done == left
            more = await made.run(run["message_id"], params={"ignore_eos": None, "max_tokens": 5}, **{"continue": True})
            done = (await made.heard(more["run_id"])).done
            assert done is not None
            assert done["status"] == "complete"
            assert "".join(part["text"] for part in done["parts"]).startswith(text)


async def test_a_server_that_is_stopped_lets_an_answer_end(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with running(tmp_path) as server:
            made = await talk(http, server.url, model="tiny-gguf", params=params("tiny-gguf"))
            run = await made.run(await made.say(STORY))
            await some(made, run["run_id"], 20)
        async with running(tmp_path) as server:
            made.url = server.url
            assert (await made.message(run["message_id"]))["status"] == "complete"


async def test_one_that_would_not_end_is_cut_with_its_text_kept(tmp_path: Path) -> None:
    impatient = {"DOVETAIL_SERVER__DRAIN_TIMEOUT": "0.2", "DOVETAIL_LOAD__CONTEXT": "16384"}
    async with aiohttp.ClientSession() as http:
        async with running(tmp_path, environment=impatient) as server:
            made = await talk(http, server.url, model="tiny-gguf", params=ENDLESS)
            run = await made.run(await made.say("Tell me a story."))
            heard = await some(made, run["run_id"], 50)
        async with running(tmp_path) as server:
            made.url = server.url
            left = await made.message(run["message_id"])
            assert (left["status"], left["error"]["code"]) == ("error", "shutting_down")
            assert "".join(part["text"] for part in left["parts"]).startswith(heard.text)


async def kept(home: Path, message: str) -> int:
    """Letters of the message that are on disk."""

    def read() -> int:
        database = Database.open(home / FILE_NAME, CHATS)
        try:
            row = database.now(lambda c: c.execute("SELECT parts FROM message WHERE id = ?", (message,)).fetchone())
        finally:
            database.close()
        return sum(len(part["text"]) for part in json.loads(row[0]))

    return await asyncio.to_thread(read)


async def killed(server: Running) -> None:
    server.process.kill()
    await asyncio.to_thread(server.process.wait, 10)
