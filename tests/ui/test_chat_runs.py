"""Answers while they are written: held where a test wants them, reloaded, cut, stopped, and read by who scrolls."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, Request, Route, expect

from ..process.serving.running import Running, running  # noqa: TID252
from .browser import opened
from .chatting import Json, answered, chat_of, messages_of, resting, say, scripted_binary, text_of
from .line import Line, line

pytestmark = pytest.mark.anyio

# Words enough to fill a small window, the last of which come when the test says so.
TOKENS, HELD_AT = 400, 300
SCRIPT = {"story": True, "tokens": TOKENS, "after": HELD_AT, "interval_ms": 2.0, "load_ms": 400.0, "prefill_ms": 200.0}


@pytest.fixture(scope="module")
def held_by(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that holds every answer while it exists."""
    return tmp_path_factory.mktemp("held") / "hold"


@pytest.fixture(scope="module")
async def paced(interface: None, tmp_path_factory: pytest.TempPathFactory, held_by: Path) -> AsyncGenerator[Running]:
    """A server whose GGUF models write a story at a fixed rate, without accounts."""
    del interface
    home = tmp_path_factory.mktemp("paced")
    async with running(home, environment=scripted_binary(home, {**SCRIPT, "hold": str(held_by)})) as server:
        yield server


@pytest.fixture
def hold(held_by: Path) -> Iterator[Path]:
    """No answer of this test goes on behind word `HELD_AT` before the file is removed."""
    held_by.touch()
    yield held_by
    held_by.unlink(missing_ok=True)


@pytest.fixture
async def page(paced: Running, browser: Browser) -> AsyncGenerator[Page]:
    """The chat page of that server."""
    async with opened(browser, paced.url) as (page, _):
        await ready(page)
        yield page


async def ready(page: Page) -> None:
    """Opens the chat page, with a script that notes every phase that is shown."""
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


async def answer_of(server: Running, page: Page) -> Json:
    """The one answer of the conversation, as the server has it."""
    (found,) = (one for one in messages_of(await chat_of(server, page)) if one["role"] == "assistant")
    return found


async def written(server: Running, page: Page, words: int) -> None:
    """Waits until the server has so many words of the answer."""
    async with asyncio.timeout(30):
        while len(text_of(await answer_of(server, page)).split()) < words:
            await page.wait_for_timeout(50)


async def begun(page: Page) -> None:
    """Waits until words of the answer are there."""
    await expect(page.locator("[data-role=assistant] .markdown")).to_contain_text(" ", timeout=30_000)


async def scrolls(page: Page, is_there: Callable[[float], bool]) -> None:
    """Waits until the place in the list is one that is waited for."""
    async with asyncio.timeout(60):
        while not is_there(float(await page.get_by_role("log").evaluate("box => box.scrollTop"))):
            await page.wait_for_timeout(50)


async def same_as_kept(page: Page, server: Running) -> None:
    """What the page shows is what the server keeps, character by character, and there is one answer."""
    kept = text_of(await answer_of(server, page))
    seen = await page.locator("[data-role=assistant] .markdown").inner_text()
    assert len(kept.split()) == TOKENS
    assert hashlib.sha256(seen.strip().encode()).digest() == hashlib.sha256(kept.strip().encode()).digest()


async def test_phases_come_in_order_with_their_numbers_and_are_not_read_out(page: Page, paced: Running) -> None:
    async with aiohttp.ClientSession(paced.url) as http, http.post("/api/v1/models/tiny-gguf/unload") as done:
        assert done.status in {200, 400}, await done.text()  # it may never have been loaded
    await say(page, "Tell me a story.")
    await answered(page)
    seen: list[tuple[str, str]] = await page.evaluate("window.phases")
    order = list(dict.fromkeys(phase for phase, _ in seen))
    assert [phase for phase in order if phase != "queued"] == ["starting", "loading", "reading", "answering"]
    said = dict(seen)
    assert said["loading"].startswith("Loading tiny-gguf")
    assert re.search(r"8 of 8 tokens", said["reading"])
    assert re.search(r"\d+ tokens · [\d,.]+ tok/s", said["answering"])
    await same_as_kept(page, paced)


