"""What the tests of the chat page do again and again, and a model that writes at a fixed rate."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import aiohttp
from playwright.async_api import Page, expect

from ..process.serving.running import Running  # noqa: TID252

Json = dict[str, object]
_RESTS = """box => new Promise(rests => {
  let last = -1, same = 0
  const look = () => {
    same = box.scrollTop === last ? same + 1 : 0
    last = box.scrollTop
    if (same > 10) rests(last)
    else requestAnimationFrame(look)
  }
  look()
})"""


def scripted_binary(folder: Path, fields: Mapping[str, object]) -> dict[str, str]:
    """The environment of a server whose GGUF models are written by the scripted worker, with these `fields`."""
    script = folder / "script.json"
    script.write_text(json.dumps(fields))
    path = folder / "scripted-llama-server"
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "socket = sys.argv[sys.argv.index('--host') + 1]\n"
        f"worker = ['-m', 'dovetail.workers.scripted', '--model', {str(script)!r}, '--host', socket]\n"
        "os.execv(sys.executable, [sys.executable, *worker])\n"
    )
    path.chmod(0o700)
    return {"DOVETAIL_ENGINES__GGUF__BINARY": str(path)}


async def say(page: Page, text: str) -> None:
    """Writes a message and sends it: by Enter, which on a phone begins a line, where there is a button for it."""
    await page.get_by_test_id("composer").fill(text)
    if (page.viewport_size or {"width": 1280})["width"] < 768:
        await page.get_by_test_id("send").click()
    else:
        await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("composer")).to_have_value("")


async def anew(page: Page) -> None:
    """Begins another conversation; what is written before its page is there belongs to the one that was shown."""
    await page.get_by_test_id("new-chat").click()
    await expect(page).to_have_url(re.compile(r"/ui/chat$"))
    await expect(page.locator("[data-role]")).to_have_count(0)


async def answered(page: Page, count: int = 1) -> None:
    """Waits until the branch has so many answers, and the last is complete and nothing is written."""
    answers = page.locator("[data-role=assistant]")
    await expect(answers).to_have_count(count, timeout=60_000)
    await expect(answers.last).to_have_attribute("data-status", "complete", timeout=60_000)
    await expect(page.get_by_test_id("send")).to_be_visible()


async def choose(page: Page, model: str) -> None:
    """Chooses a model in the header."""
    await page.get_by_test_id("model-picker").click()
    await page.get_by_role("option", name=model).first.click()
    await expect(page.get_by_test_id("model-picker")).to_contain_text(model)


async def resting(page: Page) -> float:
    """Where the list of messages stands, once it has not moved for some frames."""
    return float(await page.get_by_role("log").evaluate(_RESTS))


async def chat_of(server: Running, page: Page, cookie: str | None = None) -> Json:
    """The conversation that the page shows, as the server has it."""
    cookies = {} if cookie is None else {"dovetail": cookie}
    chat_id = page.url.rsplit("/", 1)[-1].split("?")[0]
    async with (
        aiohttp.ClientSession(server.url, cookies=cookies) as http,
        http.get(f"/api/v1/chats/{chat_id}") as answer,
    ):
        assert answer.status == 200, await answer.text()
        return cast("Json", await answer.json())


def messages_of(chat: Json) -> list[Json]:
    return cast("list[Json]", chat["messages"])


def text_of(message: Json) -> str:
    """What a message says, thoughts apart."""
    parts = cast("list[Json]", message["parts"])
    return "".join(str(part["text"]) for part in parts if part["type"] == "text")


def kinds_of(message: Json) -> list[object]:
    """The types of its parts."""
    return [part["type"] for part in cast("list[Json]", message["parts"])]
