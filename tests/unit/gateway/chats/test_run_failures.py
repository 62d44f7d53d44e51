"""What becomes of an answer that cannot be put together, and of the others; and of one that leaves its worker late."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dovetail.core.events import Event, TextDelta
from dovetail.core.request import ChatPrompt, GenerateRequest, JsonObject, TextPart
from dovetail.gateway.chats import run

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
            begun = await made.run(chat, await made.say(chat, word))
            await written.acquire()
            assert (await made.message(chat, begun["message_id"]))["parts"], "it is known as it is now"
            found[word] = chat, begun["message_id"]
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


async def test_one_that_can_no_longer_be_put_together_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, put_together = asyncio.Event(), run.dumped

    async def said(_request: GenerateRequest, _index: int) -> AsyncGenerator[Event, None]:
        yield TextDelta("so far")
        await known.wait()
        while True:
            yield TextDelta(" and on")
            await asyncio.sleep(0)

    def dumped(parts: Sequence[JsonObject]) -> str:
        assert "and on" not in str(parts)
        return put_together(parts)

    async with desk(tmp_path, said) as made:
        chat = await made.chat(model="m")
        begun = await made.run(chat, await made.say(chat, "hi"))
        while not (await made.message(chat, begun["message_id"]))["parts"]:
            await asyncio.sleep(0)
        monkeypatch.setattr(run, "dumped", dumped)
        known.set()
        with capture_logs() as lines:
            keeping = asyncio.create_task(made.services.runs.keep(every=0.001))
            while made.services.runs.running(chat) is not None:
                await asyncio.sleep(0)
            keeping.cancel()
        assert {line["event"] for line in lines} == {"request_failed"}
        kept = await made.message(chat, begun["message_id"])
        assert (kept["status"], kept["parts"]) == ("error", [{"type": "text", "text": "so far"}])


async def test_a_shutdown_does_not_cut_short_how_one_that_was_stopped_leaves_its_worker(tmp_path: Path) -> None:
    may_leave, left = asyncio.Event(), asyncio.Event()

    async def said(_request: GenerateRequest, _index: int) -> AsyncGenerator[Event, None]:
        try:
            yield TextDelta("x")
            await asyncio.Event().wait()
        finally:
            await may_leave.wait()
            left.set()

    async with desk(tmp_path, said) as made:
        made.services.runs._within = 0.01
        chat = await made.chat(model="m")
        begun = await made.run(chat, await made.say(chat, "hi"))
        while not (await made.message(chat, begun["message_id"]))["parts"]:
            await asyncio.sleep(0)
        assert (await made.ask("POST", f"/runs/{begun['run_id']}/cancel", {})).status == 503
        made.services.requests.cut()
        await made.services.runs.aclose()
        may_leave.set()
        await left.wait()
        assert (await made.heard(begun["run_id"]))[-1]["message"]["parts"] == [{"type": "text", "text": "x"}]
