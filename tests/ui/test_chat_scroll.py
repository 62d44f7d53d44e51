"""The list while an answer is written: each way in which a reader leaves its end is the reader's, and nothing moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from ..process.serving.running import Running, running  # noqa: TID252
from .browser import PATIENCE_MS, command, opened
from .chatting import resting, say, scripted_binary

pytestmark = pytest.mark.anyio


@pytest.fixture
async def endless(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server that writes on and on, for longer than anybody looks."""
    del interface
    script = {"story": True, "tokens": 6000, "interval_ms": 30.0, "context": 8192}
    async with running(tmp_path, environment=scripted_binary(tmp_path, script)) as server:
        yield server


async def by_finger(page: Page) -> None:
    touch = await page.context.new_cdp_session(page)
    await command(touch, "Emulation.setTouchEmulationEnabled", {"enabled": True})
    for y in range(120, 220, 10):
        kind = "touchStart" if y == 120 else "touchMove"
        await command(touch, "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 240, "y": y}]})
    await command(touch, "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await touch.detach()


async def by_mark(page: Page) -> None:
    """Nothing is scrolled; what is being marked must not move away from under the mouse."""
    await page.mouse.move(100, 180)
    await page.mouse.down()
    await page.mouse.move(300, 220, steps=4)
    await page.mouse.up()
    assert await page.evaluate("getSelection().toString().length") > 10


async def by_wheel(page: Page) -> None:
    await page.get_by_role("log").hover()
    await page.mouse.wheel(0, -30)


async def go(page: Page, way: str) -> None:
    ways = {"finger": by_finger, "mark": by_mark, "wheel": by_wheel}
    if way in ways:
        await ways[way](page)
    else:
        await page.get_by_role("log").press(way)


async def words(page: Page) -> int:
    return len((await page.locator("[data-role=assistant] .markdown").inner_text()).split())


async def grows(page: Page, by: int) -> None:
    """Waits until the answer has so many more words."""
    wanted = await words(page) + by
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await words(page) < wanted:
            await page.wait_for_timeout(50)


async def test_every_way_up_leaves_the_reader_alone(endless: Running, browser: Browser) -> None:
    async with opened(browser, endless.url) as (page, _):
        await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await page.set_viewport_size({"width": 480, "height": 420})
        await page.goto("/ui/chat?model=tiny-gguf")
        await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message tiny-gguf")
        await say(page, "Tell me a story.")
        box, pill = page.get_by_role("log"), page.get_by_test_id("to-end")
        await expect(page.locator("[data-role=assistant] .markdown")).to_contain_text(" ")
        await grows(page, 150)
        for way in ("wheel", "PageUp", "ArrowUp", "Shift+Space", "Home", "finger", "mark"):
            await expect(box).to_have_attribute("data-stuck", "true")
            await go(page, way)
            top = await resting(page)
            await grows(page, 20)
            assert await box.evaluate("box => box.scrollTop") == top, way
            await expect(pill).to_have_text("New text")
            await pill.click()
        await go(page, "PageUp")
        top = await resting(page)
        await page.keyboard.press("Escape")
        await expect(page.locator("[data-role=assistant]")).to_have_attribute("data-status", "stopped")
        assert await resting(page) == top
