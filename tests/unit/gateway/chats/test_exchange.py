"""Conversations to a file and back: the same trees; and those of other programs."""

import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.core.request import JsonObject
from dovetail.gateway.chats import exchange, own_file, shelf
from dovetail.gateway.chats.archive import UNDO
from dovetail.gateway.chats.own_file import ChatExport
from dovetail.gateway.chats.shelf import Shelf
from dovetail.gateway.chats.tree import Node, Tree, lifted, ordered, rows
from dovetail.settings import Settings
from dovetail.settings.sections import ChatSettings
from dovetail.storage import chats
from dovetail.storage.chats import CHATS, Role

from ....process.serving.files import png  # noqa: TID252
from ..fakes import Answer, call, says  # noqa: TID252
from .parts import Desk, desk
from .test_files import TEXT, on_disk, sent

pytestmark = pytest.mark.anyio

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FIGURES: JsonObject = {
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 1},
}
TIMINGS: JsonObject = {
    "queued_ms": 0.5, "loading_ms": 0.0, "ttft_ms": None, "total_ms": 12.25, "cache_n": 1, "prompt_n": 2,
    "prompt_ms": 1.5, "prompt_per_second": 2.5, "predicted_n": 4, "predicted_ms": 8.0, "predicted_per_second": None,
}  # fmt: skip


def part(role: str) -> st.SearchStrategy[dict[str, Any]]:
    text = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
    if role == "user":
        return text
    seconds = st.none() | st.floats(0, 100)
    thought = st.fixed_dictionaries({"type": st.just("reasoning"), "text": TEXTS, "seconds": seconds})
    fields = {"type": st.just("tool_call"), "id": TEXTS, "name": TEXTS, "arguments": TEXTS}
    return text | thought | st.fixed_dictionaries(fields)


@st.composite
def tree(draw: st.DrawFn) -> Tree:
    """Any shape: branches, several beginnings, answers that failed."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(0, 12))):
        parent = draw(st.none() | st.sampled_from([node.id for node in nodes])) if nodes else None
        role: Role = draw(st.sampled_from(("user", "assistant")))
        parts = draw(st.lists(part(role), max_size=3))
        node = Node(str(number), parent, role, parts, created=float(draw(st.integers(1, 1 << 40))))
        if role == "assistant":
            failed = draw(st.booleans())
            node = Node(
                node.id, parent, role, parts, node.created, "m", {"temperature": draw(st.floats(0, 2)), "stop": ["a"]},
                draw(st.sampled_from([FIGURES, None])), draw(st.sampled_from([TIMINGS, None])),
                None if failed else draw(st.sampled_from(["stop", "length", "tool_calls"])),
                "error" if failed else draw(st.sampled_from(["complete", "stopped"])),
                {"code": "c", "message": draw(TEXTS), "param": None} if failed else None,
            )  # fmt: skip
        nodes.append(node)
    leaf = draw(st.sampled_from([node.id for node in nodes])) if nodes else None
    return Tree(
        nodes, title=draw(TEXTS.filter(bool)), title_by=draw(st.sampled_from(["words", "user"])),
        folder=draw(st.none() | TEXTS), pinned=draw(st.booleans()), leaf=leaf, model=draw(st.none() | TEXTS),
        system_prompt=draw(TEXTS), params={"top_k": 5}, created=float(draw(st.integers(1, 1 << 40))), updated=5.0,
    )  # fmt: skip


def exported(made: Tree) -> dict[str, Any]:
    """What a database that took it in writes out."""
    connection = sqlite3.connect(":memory:")
    try:
        for script in CHATS.scripts():
            connection.executescript(script.read_text("utf-8"))
        chat, messages = rows(made, "ann", "chat_1", 1.0, {})
        chats.add_chat(connection, chat)
        for message in messages:
            chats.add_message(connection, message)
        found = chats.chat(connection, "ann", "chat_1")
        assert found is not None
        return {
            **json.loads(orjson.dumps(own_file.chat_json(found, chats.messages(connection, "chat_1")))),
            "files": {},
        }
    finally:
        connection.close()


def shape(chat: dict[str, Any]) -> dict[str, Any]:
    """All of a chat but its ids, which are those of its messages' places."""
    places = {message["id"]: place for place, message in enumerate(chat["messages"])}
    messages: list[dict[str, Any]] = [
        {**message, "id": places[message["id"]], "parent_id": places.get(message["parent_id"]), "run_id": None}
        for message in chat["messages"]
    ]
    for message in messages:
        message["parts"] = [{**part, "file_id": ""} if "file_id" in part else part for part in message["parts"]]
    files = sorted(json.dumps(file) for file in chat["files"].values())
    return {**chat, "id": "", "leaf_id": places.get(chat["leaf_id"]), "messages": messages, "files": files}


