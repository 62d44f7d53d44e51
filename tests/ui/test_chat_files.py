"""Files of conversations and conversations as files: what is too much harms nothing, and what went out comes back."""

from __future__ import annotations

import json
import random
import re
import wave
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import opened
from .chatting import Json, anew, answered, chat_of, choose, kinds_of, messages_of, say
from .conftest import Open, found

pytestmark = pytest.mark.anyio
LARGEST = 20 << 20
QUOTA = 24 << 20
_HEAD = 44


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A WAV as large as a file may be."""
    file = tmp_path / "large.wav"
    with wave.open(str(file), "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(48_000)
        written.writeframes(bytes(LARGEST - _HEAD))
    return file


@pytest.fixture
async def narrow(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server on which an account may keep little more than one large file."""
    del interface
    async with running(tmp_path, environment={"DOVETAIL_CHATS__QUOTA": str(QUOTA)}) as server:
        yield server


async def hears(route: Route) -> None:
    """The list of models as it would be if they could hear and see."""
    answer = await route.fetch()
    listed = await answer.json()
    for model in listed["data"]:
        model["capabilities"] += ["audio", "vision"]
    await route.fulfill(response=answer, json=listed)


async def test_a_large_file_and_then_one_too_many_harm_no_conversation(
    narrow: Running, browser: Browser, sound: Path
) -> None:
    cookie = await found(narrow)
    async with opened(browser, narrow.url, cookie=cookie) as (page, watch):
        watch.expect("status of 400", "status of 507")
        await page.route("**/v1/models", hears)
        await page.goto("/ui/chat?model=tiny-gguf")
        await choose(page, "tiny-gguf")
        await say(page, "The one before.")
        await answered(page)
        other = await chat_of(narrow, page, cookie)

        # As large as a file may be: it is kept with its message, and that this model cannot hear it is said.
        await anew(page)
        await page.get_by_test_id("file-input").set_input_files(sound)
        await expect(page.get_by_role("list", name="Attached")).to_contain_text("large.wav")
        await say(page, "What is to be heard?")
        await expect(page.get_by_role("alert").filter(has_text="audio")).to_be_visible()
        whole = await chat_of(narrow, page, cookie)
        (kept,) = messages_of(whole)
        assert [part.get("bytes") for part in cast("list[Json]", kept["parts"])] == [LARGEST, None]

        # One more is more than may be kept: nothing is there of it, and the draft is as it was.
        await anew(page)
        await page.get_by_test_id("file-input").set_input_files(sound)
        await page.get_by_test_id("composer").fill("And this?")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").filter(has_text="chats.quota")).to_be_visible()
        await expect(page.get_by_test_id("composer")).to_have_value("And this?")
        await expect(page.get_by_role("list", name="Attached")).to_contain_text("large.wav")
        await page.reload()
        assert [each["id"] for each in await listed(narrow, cookie)][-2:] == [whole["id"], other["id"]]
        for chat in (other, whole):
            await page.goto(f"/ui/chat/{chat['id']}")
            await expect(page.get_by_test_id("user-text")).to_have_count(1)
            assert await chat_of(narrow, page, cookie) == chat
        await page.goto(f"/ui/chat/{other['id']}")
        await say(page, "It goes on.")
        await answered(page, 2)


async def listed(server: Running, cookie: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession(server.url, cookies={"dovetail": cookie}) as http,
        http.get("/api/v1/chats") as answer,
    ):
        return cast("list[dict[str, Any]]", (await answer.json())["data"])


@asynccontextmanager
async def member(server: Running, cookie: str, name: str, role: str = "member") -> AsyncGenerator[str]:
    """The session of an account which is made for it, and goes with all that it has."""
    body = {"name": name, "password": canaries.PASSWORD, "role": role}
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        async with http.post("/api/v1/users", json=body) as made:
            assert made.status == 200, await made.text()
        try:
            async with (
                aiohttp.ClientSession(server.url) as stranger,
                stranger.post("/auth/login", json=body, headers={"Origin": server.url}) as answer,
            ):
                token = answer.cookies["dovetail"].value
            canaries.plant(server.home, token)
            yield token
        finally:
            async with http.delete(f"/api/v1/users/{name}") as gone:
                assert gone.status == 200, await gone.text()


