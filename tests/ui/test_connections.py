"""A tab and its connections: cut, refused, let go while nobody looks, and taken up again without a reload."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from ..process.serving.running import Running, running  # noqa: TID252
from .browser import audit, opened
from .chatting import answered, say, scripted_binary
from .conftest import found
from .line import line

pytestmark = pytest.mark.anyio

HIDDEN_FOR_S = 11


async def test_a_server_that_goes_and_comes_back(browser: Browser, interface: None, tmp_path: Path) -> None:
    """Killed, the dot is red; back, it is green, and what has changed meanwhile is shown without a reload."""
    del interface
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(tmp_path))
        cookie = await found(first)
        port = first.url.rsplit(":", 1)[1]
        page, watch = await stack.enter_async_context(opened(browser, first.url, None, cookie))
        watch.expect("ERR_", "Failed to load resource")
        await page.goto("/ui/models")
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await expect(page.locator('[data-model="tiny-gguf"]')).to_be_visible()
        await expect(page.locator('[data-model="another"]')).to_have_count(0)
        await page.evaluate("window.mark = 1")
        first.process.send_signal(signal.SIGKILL)
        await expect(page.locator("[data-link=lost]")).to_be_visible()
        await expect(page.get_by_text("The connection to the server is lost.")).to_be_visible()
        await audit(page)
        await asyncio.to_thread(first.process.wait, 10)
        (tmp_path / "dovetail.toml").write_text("[models.another]\nurl = 'http://127.0.0.1:9/v1'\n")
        await stack.enter_async_context(running(tmp_path, ["--port", port]))
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await expect(page.locator('[data-model="another"]')).to_be_visible()
        assert await page.evaluate("window.mark") == 1


async def test_a_server_that_is_unavailable_for_a_while_is_asked_again(
    browser: Browser, server: Running, cookie: str
) -> None:
    """503 at a reconnect, for which EventSource would give up for good."""
    async with line(server.url) as way, opened(browser, way.url, None, cookie) as (page, watch):
        watch.expect("503", "ERR_")
        await page.goto("/ui/monitor")
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await page.evaluate("window.mark = 1")
        way.cut(unavailable=True)
        await expect(page.locator("[data-link=lost]")).to_be_visible()
        await way.tried_often(3)
        way.mend()
        await expect(page.locator("[data-link=live]")).to_be_visible()
        assert await page.evaluate("window.mark") == 1
        assert "/ui/monitor" in page.url


@pytest.fixture
async def paced(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server whose answers wait for a file to go."""
    del interface
    script = {"story": True, "tokens": 60, "after": 20, "hold": str(tmp_path / "hold")}
    (tmp_path / "hold").touch()
    async with running(tmp_path, environment=scripted_binary(tmp_path, script)) as server:
        yield server


async def streams(http: aiohttp.ClientSession) -> int:
    """How many event streams the server holds open."""
    async with http.get("/metrics") as answer:
        text = await answer.text()
    (value,) = re.findall(r"^dovetail_event_streams (\d+)", text, re.MULTILINE)
    return int(value)


async def hold_streams(http: aiohttp.ClientSession, wanted: int) -> None:
    async with asyncio.timeout(20):
        while await streams(http) != wanted:
            await asyncio.sleep(0.05)


async def look(page: Page, state: str) -> None:
    """Has the tab believe that it is looked at, or that it has not been for long enough to let go."""
    await page.evaluate(
        """state => {
          Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        state,
    )
    if state == "hidden":
        await page.clock.fast_forward(HIDDEN_FOR_S * 1000)
        await expect(page.locator("[data-link=paused]")).to_be_attached()


async def test_of_eight_tabs_one_is_connected(browser: Browser, paced: Running) -> None:
    """All of one profile, which has six connections to a server and no more; two of them are streams."""
    cookie = await found(paced)
    async with (
        aiohttp.ClientSession(paced.url, headers={"cookie": f"dovetail={cookie}"}) as http,
        opened(browser, paced.url, None, cookie) as (first, _),
    ):
        pages = [first, *[await first.context.new_page() for _ in range(7)]]
        for number, page in enumerate(pages):
            await page.clock.install()
            await page.goto("/ui/monitor" if number % 2 else "/ui/chat?model=tiny-gguf")
            await expect(page.locator("[data-link=live]")).to_be_visible()
            await page.evaluate("window.mark = 1")
            if page is not pages[-1]:
                await look(page, "hidden")
        await hold_streams(http, 1)
        shown = pages[-1]
        await shown.get_by_role("navigation").get_by_role("link", name="Chat").click()
        await say(shown, "Tell me a story.")
        await expect(shown.locator("[data-role=assistant] .markdown")).to_contain_text(" ")
        await hold_streams(http, 2)  # the hub and the run
        await shown.get_by_role("navigation").get_by_role("link", name="Models").click()
        await expect(shown.locator('[data-model="tiny-mlx"]')).to_be_visible()
        await hold_streams(http, 1)
        await look(shown, "hidden")
        await hold_streams(http, 0)

        # Another one is looked at again: it has what came meanwhile, and was not loaded anew.
        again = pages[0]
        await look(again, "visible")
        await expect(again.locator("[data-link=live]")).to_be_visible()
        await again.get_by_role("link", name="Tell me a story.").click()
        await expect(again.locator("[data-status=streaming] .markdown")).to_contain_text(" ")
        await hold_streams(http, 2)
        (paced.home / "hold").unlink()
        await answered(again)
        assert await again.evaluate("window.mark") == 1