@settings(deadline=None)
@given(tree())
def test_what_is_exported_wiped_and_imported_is_the_same_tree(made: Tree) -> None:
    first = exported(made)
    whole = {"format": "dovetail-chats", "version": 1, "chats": [first], "presets": []}
    (back,) = exchange.read(orjson.dumps(whole)).trees
    assert shape(exported(back)) == shape(first)
    assert len(first["messages"]) == len(made.nodes)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=12))
def test_parents_come_first_whatever_a_file_says(pairs: list[tuple[int, int | None]]) -> None:
    nodes = [Node(str(name), None if parent is None else str(parent), "user", ()) for name, parent in pairs]
    found = ordered(nodes)
    seen: set[str] = set()
    for node in found:
        assert node.parent is None or node.parent in seen
        assert node.id not in seen
        seen.add(node.id)
    kept = lifted(nodes, lambda node: int(node.id) % 2 == 0)
    assert not {node.id for node in kept} & {str(even) for even in range(0, 10, 2)}


async def take(made: Desk, data: bytes) -> Answer:
    return await call(made.app, "POST", "/api/v1/chats/import", data, **made.who)


async def whole(made: Desk, query: str = "") -> dict[str, Any]:
    answer = await call(made.app, "GET", f"/api/v1/chats/export{query}", **made.who)
    assert answer.status == 200, answer.body
    ChatExport.model_validate_json(answer.body)
    return answer.json()


async def test_a_whole_account_goes_out_and_comes_back_with_branches_figures_files_and_presets(tmp_path: Path) -> None:
    async with desk(tmp_path, says("Hello")) as made:
        chat = await made.chat(model="m", title="Ünï", folder="f", system_prompt="s", params={"top_k": 3})
        seen = [{"type": "text", "text": "look"}, await sent(made, chat, png(), "i"), await sent(made, chat, TEXT, "t")]
        asked = await made.say(chat, "hi")
        for _ in range(2):
            await made.heard((await made.run(chat, asked))["run_id"])
        await made.got("POST", f"/chats/{chat}/messages", {"parts": seen})
        await made.got("PATCH", f"/chats/{chat}", {"leaf_id": asked, "pinned": True})
        made.clock.now += 5
        await made.say(await made.chat(), "another")
        await made.got("PUT", "/presets/p", {"name": "P", "params": {"seed": 1}})
        before = await whole(made)
        assert len(before["chats"]) == 2
        assert (await whole(made, f"?ids={chat}&files=false"))["chats"][0]["files"] == {}
        await made.services.archive.forget("local")
        assert (await whole(made))["chats"] == []
        assert on_disk(tmp_path) == []
        answer = await take(made, orjson.dumps(before))
        assert len(answer.json()["chats"]) == 2
        after = await whole(made)
        assert [shape(each) for each in after["chats"]] == [shape(each) for each in before["chats"]]
        assert [preset["params"] for preset in after["presets"]] == [{"seed": 1}]
        assert (await made.got("GET", "/chats?q=another"))["data"]


async def test_no_more_than_one_file_is_in_memory_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat()
        for number in range(3):
            await sent(made, chat, b"%d" % number * 10_000, f"{number}.txt")
        kept = Shelf(made.services.archive, "local", 1 << 20)
        pieces = [piece async for piece in exchange.exported(kept, [chat], [], files=True)]
        assert len(orjson.loads(b"".join(pieces))["chats"][0]["files"]) == 3
        assert max(len(piece) for piece in pieces) < 20_000
        on_disk(tmp_path)[0].unlink()
        assert len((await whole(made))["chats"][0]["files"]) == 2


async def test_an_export_that_cannot_be_says_so_by_its_status(tmp_path: Path) -> None:
    (tmp_path / "chats.db").write_text("this is no database at all")
    async with desk(tmp_path) as made:
        answer = await made.ask("GET", "/chats/export")
        assert (answer.status, answer.error[2]) == (503, "chats_unusable")


