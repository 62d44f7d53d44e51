"""Answers while they are written: at a fixed rate, over reloads and cuts, with a reader who scrolls, stopped."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from ..process.serving.running import Running, running  # noqa: TID252
from .browser import opened
from .chatting import answered, chat_of, messages_of, say, scripted_binary, text_of

pytestmark = pytest.mark.anyio

# Eight seconds at 50 tokens a second, after a load and a prompt that take long enough to be seen.
SCRIPT = {"story": True, "tokens": 400, "interval_ms": 20.0, "load_ms": 1500.0, "prefill_ms": 600.0}


@pytest.fixture
async def paced(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server whose GGUF models write at a fixed rate, without accounts."""
    del interface
    async with running(tmp_path, environment=scripted_binary(tmp_path, SCRIPT)) as server:
        yield server


@pytest.fixture
async def page(paced: Running, browser: Browser) -> AsyncGenerator[Page]:
    """The chat page of that server, with a script that notes every phase that is shown."""
    async with opened(browser, paced.url) as (page, watch):
        watch.expect("ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
        await page.add_init_script(
            "localStorage.setItem('dovetail.setup', 'skipped');"
            "window.phases = [];"
            "new MutationObserver(() => {"
            "  const line = document.querySelector('[data-testid=phase]');"
            "  if (line) window.phases.push([line.dataset.phase, line.textContent]);"
            "}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });"
        )
        await page.goto("/ui/chat?model=tiny-gguf")
        await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message tiny-gguf")
        yield page


async def begun(page: Page) -> None:
    """Waits until words of the answer are there."""
    await expect(page.locator("[data-role=assistant] .markdown")).to_contain_text(" ", timeout=30_000)


async def scrolls(page: Page, is_there: Callable[[float], bool]) -> None:
    """Waits until the place in the list is one that is waited for."""
    async with asyncio.timeout(60):
        while not is_there(float(await page.get_by_role("log").evaluate("box => box.scrollTop"))):
            await page.wait_for_timeout(200)


async def same_as_kept(page: Page, server: Running) -> None:
    """What the page shows is what the server keeps, character by character, and there is one answer."""
    answers = [one for one in messages_of(await chat_of(server, page)) if one["role"] == "assistant"]
    assert len(answers) == 1
    kept = text_of(answers[0])
    seen = await page.locator("[data-role=assistant] .markdown").inner_text()
    assert len(kept.split()) == SCRIPT["tokens"]
    assert hashlib.sha256(seen.strip().encode()).digest() == hashlib.sha256(kept.strip().encode()).digest()


async def test_phases_come_in_order_with_their_numbers(page: Page, paced: Running) -> None:
    await say(page, "Tell me a story.")
    await answered(page)
    seen: list[tuple[str, str]] = await page.evaluate("window.phases")
    order = list(dict.fromkeys(phase for phase, _ in seen))
    assert [phase for phase in order if phase != "queued"] == ["starting", "loading", "reading", "answering"]
    said = dict(seen)
    assert "tokens" in said["reading"]
    assert "tok/s" in said["answering"]
    await same_as_kept(page, paced)


async def test_a_reload_and_a_closed_tab_lose_nothing(page: Page, paced: Running, browser: Browser) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    run = messages_of(await chat_of(paced, page))[-1]["run_id"]
    await page.reload()
    await begun(page)
    address = page.url
    await page.close()
    async with opened(browser, paced.url) as (other, _):
        await other.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await other.goto(address)
        await answered(other)
        await same_as_kept(other, paced)
        assert messages_of(await chat_of(paced, other))[-1]["run_id"] == run


async def test_a_connection_that_is_cut_is_taken_up_where_it_was(page: Page, paced: Running) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    await page.context.set_offline(True)
    await page.wait_for_timeout(500)
    await page.context.set_offline(False)
    await answered(page)
    await same_as_kept(page, paced)


async def test_stop_keeps_what_there_is_and_frees_the_model(page: Page, paced: Running) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    await page.keyboard.press("Escape")
    answer = page.locator("[data-role=assistant]")
    await expect(answer).to_have_attribute("data-status", "stopped")
    await expect(page.get_by_test_id("send")).to_be_visible()
    kept = messages_of(await chat_of(paced, page))[-1]
    assert kept["status"] == "stopped"
    assert 0 < len(text_of(kept).split()) < SCRIPT["tokens"]
    await expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    await expect(page.get_by_role("button", name="Continue")).to_be_visible()


async def test_who_has_scrolled_up_is_left_alone(page: Page) -> None:
    await page.set_viewport_size({"width": 800, "height": 420})
    await say(page, "Tell me a story.")
    box = page.get_by_role("log")
    await scrolls(page, lambda top: top > 200)
    await box.hover()
    await page.mouse.wheel(0, -150)
    await expect(box).to_have_attribute("data-stuck", "false")
    before = [-1.0]

    def rests(top: float) -> bool:
        before.append(top)
        return before[-2] == top

    await scrolls(page, rests)
    top = await box.evaluate("box => box.scrollTop")
    await answered(page)
    assert await box.evaluate("box => box.scrollTop") == top
    pill = page.get_by_test_id("to-end")
    await expect(pill).to_have_text("New text")
    await pill.click()
    await expect(box).to_have_attribute("data-stuck", "true")
    await expect(pill).to_be_hidden()
    assert await box.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight < 2")


async def test_the_same_elements_before_and_after_the_end(page: Page) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    answer = page.locator("[data-role=assistant] .markdown > *").first
    await answer.evaluate("element => { element.mark = 'same' }")
    await answered(page)
    assert await answer.evaluate("element => element.mark") == "same"


async def test_another_conversation_can_be_read_meanwhile(page: Page, paced: Running) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    await page.get_by_test_id("new-chat").click()
    await expect(page.get_by_text("What would you like to know?")).to_be_visible()
    item = page.locator("[data-chat]").first
    await expect(item.get_by_role("img", name="An answer is being written")).to_be_visible()
    await expect(item.get_by_role("img", name="An answer is being written")).to_have_count(0, timeout=60_000)
    await item.get_by_role("link").click()
    await answered(page)
    await same_as_kept(page, paced)
