"""What is around every page: navigation, theme, language, shortcuts, and the connection."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from ..process.serving.running import Running, running  # noqa: TID252
from .browser import LOOKS, Look, audit, opened, photograph
from .conftest import Open, found

pytestmark = pytest.mark.anyio


@pytest.mark.accept("C5")
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_everybody_can_get_around(visit: Open, look: Look) -> None:
    page = (await visit("/settings/general", look)).page
    await expect(page.locator("[data-link=live]")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox")).to_be_focused()
    await audit(page)
    await photograph(page, f"palette-{look}")
    await page.get_by_role("combobox").fill("monitor")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/ui/monitor"))
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await audit(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    if look.width < 768:
        await page.get_by_role("navigation").get_by_role("button").last.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await audit(page)


async def test_the_language_changes_in_place(visit: Open) -> None:
    page = (await visit("/settings/security")).page
    draft = page.get_by_label("Password now")
    await draft.fill("not sent")
    await page.get_by_role("contentinfo").get_by_role("button", name="한국어").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("설정")
    await expect(page.get_by_label("현재 비밀번호")).to_have_value("not sent")
    assert await page.evaluate("document.documentElement.lang") == "ko"
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("설정")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_other_theme_is_ever_painted(browser: Browser, server: Running, theme: str) -> None:
    """The opposite of what the system has was chosen: it is there before the first frame."""
    other = Look(theme="dark" if theme == "light" else "light")
    async with opened(browser, server.url, other) as (page, _):
        await page.add_init_script(f"localStorage.setItem('dovetail.theme', '{theme}')")
        await page.add_init_script(
            """window.seen = []
            const look = () => {
              if (document.body) seen.push(getComputedStyle(document.documentElement).backgroundColor)
              requestAnimationFrame(look)
            }
            requestAnimationFrame(look)"""
        )
        await page.goto("/ui/login")
        await expect(page.locator("input[type=password]")).to_be_visible()
        seen = set(cast("list[str]", await page.evaluate("seen")))
        assert len(seen - {"rgba(0, 0, 0, 0)"}) == 1, seen
        assert await page.evaluate("document.documentElement.dataset.theme") == theme


@pytest.mark.accept("D7")
async def test_the_first_load_asks_nobody_else_and_no_page_may_frame_it(server: Running, visit: Open) -> None:
    at = await visit("/login", cookie=None)
    await expect(at.page.locator("input[type=password]")).to_be_visible()
    await at.page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    async with aiohttp.ClientSession(server.url) as http, http.get("/ui/") as answer:
        policy = answer.headers["content-security-policy"]
        document = await answer.text()
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", document)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', document)


async def test_a_server_that_goes_and_comes_back(browser: Browser, interface: None, tmp_path: Path) -> None:
    """Killed, the dot is red in 5 s; back, it is green in 6 s, and nothing was loaded anew."""
    del interface
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(tmp_path))
        cookie = await found(first)
        port = first.url.rsplit(":", 1)[1]
        page, watch = await stack.enter_async_context(opened(browser, first.url, None, cookie))
        watch.expect("ERR_", "Failed to load resource")
        await page.goto("/ui/settings/about")
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await page.evaluate("window.mark = 1")
        first.process.send_signal(signal.SIGKILL)
        await expect(page.locator("[data-link=lost]")).to_be_visible(timeout=5000)
        await expect(page.get_by_text("The connection to the server is lost.")).to_be_visible()
        await audit(page)
        await asyncio.to_thread(first.process.wait, 10)
        await stack.enter_async_context(running(tmp_path, ["--port", port]))
        await expect(page.locator("[data-link=live]")).to_be_visible(timeout=6000)
        assert await page.evaluate("window.mark") == 1


async def test_who_is_no_longer_known_logs_in_and_comes_back(visit: Open, server: Running, browser: Browser) -> None:
    del visit
    async with aiohttp.ClientSession(server.url) as http:
        body = {"name": "admin", "password": "correct horse battery"}
        async with http.post("/auth/login", json=body) as answer:
            cookie = answer.cookies["dovetail"].value
        async with opened(browser, server.url, None, cookie) as (page, watch):
            watch.expect("401")
            await page.goto("/ui/settings/about")
            await expect(page.locator("[data-link=live]")).to_be_visible()
            async with http.post("/auth/logout", headers={"cookie": f"dovetail={cookie}"}, json={}) as answer:
                assert answer.status == 200
            await page.get_by_role("link", name="Security").click()
            await expect(page).to_have_url(re.compile(r"/ui/login\?next=%2Fsettings%2F"))


async def test_hidden_tabs_hold_no_connection(browser: Browser, server: Running, cookie: str) -> None:
    """Eight tabs, of which one is looked at: the others let go, and come back without a reload."""
    async with AsyncExitStack() as stack:
        pages: list[Page] = []
        for _ in range(8):
            page, _watch = await stack.enter_async_context(opened(browser, server.url, None, cookie))
            await page.goto("/ui/settings/general")
            await expect(page.locator("[data-link=live]")).to_be_visible()
            pages.append(page)
        for page in pages[1:]:
            await show(page, "hidden")
        for page in pages[1:]:
            await expect(page.locator("[data-link=paused]")).to_be_attached(timeout=15_000)
        await expect(pages[0].locator("[data-link=live]")).to_be_visible()
        await show(pages[1], "visible")
        await expect(pages[1].locator("[data-link=live]")).to_be_visible()


async def show(page: Page, state: str) -> None:
    await page.evaluate(
        """state => {
          Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        state,
    )