async def test_one_conversation_is_written_to_be_read(tmp_path: Path) -> None:
    async with desk(tmp_path, says("Seoul.")) as made:
        chat = await made.chat(model="m", title="Capitals / of: the world")
        run = await made.run(chat, await made.say(chat, "Of Korea?"))
        await made.heard(run["run_id"])
        answer = await made.ask("GET", f"/chats/export?format=md&ids={chat}")
        assert (
            answer.body.decode() == "# Capitals / of: the world\n\n## User\n\nOf Korea?\n\n## Assistant (m)\n\nSeoul.\n"
        )
        assert answer.headers["content-disposition"] == 'attachment; filename="Capitals-of-the-world.md"'
        assert (await made.ask("GET", "/chats/export?format=md")).error[3] == "ids"
        assert (await made.ask("GET", "/chats/export?ids=nobody-s")).error[2] == "chat_not_found"


IMAGE = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
LLAMA = {
    "conv": {"id": "c", "name": "From llama.cpp", "lastModified": 1_760_000_000_000, "currNode": "a2"},
    "messages": [
        {"id": "r", "type": "root", "role": "system", "content": "", "parent": None, "timestamp": 1_759_000_000_000},
        {"id": "s", "type": "text", "role": "system", "content": "Be kind.", "parent": "r"},
        {"id": "u", "role": "user", "content": "hi", "parent": "s", "timestamp": 1_759_000_000_000,
         "extra": [{"type": "IMAGE", "name": "a", "base64Url": IMAGE}, {"type": "TEXT", "name": "t", "content": "x"}]},
        {"id": "a1", "role": "assistant", "content": "one", "parent": "u", "reasoningContent": "hm"},
        {"id": "a2", "role": "assistant", "content": "two", "parent": "u", "model": "q",
         "toolCalls": '[{"id":"1","function":{"name":"f","arguments":"{}"}}]'},
    ],
}  # fmt: skip
OPEN_WEBUI = [
    {
        "id": "x", "title": "From Open WebUI", "pinned": True, "created_at": 1_759_000_000, "updated_at": 1_760_000_000,
        "chat": {
            "params": {"system": "Be kind."},
            "history": {
                "currentId": "a2",
                "messages": {
                    "u": {"id": "u", "parentId": None, "role": "user", "content": "hi", "timestamp": 1_759_000_000},
                    "a2": {"id": "a2", "parentId": "u", "role": "assistant", "content": "two", "model": "q"},
                    "a1": {"id": "a1", "parentId": "u", "role": "assistant", "content": "one"},
                },
            },
        },
    }
]  # fmt: skip
OPENAI = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": IMAGE}}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "assistant", "content": "two"},
    ]
}


async def only(made: Desk, data: bytes) -> dict[str, Any]:
    answer = await take(made, data)
    assert answer.status == 200, answer.body
    return (await whole(made))["chats"][0]


def kinds(message: dict[str, Any]) -> list[str]:
    return [part["type"] for part in message["parts"]]


@pytest.mark.parametrize("data", [orjson.dumps([LLAMA]), orjson.dumps(LLAMA) + b"\n" + orjson.dumps(LLAMA) + b"\n"])
async def test_llama_cpp_s_conversations(tmp_path: Path, data: bytes) -> None:
    async with desk(tmp_path) as made:
        chat = await only(made, data)
        user, one, two = chat["messages"]
        assert (chat["title"], chat["system_prompt"], chat["updated_at"]) == (
            "From llama.cpp",
            "Be kind.",
            1_760_000_000,
        )
        assert (user["parent_id"], one["parent_id"], two["parent_id"]) == (None, user["id"], user["id"])
        assert (chat["leaf_id"], two["model"], user["created_at"]) == (two["id"], "q", 1_759_000_000)
        assert [kinds(m) for m in chat["messages"]] == [
            ["text", "image", "file"], ["reasoning", "text"], ["text", "tool_call"],
        ]  # fmt: skip


