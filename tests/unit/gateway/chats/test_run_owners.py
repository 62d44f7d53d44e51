"""What becomes of an answer, or an import, when its owner, its conversation or its message changes meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import orjson
import pytest

from dovetail.core.errors import Busy
from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest
from dovetail.gateway.chats import exchange
from dovetail.gateway.chats.shapes import ChatChange, ChatsDeleted, NewChat, NewPreset
from dovetail.gateway.chats.shelf import Shelf
from dovetail.gateway.chats.tree import Tree
from dovetail.storage.chats import Chat, Message

from ...access.parts import GOOD, access  # noqa: TID252
from ..fakes import call  # noqa: TID252
from .parts import desk
from .test_exchange import take, whole
from .test_runs import DONE, Scripted, begun

pytestmark = pytest.mark.anyio


async def test_nobody_hears_or_stops_another_s_answer(tmp_path: Path) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        _, run = await begun(made)
        assert made.services.runs.run("somebody else", run["run_id"]) is None
        for method, path in (("GET", "/runs/run_x/events"), ("POST", "/runs/run_x/cancel")):
            assert (await made.ask(method, path)).error[::2] == (404, "run_not_found")


async def test_an_answer_that_begins_while_its_conversation_is_deleted_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat = await made.chat(model="m")
        asked = await made.say(chat, "hi")
        deleting = Shelf.delete

        async def delete(shelf: Shelf, chat_id: str) -> None:
            await made.run(chat, asked)
            await deleting(shelf, chat_id)

        monkeypatch.setattr(Shelf, "delete", delete)
        await made.got("DELETE", f"/chats/{chat}")
        assert made.services.runs.running(chat) is None
        assert not [*made.services.requests]


async def test_all_conversations_go_at_once_with_what_is_written_in_them(tmp_path: Path) -> None:
    left: list[int] = []

    async def endless(_request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        try:
            yield TextDelta("so far")
            await asyncio.Event().wait()
        finally:
            left.append(index)

    async with desk(tmp_path, endless) as made:
        quiet = await made.chat()
        await made.got("PUT", "/presets/p", {"name": "P", "params": {}})
        written = [await begun(made), await begun(made)]
        for chat, run in written:
            while not (await made.message(chat, run["message_id"]))["parts"]:
                await asyncio.sleep(0)
        gone = ChatsDeleted.model_validate(await made.got("DELETE", "/chats")).chats
        assert sorted(gone) == sorted([quiet, *(chat for chat, _ in written)])
        assert (await made.got("GET", "/chats"))["data"] == []
        assert len(left) == 2
        assert not [*made.services.requests]
        chat, run = written[0]
        await made.got("POST", f"/chats/{chat}/restore")
        kept = await made.message(chat, run["message_id"])
        assert (kept["status"], kept["parts"]) == ("stopped", [{"type": "text", "text": "so far"}])
        assert len((await made.got("GET", "/presets"))["data"]) == 1
        assert (await made.got("DELETE", "/chats"))["chats"] == [chat]
        assert (await made.got("DELETE", "/chats"))["chats"] == []


async def test_an_answer_that_begins_while_all_are_deleted_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, Scripted()) as made:
        chat = await made.chat(model="m")
        asked = await made.say(chat, "hi")
        deleting = Shelf.delete_all

        async def delete_all(shelf: Shelf) -> list[str]:
            await made.run(chat, asked)
            return await deleting(shelf)

        monkeypatch.setattr(Shelf, "delete_all", delete_all)
        assert (await made.got("DELETE", "/chats"))["chats"] == [chat]
        assert made.services.runs.running(chat) is None
        assert not [*made.services.requests]


async def test_an_answer_is_written_on_for_the_first_account_which_hears_and_stops_it(tmp_path: Path) -> None:
    said = Scripted()
    with access(tmp_path) as known:
        async with desk(tmp_path, said, access=known) as made:
            chat, run = await begun(made)
            said.say(TextDelta("so far"))
            first = await made.ask("GET", f"/chats/{chat}")
            assert first.status == 200
            body = {"superAdminId": "chief", "password": GOOD}
            setup = await call(made.app, "POST", "/auth/setup", body, content_type="application/json")
            assert setup.status == 200, setup.body
            made.who = {"cookie": setup.headers["set-cookie"].partition(";")[0]}
            while not (await made.message(chat, run["message_id"]))["parts"]:
                await asyncio.sleep(0)
            listening = asyncio.create_task(made.heard(run["run_id"]))
            stopped = (await made.got("POST", f"/runs/{run['run_id']}/cancel", {}))["message"]
            assert stopped["status"] == "stopped"
            assert (await listening)[-1]["message"] == stopped
            assert not [*made.services.requests]


async def test_an_edit_while_an_answer_begins_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat = await made.chat(model="m")
        body = {"parent_id": await made.say(chat, "hi"), "role": "assistant", "parts": [{"type": "text", "text": "a"}]}
        answer = (await made.got("POST", f"/chats/{chat}/messages", body))["message"]["id"]
        opening, edit = Shelf.open, {"parts": [{"type": "text", "text": "by another tab"}]}

        async def opened(shelf: Shelf, message: Message, *, is_new: bool) -> Chat:
            await made.got("PATCH", f"/chats/{chat}/messages/{answer}", edit)
            return await opening(shelf, message, is_new=is_new)

        monkeypatch.setattr(Shelf, "open", opened)
        refused = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": answer, "continue": True})
        assert refused.error[::2] == (409, "message_changed")
        kept = await made.message(chat, answer)
        assert (kept["parts"], kept["status"]) == (edit["parts"], "complete")
        assert made.services.runs.running(chat) is None


@pytest.mark.parametrize("failure", [Busy("late"), asyncio.CancelledError()], ids=["late", "left"])
async def test_an_answer_that_is_stored_and_not_begun_is_not_written_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    said = Scripted()
    async with desk(tmp_path, said) as made:
        chat = await made.chat(model="m")
        asked = await made.say(chat, "hi")
        opening = Shelf.open

        async def opened(shelf: Shelf, message: Message, *, is_new: bool) -> Chat:
            await opening(shelf, message, is_new=is_new)
            raise failure

        with monkeypatch.context() as patch:
            patch.setattr(Shelf, "open", opened)
            try:
                refused = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked})
                assert refused.status == 503
            except asyncio.CancelledError:
                pass
        kept = (await made.got("GET", f"/chats/{chat}"))["messages"][-1]
        assert (kept["role"], kept["status"], kept["parts"]) == ("assistant", "stopped", [])
        assert made.services.runs.running(chat) is None
        said.say(TextDelta("hello"), DONE)
        run = await made.run(chat, asked)
        assert (await made.heard(run["run_id"]))[-1]["message"]["status"] == "complete"


async def test_what_comes_while_the_first_account_is_made_is_that_account_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as made:
        await made.say(await made.chat(), "carried over")
        await made.got("PUT", "/presets/p", {"name": "P", "params": {"seed": 1}})
        file = await whole(made)
        storing = exchange._stored

        async def stored(kept: Shelf, found: Tree) -> Chat:
            await made.services.runs.hand_over(kept.owner, "chief")
            return await storing(kept, found)

        monkeypatch.setattr(exchange, "_stored", stored)
        await made.services.archive.forget("local")
        (came,) = (await take(made, orjson.dumps(file))).json()["chats"]
        chief = Shelf(made.services.archive, "chief", 1 << 20)
        assert (await chief.chat(came)).owner == "chief"
        assert [preset.id for preset in await chief.presets()] == ["p"]
        owners = await made.services.archive.run(lambda c: c.execute("SELECT DISTINCT owner FROM chat").fetchall())
        assert owners == [("chief",)]


async def test_what_is_asked_before_the_first_account_is_made_and_kept_afterwards_is_that_account_s(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as made:
        kept = made.services.archive
        nobodys, chief = Shelf(kept, "local", 1 << 20), Shelf(kept, "chief", 1 << 20)
        there = await nobodys.begin(NewChat())
        await made.services.runs.hand_over("local", "chief")
        late = await nobodys.begin(NewChat())
        await nobodys.put_preset("p", NewPreset(name="P"))
        await nobodys.change(there.id, ChatChange(title="carried over"))
        assert late.owner == "chief"
        assert {chat.id for chat in (await chief.page(9, None, None))[0]} == {there.id, late.id}
        assert [preset.id for preset in await chief.presets()] == ["p"]
