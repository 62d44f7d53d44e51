"""What opens over a page is for everybody too: each kind of menu, select and popover that it has, audited open."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from playwright.async_api import Page, expect

from ..process.serving.running import Running  # noqa: TID252
from .browser import LOOKS, OPENED, Look, audit_opened
from .conftest import Open

pytestmark = pytest.mark.anyio

PAGES = ("/chat/{chat}", "/models", "/monitor", "/bench", "/guide", "/settings/general", "/settings/security")
# Marks one of each kind: those of one class open the same.
MARK = """() => {
  const kinds = new Set()
  for (const one of document.querySelectorAll('[aria-haspopup]:not([aria-haspopup=false])')) {
    const kind = `${one.getAttribute('aria-haspopup')} ${one.className}`
    if (kinds.has(kind) || one.disabled || !one.checkVisibility()) continue
    one.dataset.opens = kinds.size
    kinds.add(kind)
  }
  return kinds.size
}"""


@pytest.fixture
async def talk(server: Running, cookie: str) -> str:
    """A conversation of two messages."""
    async with aiohttp.ClientSession(server.url, cookies={"dovetail": cookie}) as http:
        async with http.post("/api/v1/chats", json={"title": "To be looked at", "model": "tiny-gguf"}) as made:
            chat = str((await made.json())["id"])
        parent: str | None = None
        for role in ("user", "assistant"):
            body = {"parent_id": parent, "role": role, "parts": [{"type": "text", "text": "Hello."}]}
            async with http.post(f"/api/v1/chats/{chat}/messages", json=body) as made:
                parent = (await made.json())["message"]["id"]
        return chat


@pytest.mark.accept("C5")
@pytest.mark.parametrize("look", [look for look in LOOKS if look.theme == "light"], ids=str)
@pytest.mark.parametrize("path", PAGES)
async def test_what_opens_over_a_page(visit: Open, talk: str, path: str, look: Look) -> None:
    page = (await visit(path.format(chat=talk), look)).page
    await expect(page.locator("[data-link=live]")).to_be_attached()
    await expect(page.locator("main h1")).to_be_attached()
    await expect(page.locator("main [role=status]:not([data-testid=announcer])")).to_have_count(0)
    if path.startswith("/chat"):
        await expect(page.locator("[data-role=assistant]")).to_be_visible()
        await page.locator("[data-role=assistant]").hover()
    count = 0
    async with asyncio.timeout(20):  # a part of the page may come late
        while not count:
            count = int(await page.evaluate(MARK))
            await page.wait_for_timeout(50)
    for number in range(count):
        await page.locator(f'[data-opens="{number}"]').click()
        await opened_and_closed(page, look)


async def opened_and_closed(page: Page, look: Look) -> None:
    open_now = page.locator(OPENED).filter(visible=True)
    await expect(open_now.first).to_be_visible()
    await audit_opened(page, look)
    await page.keyboard.press("Escape")
    await expect(open_now).to_have_count(0)