async def test_how_far_a_load_is_is_said_as_the_server_tells_it(page: Page, hold: Path) -> None:
    numbers = ("position", "wait", "total", "cached", "done", "tokens", "per_second")
    event = {"seq": 1, "type": "phase", "phase": "loading", "model": "tiny-gguf", "progress": 0.425}
    body = f"id: 1\ndata: {json.dumps({**dict.fromkeys(numbers), **event})}\n\n"

    async def tell(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    await page.route("**/api/v1/runs/*/events*", tell)
    await say(page, "Tell me a story.")
    async with asyncio.timeout(30):
        while ["loading", "Loading tiny-gguf: 43%"] not in await page.evaluate("window.phases"):
            await page.wait_for_timeout(50)
    await page.unroute_all()
    hold.unlink()
    await answered(page)


async def test_a_beginning_and_an_end_are_read_out_and_no_word_between(page: Page, hold: Path) -> None:
    await page.evaluate(
        "window.heard = []; new MutationObserver(() => {"
        "  const said = document.querySelector('[data-testid=announcer]')?.textContent ?? '';"
        "  if (said !== '' && said !== heard.at(-1)) heard.push(said)"
        "}).observe(document, { subtree: true, childList: true, characterData: true })"
    )
    await say(page, "Tell me a story.")
    await begun(page)
    # What is around the text is no live region, and the one that holds all messages says so.
    around = await page.locator("[data-role=assistant] .markdown").evaluate(
        "element => { const found = []; for (let at = element; at !== null; at = at.parentElement) {"
        " const live = at.getAttribute('aria-live'), role = at.getAttribute('role');"
        " if (live !== null || ['log', 'status', 'alert', 'timer'].includes(role)) found.push([role, live]) }"
        " return found }"
    )
    assert around == [["log", "off"]]
    hold.unlink()
    await answered(page)
    await expect(page.get_by_test_id("announcer")).to_have_text("The answer is complete.")
    assert await page.evaluate("window.heard") == ["The model is answering.", "The answer is complete."]


async def test_a_reload_and_a_closed_tab_lose_nothing(page: Page, paced: Running, browser: Browser, hold: Path) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    run = (await answer_of(paced, page))["run_id"]
    await page.reload()
    await begun(page)
    address = page.url
    await page.close()
    async with opened(browser, paced.url) as (other, _):
        await other.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await other.goto(address)
        await begun(other)
        hold.unlink()
        await answered(other)
        await same_as_kept(other, paced)
        assert (await answer_of(paced, other))["run_id"] == run


@pytest.fixture
async def way(paced: Running) -> AsyncGenerator[Line]:
    """A way to that server which can be cut."""
    async with line(paced.url) as made:
        yield made


async def test_a_way_that_is_cut_for_long_is_taken_up_where_it_was(
    paced: Running, browser: Browser, hold: Path, way: Line
) -> None:
    """For as long as the page needs to try in vain three times, while the server writes on."""
    async with opened(browser, way.url) as (page, watch):
        watch.expect("ERR_")
        asked: list[Request] = []
        page.on("request", lambda one: asked.append(one))  # noqa: PLW0108  a bound method of a list takes no mark
        await ready(page)
        await say(page, "Tell me a story.")
        await begun(page)
        run = (await answer_of(paced, page))["run_id"]
        await written(paced, page, HELD_AT)
        way.cut()
        hold.unlink()
        await expect(page.get_by_test_id("phase")).to_contain_text("The connection is lost.")
        await written(paced, page, TOKENS)
        await way.tried_often(3)
        assert len((await page.locator("[data-role=assistant] .markdown").inner_text()).split()) <= HELD_AT
        way.mend()
        await answered(page)
        await same_as_kept(page, paced)
        assert (await answer_of(paced, page))["run_id"] == run
        assert len([one for one in asked if one.method == "POST" and one.url.endswith("/runs")]) == 1
        listened = [one.url for one in asked if "/events?after=" in one.url]
        assert not listened[-1].endswith("after=0"), "the rest alone is asked for"


async def test_stop_keeps_what_there_is_and_frees_the_model(page: Page, paced: Running, hold: Path) -> None:
    del hold
    await say(page, "Tell me a story.")
    await begun(page)
    async with page.expect_response("**/cancel") as cancelled:
        await page.keyboard.press("Escape")
    assert (await (await cancelled.value).json())["message"]["status"] == "stopped"
    async with aiohttp.ClientSession(paced.url) as http, http.get("/api/v1/requests") as under_way:
        assert (await under_way.json())["data"] == []
    await expect(page.locator("[data-role=assistant]")).to_have_attribute("data-status", "stopped")
    await expect(page.get_by_test_id("send")).to_be_visible()
    kept = await answer_of(paced, page)
    assert kept["status"] == "stopped"
    assert 0 < len(text_of(kept).split()) < TOKENS
    await expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    await expect(page.get_by_role("button", name="Continue")).to_be_visible()


async def test_who_has_scrolled_up_is_left_alone(page: Page, hold: Path) -> None:
    await page.set_viewport_size({"width": 480, "height": 420})
    await say(page, "Tell me a story.")
    box = page.get_by_role("log")
    await scrolls(page, lambda top: top > 200)
    await box.hover()
    await page.mouse.wheel(0, -150)
    await expect(box).to_have_attribute("data-stuck", "false")
    top = await resting(page)
    hold.unlink()
    await answered(page)
    assert await box.evaluate("box => box.scrollTop") == top
    pill = page.get_by_test_id("to-end")
    await expect(pill).to_have_text("New text")
    # The end is reached by the wheel or by the pill: from then on it is followed again.
    await page.mouse.wheel(0, 10_000)
    await expect(box).to_have_attribute("data-stuck", "true")
    await expect(pill).to_be_hidden()
    await page.mouse.wheel(0, -150)
    await expect(pill).to_be_visible()
    await pill.click()
    await expect(box).to_have_attribute("data-stuck", "true")
    await expect(pill).to_be_hidden()
    assert await box.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight < 2")


async def test_the_same_elements_before_and_after_the_end(page: Page, hold: Path) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    answer = page.locator("[data-role=assistant] .markdown > *").first
    await answer.evaluate("element => { element.mark = 'same' }")
    hold.unlink()
    await answered(page)
    assert await answer.evaluate("element => element.mark") == "same"


async def test_another_conversation_can_be_read_meanwhile(page: Page, paced: Running, hold: Path) -> None:
    await say(page, "Tell me a story.")
    await begun(page)
    await page.get_by_test_id("new-chat").click()
    await expect(page.get_by_text("What would you like to know?")).to_be_visible()
    item = page.locator("[data-chat]").first
    await expect(item.get_by_role("img", name="An answer is being written")).to_be_visible()
    hold.unlink()
    await expect(item.get_by_role("img", name="An answer is being written")).to_have_count(0, timeout=60_000)
    await item.get_by_role("link").click()
    await answered(page)
    await same_as_kept(page, paced)
