"""Settings, Data: conversations out, gone, and in again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from ..process.serving.running import Running  # noqa: TID252
from .browser import audit, opened
from .chatting import Json
from .test_chat_files import member

pytestmark = pytest.mark.anyio


async def titles(server: Running, cookie: str) -> list[str]:
    """Of an account's conversations."""
    async with (
        aiohttp.ClientSession(server.url, cookies={"dovetail": cookie}) as http,
        http.get("/api/v1/chats") as answer,
    ):
        return sorted(str(chat["title"]) for chat in cast("list[Json]", (await answer.json())["data"]))


async def test_conversations_come_out_of_a_file_and_all_can_be_deleted(
    browser: Browser, server: Running, cookie: str, tmp_path: Path
) -> None:
    file = tmp_path / "chats.jsonl"
    said = [{"messages": [{"role": "user", "content": f"number {number}"}]} for number in range(60)]
    file.write_text("\n".join(json.dumps(one) for one in said))
    async with member(server, cookie, "tidy") as session, opened(browser, server.url, cookie=session) as (page, watch):
        await page.goto("/ui/settings/data")
        await page.get_by_test_id("import-chats").set_input_files(file)
        await expect(page.get_by_text("60 conversations imported")).to_be_visible()
        assert "number 59" in await titles(server, session)
        await page.get_by_role("link", name="Chat", exact=True).click()
        await page.get_by_text("number 59", exact=True).first.click()
        await expect(page.get_by_test_id("user-text")).to_have_text("number 59")
        await page.get_by_role("link", name="Settings", exact=True).click()
        await page.get_by_role("link", name="Data", exact=True).click()
        await page.get_by_role("button", name="Delete all").click()
        dialog = page.get_by_role("dialog")
        await audit(page)
        await expect(dialog.get_by_role("button", name="Delete all")).to_be_disabled()
        await dialog.get_by_label("Type").fill("delete")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.method == "DELETE" else None)
        await dialog.get_by_role("button", name="Delete all").click()
        await expect(dialog).to_have_count(0)
        assert await titles(server, session) == []
        assert asked == [f"{server.url}/api/v1/chats"]
        # What the page has seen of it is gone too.
        watch.expect("404")
        await page.go_back()
        await page.go_back()
        await expect(page.get_by_role("alert").filter(has_text="Something went wrong")).to_be_visible()
        await expect(page.get_by_test_id("user-text")).to_have_count(0)