async def test_all_that_was_exported_comes_back_after_everything_was_wiped(
    browser: Browser, server: Running, cookie: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.json"
    async with member(server, cookie, "mover") as mine, opened(browser, server.url, cookie=mine) as (page, _):
        await page.goto("/ui/chat?model=tiny-gguf")
        await choose(page, "tiny-gguf")
        await page.get_by_test_id("file-input").set_input_files(
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": "메모 notes".encode()}
        )
        await say(page, "First of all.")
        await answered(page)
        await page.get_by_role("button", name="Answer again", exact=True).click()
        await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
        await answered(page)
        await say(page, "And then?")
        await answered(page, 2)
        await anew(page)
        await say(page, "Another one.")
        await answered(page)
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Import and export").click()
            await page.get_by_role("menuitem", name="Export all").click()
        await (await coming.value).save_as(file)
    before = json.loads(file.read_bytes())
    assert len(before["chats"]) == 2

    async with member(server, cookie, "mover") as mine, opened(browser, server.url, cookie=mine) as (page, _):
        await page.goto("/ui/chat")
        await expect(page.get_by_text("No conversations yet")).to_be_visible()
        await page.get_by_test_id("import-input").set_input_files(file)
        await expect(page.get_by_text("2 conversations imported")).to_be_visible()
        await page.get_by_role("link", name="notes.txt").click()
        await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
        await expect(page.get_by_role("log").get_by_role("link", name="notes.txt")).to_be_visible()
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Import and export").click()
            await page.get_by_role("menuitem", name="Export all").click()
        after = json.loads(Path(await (await coming.value).path()).read_bytes())
    assert [shape(chat) for chat in after["chats"]] == [shape(chat) for chat in before["chats"]]
    assert after["presets"] == before["presets"]


def shape(chat: dict[str, Any]) -> object:
    """A conversation without its ids: parents and files by their places, and all that was measured."""
    places = {message["id"]: place for place, message in enumerate(chat["messages"])}
    files = {name: place for place, name in enumerate(chat["files"])}
    kept = ("role", "model", "params", "usage", "timings", "finish_reason", "status", "error", "created_at")
    return (
        [chat[name] for name in ("title", "folder", "pinned", "model", "system_prompt", "params", "updated_at")],
        places[chat["leaf_id"]],
        list(chat["files"].values()),
        [
            (
                places.get(message["parent_id"]),
                [{**part, "file_id": files.get(part.get("file_id"))} for part in message["parts"]],
                [message[name] for name in kept],
            )
            for message in chat["messages"]
        ],
    )


# A file under the mouse, as it moves over an element and is let go there; whether the page has taken it.
DROP = """([selector, names]) => {
  const data = new DataTransfer()
  for (const name of names) data.items.add(new File(['text of ' + name], name, { type: 'text/plain', lastModified: 1 }))
  const place = document.querySelector(selector)
  return ['dragenter', 'dragover', 'drop'].map(type => {
    const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true })
    place.dispatchEvent(event)
    return event.defaultPrevented
  }).slice(1)
}"""


async def drop(page: Page, place: str, *names: str) -> list[bool]:
    return cast("list[bool]", await page.evaluate(DROP, [place, [*names]]))


# Pictures wait to be made smaller until `release` is called.
HELD = """const read = window.createImageBitmap
window.held = new Promise((told) => {
  window.createImageBitmap = (...args) => new Promise((done) => { window.release = () => done(read(...args)); told() })
})"""


def noise(width: int) -> bytes:
    """A square PNG that is as large as its pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    rows = b"".join(b"\0" + random.Random(row).randbytes(3 * width) for row in range(width))
    head = width.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    ends = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows, 0)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(ends)


async def test_a_picture_that_is_made_smaller_goes_with_its_message(visit: Open, server: Running, cookie: str) -> None:
    at = await visit("/models")
    at.watch.expect("400")  # the model is none that sees, and its server says so
    page = at.page
    await page.add_init_script(HELD)
    await page.route("**/v1/models", hears)
    await page.goto("/ui/chat")
    picture = {"name": "large.png", "mimeType": "image/png", "buffer": noise(800)}
    await page.get_by_test_id("file-input").set_input_files(cast("FilePayload", picture))
    await page.get_by_test_id("composer").fill("What is this?")
    await page.keyboard.press("Enter")
    await page.evaluate("held")
    await expect(page.get_by_test_id("send")).to_have_attribute("aria-busy", "true")
    await page.evaluate("release()")
    await expect(page.get_by_test_id("composer")).to_have_value("")
    await expect(page).to_have_url(re.compile("/ui/chat/chat_"))
    (message,) = messages_of(await chat_of(server, page, cookie))
    assert kinds_of(message) == ["image", "text"]
    await expect(page.get_by_role("list", name="Attached")).to_have_count(0)


async def test_a_file_is_taken_where_it_is_dropped_and_never_opened_instead_of_the_page(visit: Open) -> None:
    page = (await visit("/chat")).page
    await expect(page.get_by_test_id("composer")).to_be_visible()
    attached = page.get_by_role("list", name="Attached").get_by_role("listitem")
    assert await drop(page, "[data-testid=composer]", "a.txt", "b.txt") == [True, True]
    await expect(attached).to_have_count(2)
    # The same one again says nothing new.
    assert await drop(page, "[data-testid=composer]", "b.txt", "c.txt") == [True, True]
    await expect(attached).to_have_count(3)
    # Beside it: nothing happens, which the browser would not leave at that.
    for place in ("footer", "nav", "[data-testid=chat-search]"):
        assert await drop(page, place, "d.txt") == [True, True]
    await expect(attached).to_have_count(3)
    await attached.first.get_by_role("button").click()
    await expect(attached).to_have_count(2)
    await expect(attached.first).to_contain_text("b.txt")
