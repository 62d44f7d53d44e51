"""Each page for each role: nothing is asked for that is not theirs, and what is not shown is said."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, Response, expect

from ..process.serving.running import Running  # noqa: TID252
from .browser import Look, all_korean, audit, opened, photograph
from .test_chat_files import member

pytestmark = pytest.mark.anyio

SECTIONS = ("general", "chat", "models", "server", "security", "data", "about")
PAGES = (
    "/chat",
    "/models",
    "/models?m=tiny-gguf",
    "/models?m=tiny-mlx&part=check",
    "/monitor",
    "/bench",
    "/bench?tab=test",
    "/guide",
    *(f"/settings/{section}" for section in SECTIONS),
)
# Nothing was asked for within the last moments; the stream of events, which goes on, does not count.
QUIET = """new Promise((told) => {
  const look = () => {
    const busy = performance.getEntriesByType('resource').some((one) => performance.now() - one.responseEnd < 300)
    busy ? requestAnimationFrame(look) : told()
  }
  look()
})"""


async def there(page: Page, path: str) -> None:
    """Opens a page and waits until it has all that it asks for."""
    await page.goto(f"/ui{path}")
    await expect(page.locator("[data-link=live]")).to_be_visible()
    await expect(page.locator("main h1")).to_be_attached()
    await page.evaluate(QUIET)


@pytest.mark.parametrize("role", ["viewer", "member", "admin", "super-admin"])
async def test_nothing_is_asked_for_that_is_refused(browser: Browser, server: Running, cookie: str, role: str) -> None:
    if role == "super-admin":
        await walk(browser, server, cookie)
        return
    async with member(server, cookie, f"walking-{role}", role) as session:
        await walk(browser, server, session)


async def walk(browser: Browser, server: Running, session: str) -> None:
    """Through every page; what the browser logs as an error fails it too."""
    refused: list[str] = []

    def see(response: Response) -> None:
        if not response.ok and response.status != 304:
            refused.append(f"{response.status} {response.request.method} {response.url}")

    async with opened(browser, server.url, cookie=session) as (page, _):
        page.on("response", see)
        for path in PAGES:
            await there(page, path)
            assert refused == [], path


@pytest.mark.parametrize("look", [Look(), Look("dark", "ko", 390)], ids=str)
async def test_the_test_bench_is_no_form_for_a_viewer(
    browser: Browser, server: Running, cookie: str, look: Look
) -> None:
    async with (
        member(server, cookie, "watching", "viewer") as session,
        opened(browser, server.url, look, session) as (page, _),
    ):
        await there(page, "/bench?tab=test")
        await expect(page.get_by_role("tabpanel").get_by_role("textbox")).to_have_count(0)
        await expect(page.get_by_role("tabpanel").get_by_role("button")).to_have_count(0)
        await audit(page)
        await photograph(page, f"test-bench-viewer-{look}")
        await there(page, "/bench")
        await audit(page)
        if look.language == "ko":
            await all_korean(page)
        else:
            await expect(page.get_by_text("How far one is while it runs is shown to them")).to_be_visible()


async def test_a_member_of_the_test_bench_is_not_asked_for_load_options(
    browser: Browser, server: Running, cookie: str
) -> None:
    async with member(server, cookie, "asking") as session, opened(browser, server.url, cookie=session) as (page, _):
        await there(page, "/bench?tab=test")
        await page.get_by_role("button", name="Settings", exact=True).click()
        dialog = page.get_by_role("dialog", name="What to test")
        await expect(dialog.get_by_text("are set by admins")).to_be_visible()
        await expect(dialog.get_by_label("Context size")).to_have_count(0)
        await dialog.get_by_role("combobox").click()
        await page.get_by_role("option", name="tiny-gguf").first.click()
        await dialog.get_by_role("button", name="Save settings").click()
        await page.get_by_label("Question").fill("What is the capital of France?")
        await page.keyboard.press("Enter")
        await expect(page.locator('li[data-state="done"]')).to_contain_text("Paris")
