"""Answers that are written into conversations, whoever listens: told from any place, stopped, and kept."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.errors import DovetailError, EngineFailure
from dovetail.core.events import (
    Event,
    Finished,
    Loading,
    Prefill,
    Progress,
    Queued,
    ReasoningDelta,
    TextDelta,
    Timings,
    ToolCallDelta,
    Usage,
)
from dovetail.core.request import ChatPrompt, GenerateRequest
from dovetail.gateway.chats import archive, runs
from dovetail.gateway.sse import Timing
from dovetail.storage import chat_search

from ..fakes import Client, says  # noqa: TID252
from .parts import Desk, desk, events, text_of

pytestmark = pytest.mark.anyio

DONE = Finished("stop", Usage(10, 7, 4, 2), Timings(4, 6, 3.0, 7, 14.0))


class Scripted:
    """Says what it is told to, when it is told to; `asked` are the requests."""

    def __init__(self) -> None:
        self.asked: list[GenerateRequest] = []
        self.queue: asyncio.Queue[Event | DovetailError] = asyncio.Queue()
        self.left = 0

    async def __call__(self, request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del index
        self.asked.append(request)
        try:
            while True:
                event = await self.queue.get()
                if isinstance(event, DovetailError):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self.left += 1

    def say(self, *said: Event | DovetailError) -> None:
        for event in said:
            self.queue.put_nowait(event)


async def begun(made: Desk, **fields: Any) -> tuple[str, dict[str, Any]]:
    chat = await made.chat(model="m")
    return chat, await made.run(chat, await made.say(chat, "hi"), **fields)


async def test_everything_a_model_can_say_becomes_parts_with_the_server_s_own_figures(tmp_path: Path) -> None:
    said, heard_by = Scripted(), asyncio.Event()
    said.say(Prefill(10, 4, 6), Prefill(10, 4, 10), ReasoningDelta("hm"), ReasoningDelta("…"), TextDelta("서"))
    said.say(
        TextDelta('울"\n'), ToolCallDelta(0, "call_1", "weather", '{"a"'), ToolCallDelta(0, None, None, ":1}"), DONE
    )

    async def waits() -> AsyncGenerator[Progress, None]:
        await heard_by.wait()
        for progress in (Queued(2, 1.5), Loading("m", 0.25), Loading("m", 0.25), Loading("m", 0.5)):
            yield progress

    async with desk(tmp_path, said, progress=waits()) as made:
        chat, run = await begun(made)
        client = Client(made.app, "GET", f"/api/v1/runs/{run['run_id']}/events")
        listening = asyncio.create_task(client.run())
        await client.sent.wait()
        heard_by.set()
        heard = events(await listening)
        last = heard[-1]["message"]
        assert await made.message(chat, run["message_id"]) == last
        whole = await made.got("GET", f"/chats/{chat}")
    assert [event["seq"] for event in heard] == list(range(len(heard)))
    assert (heard[0]["type"], heard[0]["phase"]["phase"]) == ("snapshot", "starting")
    figures = ("phase", "position", "wait", "progress", "total", "cached", "done", "tokens")
    assert [tuple(event[name] for name in figures) for event in heard if event["type"] == "phase"] == [
        ("queued", 2, 1.5, None, None, None, None, None),
        ("loading", None, None, 0.25, None, None, None, None),
        ("loading", None, None, 0.5, None, None, None, None),
        ("reading", None, None, None, 10, 4, 6, None),
        ("reading", None, None, None, 10, 4, 10, None),
        ("thinking", None, None, None, None, None, None, 1),
        ("answering", None, None, None, None, None, None, 3),
    ]
    assert text_of(heard[:-1]) == text_of(heard[-1:]) == '서울"\n'
    assert text_of(heard[:-1], "reasoning") == "hm…"
    thought, text, called = last["parts"]
    assert (thought["type"], thought["text"], thought["seconds"] >= 0) == ("reasoning", "hm…", True)
    assert text == {"type": "text", "text": '서울"\n'}
    assert called == {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"a":1}'}
    assert (last["status"], last["finish_reason"], last["error"]) == ("complete", "stop", None)
    assert last["usage"] == {
        "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    timings = last["timings"]
    assert (timings["prompt_per_second"], timings["predicted_per_second"], timings["cache_n"]) == (2000.0, 500.0, 4)
    assert timings["total_ms"] >= timings["ttft_ms"] >= timings["loading_ms"] >= 0
    assert (whole["leaf_id"], whole["running"], whole["model"]) == (run["message_id"], None, "m")


async def test_a_listener_goes_on_where_it_was_and_one_that_begins_gets_what_there_is(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        _, run = await begun(made)
        path = f"/api/v1/runs/{run['run_id']}/events"
        first = Client(made.app, "GET", path)
        listening = asyncio.create_task(first.run())
        said.say(TextDelta("one "), TextDelta("two "))
        while b"two" not in first.answer.body:
            first.sent.clear()
            await first.sent.wait()
        first.leave()
        heard = events(await listening)
        said.say(TextDelta("three "), DONE)
        after = heard[-1]["seq"]
        rest = await made.heard(run["run_id"], f"?after={after}")
        assert [event["seq"] for event in rest] == list(range(after + 1, after + 1 + len(rest)))
        assert "snapshot" not in {event["type"] for event in rest}
        assert text_of([*heard, *rest[:-1]]) == text_of(rest[-1:]) == "one two three "
        again = await made.heard(run["run_id"])
        assert [event["type"] for event in again] == ["snapshot", "done"]
        assert text_of(again[:1]) == "one two three "
        late = await made.heard(run["run_id"], last_event_id="500")
        assert [event["seq"] for event in late] == [501, 502]
        assert len(said.asked) == 1


async def test_stop_keeps_what_there_is_and_frees_the_model(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat, run = await begun(made)
        listening = asyncio.create_task(made.heard(run["run_id"]))
        said.say(ReasoningDelta("hm"), TextDelta("The capi"))
        while not (await made.message(chat, run["message_id"]))["parts"]:
            await asyncio.sleep(0)
        assert (await made.got("GET", "/chats"))["data"][0]["running"] == run["run_id"]
        stopped = (await made.got("POST", f"/runs/{run['run_id']}/cancel", {}))["message"]
        assert (stopped["status"], stopped["finish_reason"], stopped["error"]) == ("stopped", None, None)
        assert (await made.got("POST", f"/runs/{run['run_id']}/cancel", {}))["message"] == stopped
        assert said.left == 1
        assert (await listening)[-1]["message"] == stopped == await made.message(chat, run["message_id"])
        assert stopped["usage"]["completion_tokens"] == 2
        assert stopped["timings"]["predicted_ms"] is None
        assert not [*made.services.requests]


async def test_a_stopped_answer_is_gone_on_with_in_the_same_message(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat, run = await begun(made)
        said.say(TextDelta("Seo"))
        while text_of([{"type": "done", "message": await made.message(chat, run["message_id"])}]) != "Seo":
            await asyncio.sleep(0)
        await made.got("POST", f"/runs/{run['run_id']}/cancel", {})
        said.say(TextDelta("ul."), DONE)
        more = await made.run(chat, run["message_id"], **{"continue": True})
        assert more["message_id"] == run["message_id"]
        heard = await made.heard(more["run_id"])
        assert heard[-1]["message"]["parts"] == [{"type": "text", "text": "Seoul."}]
        assert text_of(heard[:-1]) == "Seoul."
        assert len((await made.got("GET", f"/chats/{chat}"))["messages"]) == 2
        prompt = said.asked[1].prompt
        assert isinstance(prompt, ChatPrompt)
        assert prompt.continue_final
        assert [m.role for m in prompt.messages] == ["user", "assistant"]
        assert (await made.ask("GET", f"/runs/{run['run_id']}/events")).status == 404


async def test_another_model_writes_a_sibling(tmp_path: Path) -> None:
    async with desk(tmp_path, says("Hello")) as made:
        pass
    async with desk(tmp_path / "..", says("Hello")) as made:
        chat = await made.chat(model="m", system_prompt="Be kind.", params={"temperature": 0.1, "seed": 1})
        asked = await made.say(chat, "hi")
        first = await made.run(chat, asked)
        await made.heard(first["run_id"])
        second = await made.run(chat, asked, params={"temperature": 0.9, "seed": None})
        await made.heard(second["run_id"])
        whole = await made.got("GET", f"/chats/{chat}")
        answers = [m for m in whole["messages"] if m["role"] == "assistant"]
        assert [m["parent_id"] for m in answers] == [asked, asked]
        assert [m["params"] for m in answers] == [{"temperature": 0.1, "seed": 1}, {"temperature": 0.9}]
        assert whole["leaf_id"] == second["message_id"]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody-s"}, 404, "model"),
        ({"params": {"temperature": 9}}, 400, "temperature"),
        ({"params": {"temprature": 0.5}}, 400, "temprature"),
        ({"params": {"messages": []}}, 400, "messages"),
        ({"params": {"n": 2}}, 400, "n"),
        ({"params": {"audio": {"voice": "x"}}}, 400, "audio"),
        ({"params": {"response_format": {"type": "json_schema"}}}, 400, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "?"}}]}, 400, "tools[0].function.name"),
        ({"parent_id": "nobody-s"}, 404, "parent_id"),
        ({"continue": True}, 400, "continue"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name_and_leaves_nothing(
    tmp_path: Path, fields: dict[str, Any], status: int, param: str
) -> None:
    async with desk(tmp_path, says("x")) as made:
        chat = await made.chat(model="m")
        asked = await made.say(chat, "hi")
        answer = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked, **fields})
        assert (answer.status, answer.error[3]) == (status, param), answer.body
        assert len((await made.got("GET", f"/chats/{chat}"))["messages"]) == 1
        assert (await made.run(chat, asked))["chat"]["running"]


async def test_an_answer_follows_no_answer_and_needs_a_model(tmp_path: Path) -> None:
    async with desk(tmp_path, says("x")) as made:
        chat = await made.chat()
        asked = await made.say(chat, "hi")
        assert (await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked})).error[3] == "model"
        run = await made.run(chat, asked, model="m")
        await made.heard(run["run_id"])
        again = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": run["message_id"]})
        assert again.error[3] == "parent_id"


async def test_one_answer_at_a_time_and_none_is_edited_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_OF_ONE", 1)
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat, run = await begun(made)
        asked = run["message"]["parent_id"]
        busy = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked})
        assert busy.error[::2] == (409, "chat_running")
        edit = {"parts": [{"type": "text", "text": "x"}]}
        assert (await made.ask("PATCH", f"/chats/{chat}/messages/{run['message_id']}", edit)).status == 409
        other = await made.chat(model="m")
        many = await made.ask("POST", f"/chats/{other}/runs", {"parent_id": await made.say(other, "hi")})
        assert many.error[::2] == (429, "too_many_runs")
        await made.got("DELETE", f"/chats/{chat}")
        assert said.left == 1
        assert not [*made.services.requests]


async def test_a_failure_in_the_middle_keeps_the_text_and_says_why(tmp_path: Path) -> None:
    said = Scripted()
    said.say(TextDelta("so far"), EngineFailure("it broke"))
    async with desk(tmp_path, said) as made:
        _, run = await begun(made)
        last = (await made.heard(run["run_id"]))[-1]["message"]
        assert last["error"] == {"code": "engine_failure", "message": "it broke", "param": None}
        assert (last["status"], last["parts"]) == ("error", [{"type": "text", "text": "so far"}])
        assert (await made.got("GET", "/chats?q=so far"))["data"][0]["hit_id"] == last["id"]


async def test_an_admin_s_cancel_is_an_error_of_the_answer(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        _, run = await begun(made)
        while not (listed := (await made.got("GET", "/requests"))["data"]):
            await asyncio.sleep(0)
        (shown,) = listed
        assert (shown["kind"], shown["model"]) == ("generation", "m")
        await made.got("POST", f"/requests/{shown['id']}/cancel", {})
        assert (await made.heard(run["run_id"]))[-1]["message"]["error"]["code"] == "cancelled"


async def test_what_is_written_is_on_disk_each_second_and_a_dead_server_s_answers_say_so(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        _, run = await begun(made)
        said.say(TextDelta("half an ans"))
        keeping = asyncio.create_task(made.services.runs.keep(every=0.001))
        while True:
            kept = await made.services.archive.run(
                lambda c: c.execute("SELECT status, parts FROM message WHERE id = ?", (run["message_id"],)).fetchone()
            )
            if "half an ans" in kept[1]:
                break
        assert kept[0] == "streaming"
        keeping.cancel()
        other = archive.opened(tmp_path)  # another server over the same file, as after kill -9
        row = await other.run(
            lambda c: c.execute("SELECT status, error, parts FROM message WHERE run NOT NULL").fetchone()
        )
        assert row[0] == "error"
        assert '"interrupted"' in row[1]
        assert "half an ans" in row[2]
        hits = await other.run(lambda c: chat_search.search(c, "local", "half an", 10))
        assert [hit.message for hit in hits] == [run["message_id"]]
        await other.aclose()


async def test_a_shutdown_keeps_what_there_is(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat, run = await begun(made)
        said.say(TextDelta("until now"))
        while not (await made.message(chat, run["message_id"]))["parts"]:
            await asyncio.sleep(0)
        assert not await made.services.runs.quiet(0.0)
        made.services.requests.cut()
        assert await made.services.runs.quiet(5.0)
        kept = await made.message(chat, run["message_id"])
        assert (kept["status"], kept["error"]["code"]) == ("error", "shutting_down")
        assert kept["parts"][0]["text"] == "until now"


async def test_a_disk_that_takes_nothing_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat, run = await begun(made)
        working, failing = archive.Archive.run, asyncio.Event()

        async def busy(*_: object) -> None:
            failing.set()
            raise EngineFailure("the disk is full")

        monkeypatch.setattr(archive.Archive, "run", busy)
        said.say(TextDelta("text"), DONE)
        await failing.wait()
        assert made.services.runs.running(chat) is not None
        monkeypatch.setattr(archive.Archive, "run", working)
        keeping = asyncio.create_task(made.services.runs.keep(every=0.001))
        while made.services.runs.running(chat) is not None:
            await asyncio.sleep(0)
        keeping.cancel()
        assert (await made.message(chat, run["message_id"]))["status"] == "complete"


async def test_an_answer_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(), timing=Timing(whole=0.05)) as made:
        _, run = await begun(made)
        assert (await made.heard(run["run_id"]))[-1]["message"]["error"]["code"] == "request_timeout"


async def test_one_that_does_not_end_when_it_is_stopped_is_told_of_as_busy(tmp_path: Path) -> None:
    goes, gone = asyncio.Event(), asyncio.Event()

    async def stubborn(_request: GenerateRequest, _index: int) -> AsyncGenerator[Event, None]:
        try:
            yield TextDelta("x")
            await asyncio.Event().wait()
        finally:
            goes.set()
            await gone.wait()

    async with desk(tmp_path, stubborn) as made:
        made.services.runs._within = 0.01
        chat, run = await begun(made)
        while not (await made.message(chat, run["message_id"]))["parts"]:
            await asyncio.sleep(0)
        late = await made.ask("POST", f"/runs/{run['run_id']}/cancel", {})
        assert late.error[::2] == (503, "busy")
        assert goes.is_set()
        assert (await made.ask("DELETE", "/chats")).error[::2] == (503, "busy")
        assert [each["id"] for each in (await made.got("GET", "/chats"))["data"]] == [chat]
        gone.set()
        assert (await made.heard(run["run_id"]))[-1]["message"]["status"] == "stopped"
