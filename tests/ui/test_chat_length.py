"""Long conversations: only what is in sight is there, and one that becomes long is not drawn anew meanwhile."""

from __future__ import annotations

import json
from typing import cast

import aiohttp
import pytest
from playwright.async_api import expect

from ..process.serving.running import Running  # noqa: TID252
from .chatting import answered, say
from .conftest import Open

pytestmark = pytest.mark.anyio
MANY = 200


async def imported(server: Running, cookie: str, messages: int) -> str:
    """A conversation of so many messages; its id."""
    said = [{"role": "assistant" if n % 2 else "user", "content": f"message {n}"} for n in range(messages)]
    data, kind = json.dumps({"messages": said}), {"content-type": "application/octet-stream"}
    async with (
        aiohttp.ClientSession(server.url, cookies={"dovetail": cookie}) as http,
        http.post("/api/v1/chats/import", data=data, headers=kind) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return cast("list[str]", (await answer.json())["chats"])[0]


@pytest.mark.accept("C1")
async def test_a_conversation_that_becomes_long_keeps_what_is_in_sight(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit(f"/chat/{await imported(server, cookie, MANY)}")).page
    await expect(page.locator("[data-role]")).to_have_count(MANY)
    await page.evaluate("window.kept = [...document.querySelectorAll('[data-role]')].at(-1)")
    await say(page, "one more")
    await answered(page, MANY // 2 + 1)
    assert await page.evaluate("window.kept.isConnected")


async def test_of_a_conversation_that_is_long_only_what_is_in_sight_is_there(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit(f"/chat/{await imported(server, cookie, MANY + 2)}")).page
    await expect(page.locator("#messages").get_by_text(f"message {MANY + 1}", exact=True)).to_be_in_viewport()
    assert await page.locator("[data-role]").count() < MANY // 4
    await page.locator("#messages").press("Home")
    await expect(page.locator("#messages").get_by_text("message 0", exact=True)).to_be_in_viewport()
    assert await page.locator("[data-role]").count() < MANY // 4
