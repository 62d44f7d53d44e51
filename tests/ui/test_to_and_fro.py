"""A tab that is used for days: whoever goes from page to page leaves no element and no listener behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from playwright.async_api import CDPSession, Page, expect

from ..process.serving.running import Running  # noqa: TID252
from .browser import command
from .conftest import Open
from .test_chat_length import imported

pytestmark = pytest.mark.anyio
PAGES = ("Models", "Monitor", "Benchmark", "Settings", "Guide", "Chat")
ROUNDS = 5
SLACK = ROUNDS - 1  # one more for each visit of any page is a leak
WITHIN = 20.0  # seconds that what lingers for a while may take to go


async def round_of(page: Page) -> None:
    """Each page once, until it shows what it fetches; a conversation, and a menu over it."""
    for name in PAGES:
        await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page.locator("main [role=status]:not([data-testid=announcer])")).to_have_count(0)
    await page.get_by_role("link", name="message 0").first.click()
    await expect(page.locator("[data-role]")).to_have_count(12)
    await page.get_by_test_id("model-picker").click()
    await expect(page.get_by_role("option").first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)


async def kept(session: CDPSession) -> tuple[int, int]:
    """Elements and listeners that are still held on to."""
    await command(session, "HeapProfiler.collectGarbage")
    told = cast("dict[str, list[dict[str, Any]]]", await command(session, "Performance.getMetrics"))
    found = {one["name"]: int(one["value"]) for one in told["metrics"]}
    return found["Nodes"], found["JSEventListeners"]


async def test_nothing_is_left_of_pages_that_were_seen(visit: Open, server: Running, cookie: str) -> None:
    await imported(server, cookie, 12)
    page = (await visit("/chat")).page
    session = await page.context.new_cdp_session(page)
    await command(session, "Performance.enable")
    for _ in range(2):  # what is fetched and made once is there then
        await round_of(page)
    before = await kept(session)
    for _ in range(ROUNDS):
        await round_of(page)
    more = await grown(session, before)
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN):
            while max(more) > SLACK:
                await page.wait_for_timeout(100)
                more = await grown(session, before)
    assert max(more) <= SLACK, f"elements and listeners more than before, after {ROUNDS} rounds: {more}"


async def grown(session: CDPSession, before: tuple[int, int]) -> tuple[int, int]:
    nodes, listeners = await kept(session)
    return nodes - before[0], listeners - before[1]
