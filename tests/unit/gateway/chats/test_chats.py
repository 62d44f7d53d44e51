"""Conversations over HTTP: made, listed, found, changed, deleted and restored; each its owner's alone."""

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from dovetail.access.keys import NewKey
from dovetail.core.caller import Scope
from dovetail.gateway.app import create_app
from dovetail.gateway.chats import archive, shelf
from dovetail.gateway.chats.archive import UNDO
from dovetail.gateway.chats.runs import Runs
from dovetail.gateway.chats.shapes import (
    ChatChanged,
    ChatDefaults,
    ChatList,
    ChatObject,
    ChatSummary,
    PresetList,
    PresetObject,
)
from dovetail.serving.requests import Requests
from dovetail.settings import Settings
from dovetail.settings.sections import ChatSettings

from ...access.parts import GOOD, HERE, Clock, access  # noqa: TID252
from ..fakes import call, services  # noqa: TID252
from .parts import Desk, desk

pytestmark = pytest.mark.anyio


async def titles(made: Desk, query: str = "") -> list[str]:
    found = ChatList.model_validate(await made.got("GET", f"/chats{query}"))
    return [chat.title for chat in found.data]


async def test_a_conversation_is_named_by_its_first_words_and_is_a_tree(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat(model="m", params={"temperature": 0.5})
        first = await made.say(chat, "\n  What is   the capital of Korea?\nAnd of France?")
        again = await made.say(chat, "What is the capital of Japan?")
        body = {"parent_id": first, "role": "assistant", "parts": [{"type": "text", "text": "Seoul"}]}
        added = ChatChanged.model_validate(await made.got("POST", f"/chats/{chat}/messages", body))
        whole = ChatObject.model_validate(await made.got("GET", f"/chats/{chat}"))
        assert (whole.title, whole.title_by, whole.params) == (
            "What is the capital of Korea?",
            "words",
            {"temperature": 0.5},
        )
        assert [(m.id, m.parent_id) for m in whole.messages] == [
            (first, None),
            (again, None),
            (added.message.id, first),
        ]
        assert whole.leaf_id == added.message.id
        changed = ChatSummary.model_validate(
            await made.got("PATCH", f"/chats/{chat}", {"leaf_id": again, "title": "Capitals", "folder": "Geo"})
        )
        assert (changed.leaf_id, changed.title, changed.title_by, changed.folder) == (again, "Capitals", "user", "Geo")
        assert (await made.got("PATCH", f"/chats/{chat}", {"folder": None}))["folder"] is None


async def test_a_message_is_edited_in_place_and_what_follows_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat()
        first = await made.say(chat, "wrong")
        second = await made.say(chat, "after", first)
        body = {"parts": [{"type": "text", "text": "right"}]}
        edited = ChatChanged.model_validate(await made.got("PATCH", f"/chats/{chat}/messages/{first}", body))
        assert edited.message.id == first
        whole = await made.got("GET", f"/chats/{chat}")
        assert [(m["id"], m["parts"][0]["text"]) for m in whole["messages"]] == [(first, "right"), (second, "after")]
        assert await titles(made, "?q=wrong") == ["wrong"]  # the title stays
        assert (await made.got("GET", "/chats?q=right"))["data"][0]["hit_id"] == first


async def test_the_list_has_the_pinned_first_then_the_newest_by_pages(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        ids: list[str] = []
        for number in range(7):
            made.clock.now += 1
            ids.append(await made.chat(title=str(number), folder="even" if number % 2 == 0 else "odd"))
        await made.got("PATCH", f"/chats/{ids[2]}", {"pinned": True})
        assert await titles(made) == ["2", "6", "5", "4", "3", "1", "0"]
        assert await titles(made, "?folder=odd") == ["5", "3", "1"]
        seen: list[str] = []
        path = "/chats?limit=3"
        while path:
            page = ChatList.model_validate(await made.got("GET", path))
            assert page.folders == ["even", "odd"]
            seen += [chat.title for chat in page.data]
            path = f"/chats?limit=3&after={page.next}" if page.next else ""
        assert seen == ["2", "6", "5", "4", "3", "1", "0"]
        for bad in ("x", "1~nan~a", "2~1.0~a", "1~1.0~"):
            assert (await made.ask("GET", f"/chats?after={bad}")).error[3] == "after"


@pytest.mark.parametrize("indexed", [True, False])
async def test_titles_and_messages_are_searched_in_any_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, indexed: bool
) -> None:
    if not indexed:
        monkeypatch.setattr(
            archive.chat_search, "_INDEX", "CREATE VIRTUAL TABLE message_text USING no_such_thing(text)"
        )
    async with desk(tmp_path) as made:
        korean = await made.chat(title="하나")
        await made.say(korean, '대한민국의 수도는 서울입니다. 100% _sure_ \\ "quoted" AND OR')
        english = await made.chat(title="Seoul trip")
        await made.say(english, "The Quantised model of " + "words " * 100)
        await made.say(await made.chat(title="Éclair"), "élan, жёлтый")
        for text, expected in {
            "서울": ["하나"],
            "수도는": ["하나"],
            "seoul": ["Seoul trip"],
            "quANTISED": ["Seoul trip"],
            "ÉLAN": ["Éclair"],
            "é": ["Éclair"],
            "éC": ["Éclair"],
            "ЖЁ": ["Éclair"],
            "100%": ["하나"],
            "0_": [],
            "_sure_": ["하나"],
            '"quoted"': ["하나"],
            "AND OR": ["하나"],
            "nothing": [],
        }.items():
            assert await titles(made, f"?q={quote(text)}") == expected, text
        hit = (await made.got("GET", "/chats?q=Quantised"))["data"][0]["hit"]
        assert hit.startswith("The Quantised model of words")
        assert hit.endswith("…")
        await made.got("DELETE", f"/chats/{korean}")
        assert await titles(made, f"?q={quote('서울')}") == []


async def test_what_is_deleted_can_be_restored_for_a_while(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat(title="gone")
        await made.say(chat, "the text")
        await made.got("DELETE", f"/chats/{chat}")
        assert await titles(made) == []
        assert (await made.ask("GET", f"/chats/{chat}")).error[:3] == (404, "invalid_request_error", "chat_not_found")
        assert (await made.ask("DELETE", f"/chats/{chat}")).status == 404
        await made.got("POST", f"/chats/{chat}/restore")
        assert await titles(made) == ["gone"]
        assert len((await made.got("GET", f"/chats/{chat}"))["messages"]) == 1
        await made.got("DELETE", f"/chats/{chat}")
        made.clock.now += UNDO + 1
        assert (await made.ask("POST", f"/chats/{chat}/restore")).status == 404
        await made.services.archive.sweep()
        left = await made.services.archive.run(lambda c: c.execute("SELECT count(*) FROM message").fetchone()[0])
        assert left == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"parts": []}, "parts"),
        ({"parts": [{"type": "text"}]}, "parts[0].text"),
        ({"parts": [{"type": "text", "text": "a", "file_id": "b"}]}, "parts[0].file_id"),
        ({"parts": [{"type": "video", "text": "a"}]}, "parts[0].type"),
        ({"parts": [{"type": "tool_call", "id": "a", "name": "b", "arguments": "{}"}]}, "parts[0].type"),
        ({"parts": [{"type": "image", "file_id": "nobody-s"}]}, "parts[0].file_id"),
        ({"role": "tool", "parts": [{"type": "tool_result", "text": "a"}]}, "parts[0].tool_call_id"),
        ({"role": "system", "parts": [{"type": "text", "text": "a"}]}, "role"),
        ({"parent_id": "nobody-s", "parts": [{"type": "text", "text": "a"}]}, "parent_id"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_by_name(tmp_path: Path, body: object, param: str) -> None:
    async with desk(tmp_path) as made:
        answer = await made.ask("POST", f"/chats/{await made.chat()}/messages", body)
        assert (answer.status in {400, 404}, answer.error[3]) == (True, param)


async def test_nothing_is_kept_beyond_the_quota(tmp_path: Path) -> None:
    small = Settings(home=tmp_path, chats=ChatSettings(quota=1 << 20))
    async with desk(tmp_path, settings=small) as made:
        chat = await made.chat()
        first = await made.say(chat, "a" * (900 << 10))
        refused = await made.ask(
            "POST", f"/chats/{chat}/messages", {"parts": [{"type": "text", "text": "b" * (200 << 10)}]}
        )
        assert (refused.status, refused.json()["error"]["code"]) == (507, "quota_exceeded")
        larger = {"parts": [{"type": "text", "text": "c" * (1100 << 10)}]}
        assert (await made.ask("PATCH", f"/chats/{chat}/messages/{first}", larger)).status == 507
        assert (await made.got("GET", f"/chats/{chat}"))["messages"][0]["parts"][0]["text"][0] == "a"
        smaller = {"parts": [{"type": "text", "text": "d"}]}
        await made.got("PATCH", f"/chats/{chat}/messages/{first}", smaller)


async def test_there_is_an_end_to_chats_messages_and_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_CHATS", "MOST_MESSAGES", "MOST_PRESETS"):
        monkeypatch.setattr(shelf, name, 1)
    async with desk(tmp_path) as made:
        chat = await made.chat()
        assert (await made.ask("POST", "/chats", {})).error[::2] == (409, "too_many_chats")
        await made.say(chat, "one")
        more = {"parts": [{"type": "text", "text": "two"}]}
        assert (await made.ask("POST", f"/chats/{chat}/messages", more)).error[::2] == (409, "too_many_messages")
        await made.got("PUT", "/presets/a", {"name": "a"})
        await made.got("PUT", "/presets/a", {"name": "b"})
        assert (await made.ask("PUT", "/presets/b", {"name": "b"})).error[::2] == (409, "too_many_presets")


async def test_presets_are_put_listed_and_removed(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.got("PUT", "/presets/short", {"name": "Short", "params": {"max_tokens": 10}})
        await made.got("PUT", "/presets/pirate", {"name": "Pirate", "system_prompt": "Arr."})
        found = PresetList.model_validate(await made.got("GET", "/presets"))
        assert [(p.id, p.system_prompt, p.params) for p in found.data] == [
            ("pirate", "Arr.", {}),
            ("short", "", {"max_tokens": 10}),
        ]
        await made.got("DELETE", "/presets/short")
        assert (await made.ask("DELETE", "/presets/short")).error[::2] == (404, "preset_not_found")
        assert (await made.ask("PUT", "/presets/a%20b", {"name": "x"})).error[3] == "id"


async def test_new_conversations_begin_with_what_was_chosen(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        assert await made.got("GET", "/chat-defaults") == {"model": None, "preset": None}
        unknown = await made.ask("PUT", "/chat-defaults", {"model": "gone", "preset": "p"})
        assert unknown.error[::2] == (404, "preset_not_found")
        assert unknown.error[3] == "preset"
        assert (await made.got("GET", "/chat-defaults"))["model"] is None
        new = {"name": "P", "system_prompt": "Arr.", "params": {"top_k": 3}}
        preset = await made.got("PUT", "/presets/p", new)
        # A model is not looked for: it may be there later.
        put = ChatDefaults.model_validate(await made.got("PUT", "/chat-defaults", {"model": "later", "preset": "p"}))
        assert (put.model, put.preset) == ("later", PresetObject.model_validate(preset))
        await made.got("DELETE", "/presets/p")
        assert await made.got("GET", "/chat-defaults") == {"model": "later", "preset": None}
        await made.got("PUT", "/presets/p", {**new, "params": {}})  # its removal was taken back
        assert (await made.got("GET", "/chat-defaults"))["preset"]["params"] == {}
        assert await made.got("PUT", "/chat-defaults", {}) == {"model": None, "preset": None}


async def test_nobody_sees_another_s_conversations(tmp_path: Path) -> None:
    with access(tmp_path) as known:
        await known.people.found("chief", GOOD)
        for name, role in (("ann", "member"), ("vic", "viewer")):
            await known.people.add(name, GOOD, role)  # pyright: ignore[reportArgumentType]  both are roles
        async with desk(tmp_path, access=known) as made:
            desks: dict[str, Desk] = {}
            for name in ("chief", "ann", "vic"):
                _, token = await known.people.log_in(name, GOOD, HERE)
                desks[name] = replace(made, who={"cookie": f"dovetail={token}"})
            chat = await desks["ann"].chat(title="ann's")
            message = await desks["ann"].say(chat, "a secret")
            await desks["ann"].got("PUT", "/presets/p", {"name": "p"})
            await desks["ann"].got("PUT", "/chat-defaults", {"preset": "p", "model": "ann's"})
            own = await desks["vic"].chat(title="vic's")
            await desks["vic"].say(own, "a viewer's own")
            for name in ("chief", "vic"):
                other = desks[name]
                assert "ann's" not in await titles(other)
                assert await titles(other, "?q=secret") == []
                assert (await other.got("GET", "/presets"))["data"] == []
                assert await other.got("GET", "/chat-defaults") == {"model": None, "preset": None}
                assert (await other.ask("PUT", "/chat-defaults", {"preset": "p"})).status == 404
                words = {"parts": [{"type": "text", "text": "x"}]}
                for method, path, body in (
                    ("GET", f"/chats/{chat}", None),
                    ("PATCH", f"/chats/{chat}", {"title": "x"}),
                    ("DELETE", f"/chats/{chat}", None),
                    ("POST", f"/chats/{chat}/restore", {}),
                    ("POST", f"/chats/{chat}/messages", words),
                    ("PATCH", f"/chats/{chat}/messages/{message}", words),
                    ("DELETE", "/presets/p", None),
                ):
                    assert (await other.ask(method, path, body)).status == 404, (method, path)
                assert (await other.got("DELETE", "/chats"))["chats"] == ([own] if name == "vic" else [])
            assert await titles(desks["ann"]) == ["ann's"]
            for method in ("GET", "DELETE"):
                assert (await made.ask(method, "/chats")).status == 401
            removed = await desks["chief"].ask("DELETE", "/users/ann")
            assert removed.status == 200
            await desks["chief"].got("POST", "/users", {"name": "ann", "password": GOOD})
            _, token = await known.people.log_in("ann", GOOD, HERE)
            assert await titles(replace(made, who={"cookie": f"dovetail={token}"})) == []


async def test_what_was_said_before_there_was_an_account_belongs_to_the_first(tmp_path: Path) -> None:
    with access(tmp_path) as known:
        async with desk(tmp_path, access=known) as made:
            await made.chat(title="before")
            await made.got("PUT", "/presets/p", {"name": "p"})
            await made.got("PUT", "/chat-defaults", {"preset": "p"})
            first = {"name": "chief", "password": GOOD}
            assert (await call(made.app, "POST", "/auth/setup", first, content_type="application/json")).status == 200
            _, token = await known.people.log_in("chief", GOOD, HERE)
            chief = replace(made, who={"cookie": f"dovetail={token}"})
            assert await titles(chief) == ["before"]
            assert len((await chief.got("GET", "/presets"))["data"]) == 1
            assert (await chief.got("GET", "/chat-defaults"))["preset"]["id"] == "p"


async def test_a_key_of_some_models_has_no_conversations(tmp_path: Path) -> None:
    with access(tmp_path) as known:
        await known.people.found("chief", GOOD)
        _, key = await known.keys.create(NewKey("k", "chief", "admin", Scope(models=("m",))))
        known.changed()
        async with desk(tmp_path, access=known) as made:
            answer = await replace(made, who={"x_api_key": key}).ask("GET", "/chats")
            assert answer.error[::2] == (403, "key_scope")


async def test_a_broken_file_leaves_the_rest_of_the_server_alone(tmp_path: Path) -> None:
    (tmp_path / "chats.db").write_bytes(b"no database" * 100)
    kept = await asyncio.to_thread(archive.opened, tmp_path)
    built = replace(services(), runs=Runs(kept, Requests()))
    answer = await Desk(create_app(built), built, Clock(), {}).ask("GET", "/chats")
    assert answer.error[::2] == (503, "chats_unusable")
    assert "chats.db" in answer.json()["error"]["message"]


async def test_what_is_said_of_conversations_takes_room_as_well(tmp_path: Path) -> None:
    small = Settings(home=tmp_path, chats=ChatSettings(quota=1 << 20))
    large = "a" * (200 << 10)
    async with desk(tmp_path, settings=small) as made:
        for _ in range(3):
            await made.chat(system_prompt=large)
        chat = await made.chat()
        await made.got("PUT", "/presets/p", {"name": "p", "system_prompt": large})
        await made.got("PUT", "/presets/p", {"name": "q", "system_prompt": large})
        await made.got("PATCH", f"/chats/{chat}", {"params": {"user": large}})
        for method, path, body in (
            ("POST", "/chats", {"params": {"user": large}}),
            ("PUT", "/presets/more", {"name": "p", "params": {"user": large}}),
            ("PATCH", f"/chats/{chat}", {"system_prompt": large}),
        ):
            assert (await made.ask(method, path, body)).error[::2] == (507, "quota_exceeded")
        await made.got("PATCH", f"/chats/{chat}", {"params": {}})