async def test_open_webui_s_conversations(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await only(made, orjson.dumps(OPEN_WEBUI))
        user, two, _ = chat["messages"]
        assert (chat["title"], chat["system_prompt"], chat["pinned"]) == ("From Open WebUI", "Be kind.", True)
        assert (chat["leaf_id"], two["parent_id"], two["model"]) == (two["id"], user["id"], "q")


@pytest.mark.parametrize("data", [OPENAI, OPENAI["messages"], [OPENAI, OPENAI]])
async def test_lists_of_openai_s_messages(tmp_path: Path, data: Any) -> None:
    async with desk(tmp_path) as made:
        chat = await only(made, orjson.dumps(data))
        assert (chat["title"], chat["title_by"], chat["system_prompt"]) == ("hi", "words", "Be kind.")
        assert [(m["role"], kinds(m)) for m in chat["messages"]] == [
            ("user", ["text", "image"]),
            ("assistant", ["tool_call"]),
            ("tool", ["tool_result"]),
            ("assistant", ["text"]),
        ]  # fmt: skip
        parents = [m["parent_id"] for m in chat["messages"]]
        assert parents == [None, *[m["id"] for m in chat["messages"][:-1]]]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no json", b"{}", b"[1]", b"[" * 100, b'{"messages": 1}', b'{"conv": {}, "messages": "x"}\n{}',
        b'{"format": "dovetail-chats", "version": 1, "chats": [{}], "presets": []}',
        b'{"format": "dovetail-chats", "version": 2, "chats": [], "presets": []}',
        b'{"chat": {"history": {"messages": {"a": {"id": [1], "role": "user", "parentId": [2]}}}}}',
        b'[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}}]}]',
    ],
)  # fmt: skip
async def test_what_is_no_conversation_is_refused_and_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    async with desk(tmp_path) as made:
        assert (await take(made, data)).error[::2] == (400, "invalid_import")
        assert (await whole(made))["chats"] == []


async def test_all_of_a_file_comes_or_nothing(tmp_path: Path) -> None:
    small = Settings(home=tmp_path, chats=ChatSettings(quota=1 << 20))
    async with desk(tmp_path, settings=small) as made:
        large = {"messages": [{"role": "user", "content": "a" * (600 << 10)}]}
        answer = await take(made, orjson.dumps([large, large]))
        assert (answer.status, answer.error[2]) == (507, "quota_exceeded")
        assert (await whole(made))["chats"] == []
        assert (await take(made, orjson.dumps(large))).status == 200


async def test_presets_that_cannot_be_kept_leave_nothing_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as made:
        await made.got("PUT", "/presets/p", {"name": "P"})
        await made.say(await made.chat(), "hi")
        there = await whole(made)
        await made.services.archive.forget("local")
        nameless = {**there, "presets": [{**there["presets"][0], "name": ""}]}
        assert (await take(made, orjson.dumps(nameless))).error[::2] == (400, "invalid_import")
        monkeypatch.setattr(shelf, "MOST_PRESETS", 0)
        assert (await take(made, orjson.dumps(there))).error[::2] == (409, "too_many_presets")
        assert (await whole(made))["chats"] == []
        assert await made.services.archive.run(lambda c: chats.count(c, "local")) == 0


async def test_nothing_of_a_file_is_there_before_all_of_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storing, seen = exchange._stored, list[int]()

    async def stored(kept: Shelf, made: Tree) -> chats.Chat:
        done = await storing(kept, made)
        seen.append(len((await kept.page(10, None, None))[0]))
        return done

    monkeypatch.setattr(exchange, "_stored", stored)
    async with desk(tmp_path) as made:
        assert (await take(made, orjson.dumps([OPENAI, OPENAI]))).status == 200
        assert seen == [0, 0]
        assert len((await whole(made))["chats"]) == 2
        made.clock.now += 2 * UNDO
        await made.services.archive.sweep()
        assert len((await whole(made))["chats"]) == 2


async def test_names_of_a_file_are_as_long_as_names_may_be(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.chat(model="m", folder="f")
        there = await whole(made)
        there["chats"][0] |= {"folder": "f" * 5000, "model": "m" * 5000, "title": "t" * 5000}
        await made.services.archive.forget("local")
        chat = await only(made, orjson.dumps(there))
        assert [len(chat[name]) for name in ("folder", "model", "title")] == [100, 256, 200]


def test_a_long_line_of_what_is_left_out_is_walked_once() -> None:
    asked = 0

    def gone(node: Node) -> bool:
        nonlocal asked
        asked += 1
        return node.role == "system"

    nodes = [Node(str(number), str(number - 1), "system", ()) for number in range(1, 1000)]
    nodes += [Node(f"u{number}", "999", "user", ()) for number in range(1000)]
    assert {node.parent for node in lifted(nodes, gone)} == {"0"}
    assert asked < 10 * len(nodes)


async def test_a_file_that_no_model_is_given_is_told_of_by_its_name(tmp_path: Path) -> None:
    extra = {"type": "IMAGE", "name": "w.webp", "base64Url": "data:image/webp;base64,UklGRgAAAABXRUJQ"}
    message = {"id": "u", "role": "user", "content": "hi", "parent": None, "extra": [extra]}
    async with desk(tmp_path) as made:
        chat = await only(made, orjson.dumps({"conv": {"name": "x"}, "messages": [message]}))
        assert chat["messages"][0]["parts"][1] == {"type": "text", "text": "[w.webp]"}
