"""What is around every page: navigation, theme, language, shortcuts, and the connection."""

from __future__ import annotations

import re
from typing import cast

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, opened, photograph
from .conftest import Open

pytestmark = pytest.mark.anyio

# Kept once there is something to see, which may be a moment behind its being in the document.
PAINTED = """new Promise(told => new PerformanceObserver(painted => {
  if (painted.getEntriesByName('first-contentful-paint').length > 0) told();
}).observe({ type: 'paint', buffered: true }))"""


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
    if look.language == "ko":
        await all_korean(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    if look.width < 768:
        await page.get_by_role("navigation").get_by_role("button").last.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await audit(page)


async def test_models_and_conversations_are_found_by_what_is_said_in_them(
    visit: Open, server: Running, cookie: str
) -> None:
    async with aiohttp.ClientSession(server.url, cookies={"dovetail": cookie}) as http:
        async with http.post("/api/v1/chats", json={"title": "Of animals", "model": "tiny-gguf"}) as made:
            chat = str((await made.json())["id"])
        said = {"parent_id": None, "role": "user", "parts": [{"type": "text", "text": "An okapi is no giraffe."}]}
        async with http.post(f"/api/v1/chats/{chat}/messages", json=said) as made:
            assert made.status == 200
    page = (await visit("/guide")).page
    box = page.get_by_role("combobox", name="Command palette")
    await expect(page.locator("[data-link=live]")).to_be_visible()
    await page.keyboard.press("Control+k")
    await box.fill("nobody has said this")
    await expect(page.get_by_text("Nothing matches")).to_be_visible()
    await box.fill("okapi")
    await expect(page.get_by_role("option", name="Of animals")).to_be_visible()
    await audit(page)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/ui/chat/{chat}"))
    await expect(page.get_by_test_id("user-text")).to_have_text("An okapi is no giraffe.")
    await page.keyboard.press("Control+k")
    await box.fill("tiny-mlx")
    await expect(page.get_by_role("option", name="tiny-mlx")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/ui/models\?m=tiny-mlx"))
    await expect(page.get_by_role("dialog", name="tiny-mlx")).to_be_visible()


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
    await at.page.evaluate(PAINTED)
    async with aiohttp.ClientSession(server.url) as http, http.get("/ui/") as answer:
        policy = answer.headers["content-security-policy"]
        document = await answer.text()
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", document)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', document)


async def test_a_page_that_cannot_be_fetched_leaves_the_rest(visit: Open) -> None:
    at = await visit("/settings/general")
    at.watch.expect("ERR_FAILED", "could not be fetched")
    await expect(at.page.get_by_role("button", name="Account: admin")).to_be_visible()
    await at.page.evaluate("window.mark = 1")
    await at.page.route("**/ui/assets/**", lambda route: route.abort())
    await at.page.get_by_role("link", name="Benchmark").first.click()
    await expect(at.page.get_by_role("alert")).to_contain_text("This page could not be fetched")
    await audit(at.page)
    await at.page.route("**/health", lambda route: route.abort())
    await at.page.get_by_role("button", name="Reload").click()
    await expect(at.page.get_by_text("The server does not answer. Check that it runs").first).to_be_visible()
    assert await at.page.evaluate("window.mark") == 1
    await at.page.unroute_all()
    await at.page.get_by_role("button", name="Reload").click()
    await expect(at.page.get_by_role("heading", level=1)).to_have_text("Benchmark")


async def test_nothing_is_left_of_whoever_logs_out(browser: Browser, server: Running, cookie: str) -> None:
    del cookie
    async with aiohttp.ClientSession(server.url) as http:
        body = {"name": "admin", "password": canaries.PASSWORD}
        async with http.post("/auth/login", json=body) as answer:
            session = answer.cookies["dovetail"].value
    async with opened(browser, server.url, None, session) as (page, _):
        await page.goto("/ui/guide")
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await page.evaluate("window.mark = 1")
        await page.get_by_role("button", name="Account: admin").click()
        await expect(page.get_by_role("menuitemradio", name="English", checked=True)).to_be_visible()
        await page.get_by_role("menuitem", name="Log out").click()
        await expect(page).to_have_url(re.compile("/ui/login$"))
        await expect(page.locator("input[type=password]")).to_be_visible()
        assert await page.evaluate("window.mark === undefined")
