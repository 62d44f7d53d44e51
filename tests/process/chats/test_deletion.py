"""All conversations of a real server are deleted at once, and what is written in them ends; also after a restart."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from ..serving.margins import MODELS  # noqa: TID252
from ..serving.running import running  # noqa: TID252
from .talk import Heard, talk
from .test_crashes import ENDLESS, some

pytestmark = pytest.mark.anyio


async def test_all_are_gone_at_once_with_the_answers_under_way(tmp_path: Path) -> None:
    large = {"DOVETAIL_LOAD__CONTEXT": "16384"}
    async with aiohttp.ClientSession() as http:
        async with running(tmp_path, environment=large) as server:
            idle = await talk(http, server.url, title="idle")
            written = [await talk(http, server.url, model=model, params=ENDLESS) for model in MODELS]
            runs = [await made.run(await made.say("Tell me a story.")) for made in written]
            begun = await asyncio.gather(
                *(some(made, run["run_id"], 20) for made, run in zip(written, runs, strict=True))
            )
            gone = await idle.got("DELETE", "/chats")
            assert sorted(gone["chats"]) == sorted([idle.chat, *(made.chat for made in written)])
            assert (await idle.got("GET", "/chats"))["data"] == []
            assert (await idle.got("GET", "/requests"))["data"] == []
            for made, run, heard in zip(written, runs, begun, strict=True):
                assert stopped(await made.heard(run["run_id"]), heard)
            await written[0].got("POST", f"/chats/{written[0].chat}/restore")
        async with running(tmp_path) as server:
            written[0].url = server.url
            listed = (await written[0].got("GET", "/chats"))["data"]
            assert [chat["id"] for chat in listed] == [written[0].chat]
            kept = await written[0].message(runs[0]["message_id"])
            assert kept["status"] == "stopped"


def stopped(heard: Heard, begun: Heard) -> bool:
    """Whether the answer has ended by that, with what a listener had of it."""
    return heard.done is not None and heard.done["status"] == "stopped" and heard.text.startswith(begun.text)
