"""What becomes of the other answers when one cannot be put together."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dovetail.core.events import Event, TextDelta
from dovetail.core.request import ChatPrompt, GenerateRequest, TextPart

from .parts import desk

pytestmark = pytest.mark.anyio

UNSAYABLE = "\ud800"  # half a character: no engine's answer has it, and no JSON can


async def test_it_ends_with_what_could_be_kept_and_a_shutdown_closes_the_others(tmp_path: Path) -> None:
    ill, written = asyncio.Event(), asyncio.Semaphore(0)

    async def said(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del index
        assert isinstance(request.prompt, ChatPrompt)
        (part,) = request.prompt.messages[-1].parts
        yield TextDelta("so far")
        written.release()
        if part == TextPart("bad"):
            await ill.wait()
            yield TextDelta(UNSAYABLE)
        await asyncio.Event().wait()

    async with desk(tmp_path, said) as made:
        found: dict[str, tuple[str, str]] = {}
        for word in ("good", "bad", "well"):
            chat = await made.chat(model="m")
            run = await made.run(chat, await made.say(chat, word))
            await written.acquire()
            assert (await made.message(chat, run["message_id"]))["parts"], "it is known as it is now"
            found[word] = chat, run["message_id"]
        runs = made.services.runs
        with capture_logs() as lines:
            ill.set()
            while runs.running(found["bad"][0]) is not None:
                await asyncio.sleep(0)
        assert "request_failed" in [line["event"] for line in lines]
        await runs.aclose()
        for word, status in (("good", "stopped"), ("bad", "error"), ("well", "stopped")):
            chat, message = found[word]
            kept = await made.message(chat, message)
            assert (kept["status"], kept["parts"]) == (status, [{"type": "text", "text": "so far"}]), word
            assert runs.running(chat) is None
        assert len((await made.got("GET", "/chats?q=so far"))["data"]) == len(found)
