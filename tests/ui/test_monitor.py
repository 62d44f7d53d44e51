"""The monitor: figures and charts of now, requests and models to act on, and a log of any length."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from playwright.async_api import Browser, Page, Route, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, entered, opened, photograph
from .chatting import scripted_binary
from .conftest import Open, found

pytestmark = pytest.mark.anyio

LINES = 104_233
KEPT = 100_000
AT_END = """() => {
  const rows = document.querySelector('[data-testid=log-rows]')
  return rows.scrollHeight > 800 && rows.scrollHeight - rows.scrollTop - rows.clientHeight < 1
}"""
LONG = {
    "model": "tiny-gguf",
    "stream": True,
    "max_tokens": 4000,
    "ignore_eos": True,
    "messages": [{"role": "user", "content": "Tell me a story."}],
}


@pytest.fixture
async def paced(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server whose GGUF models write at a fixed rate, for as long as somebody looks."""
    del interface
    script = {"tokens": 4000, "interval_ms": 20.0}
    async with running(tmp_path, environment=scripted_binary(tmp_path, script)) as server:
        yield server


@asynccontextmanager
async def logged_in(server: Running, cookie: str) -> AsyncGenerator[aiohttp.ClientSession]:
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        yield http


async def figures(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get("/metrics?format=json") as answer:
        return cast("dict[str, Any]", await answer.json())


def event(seq: int, topic: str, kind: str, data: object) -> str:
    return f"id: {seq}\ndata: {json.dumps({'seq': seq, 'topic': topic, 'type': kind, 'data': data})}\n\n"


async def told(page: Page, events: list[str]) -> None:
    """Has the page's event stream say these, once it listens to all that the page wants; after them nothing."""

    async def answer(route: Route) -> None:
        topics = parse_qs(urlsplit(route.request.url).query)["topics"][0].split(",")
        body = "".join(each for each in events if any(f'"topic": "{topic}"' in each[:160] for topic in topics))
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    await page.route("**/api/v1/events*", answer)


@pytest.mark.accept("C4", "L1", "V5")
async def test_a_request_is_seen_cancelled_and_its_model_unloaded(paced: Running, browser: Browser) -> None:
    cookie = await found(paced)
    async with opened(browser, paced.url, cookie=cookie) as (page, _):
        await page.goto("/ui/monitor?range=15m")
        await seen_and_cancelled(page, paced, cookie)


async def seen_and_cancelled(page: Page, server: Running, cookie: str) -> None:
    await expect(page.get_by_role("button", name="15 min", pressed=True)).to_be_visible()
    tiles = page.get_by_label("Figures of now")
    await expect(tiles).to_contain_text("CPU")
    requests = page.get_by_role("region", name="Requests under way")
    async with logged_in(server, cookie) as http:
        machine = (await figures(http))["machine"]
        if not machine["gpus"]:
            await expect(tiles).to_contain_text("No GPU is here.")
        async with http.post("/v1/chat/completions", json=LONG, headers={"x-request-id": "seen-1"}) as answer:
            assert answer.status == 200
            row = requests.get_by_role("row").filter(has_text="seen-1")
            await expect(row).to_contain_text("tiny-gguf")
            await expect(row).to_contain_text("Writing")
            await expect(row).to_contain_text("100%")
            await expect(page.get_by_role("img", name="Tokens a second, the last 15 min.")).to_be_visible()
            await row.get_by_role("button", name="Cancel request seen-1").click()
            assert '"cancelled"' in await answer.text()
        await expect(page.get_by_text("Nothing is running")).to_be_visible()
        models = page.get_by_role("region", name="Models in memory")
        await models.get_by_role("button", name="Unload tiny-gguf", exact=True).click()
        await expect(page.get_by_role("button", name="Unload tiny-gguf", exact=True)).to_have_count(0)
        async with http.get("/v1/models/tiny-gguf") as answer:
            assert (await answer.json())["state"] in {"unloaded", "stopping"}


async def test_how_busy_a_gpu_is_and_how_full_are_two_figures(visit: Open, server: Running, cookie: str) -> None:
    async with logged_in(server, cookie) as http:
        now = await figures(http)
    gpu = {
        "id": "GPU-1", "vendor": "nvidia", "name": "A GPU", "source": "NVML", "power": {"unknown": "no sensor"},
        "busy": {"unknown": "the driver does not tell it"}, "vram_used": 8 << 30, "vram_total": 16 << 30,
        "temperature": {"unknown": "no sensor"}, "shares": False,
    }  # fmt: skip
    samples = [
        event(seq, "metrics", "sample", {**now, "at": 1000.0 + seq / 60, "machine": {**now["machine"], "gpus": [gpu]}})
        for seq in range(1, 601)  # ten seconds at 60 a second
    ]
    at = await visit("/guide")
    await told(at.page, samples)
    await at.page.goto("/ui/monitor")
    tiles = at.page.get_by_label("Figures of now")
    busy = tiles.locator("div").filter(has=at.page.get_by_text("GPU busy", exact=True)).first
    await expect(busy).to_contain_text("Not available")
    await expect(busy).to_contain_text("The driver does not tell it.")
    await expect(busy).not_to_contain_text("%")
    full = tiles.locator("div").filter(has=at.page.get_by_text("GPU memory", exact=True)).first
    await expect(full).to_contain_text("8 GiB")
    await expect(full).to_contain_text("of 16 GiB")
    await expect(at.page.get_by_text("Not available: the driver does not tell it")).to_be_visible()
    await expect(at.page.get_by_role("img", name="GPU memory, the last 5 min.")).to_be_visible()


async def test_a_pause_holds_the_figures(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/monitor")).page
    total = page.get_by_text("requests, ").or_(page.get_by_text("request, "))
    async with logged_in(server, cookie) as http:
        await complete(http)
        await expect(total).to_be_visible()
        await page.get_by_role("button", name="Pause", exact=True).click()
        held = await total.inner_text()
        before = (await figures(http))["requests"]["total"]
        await complete(http)
        assert (await figures(http))["requests"]["total"] == before + 1
        assert await total.inner_text() == held
        await page.get_by_role("button", name="Resume", exact=True).click()
        await expect(total).to_contain_text(f"{before + 1} requests, ")


async def complete(http: aiohttp.ClientSession, **headers: str) -> None:
    body = {"model": "tiny-gguf", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]}
    async with http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.accept("C4", "L5", "A12")
async def test_a_log_of_a_hundred_thousand_lines(visit: Open, tmp_path: Path) -> None:
    at = await visit("/guide")
    page = at.page
    await told(page, many_lines())
    await page.goto("/ui/monitor")
    counts, rows = page.get_by_test_id("log-counts"), page.get_by_test_id("log-rows")
    await expect(counts).to_contain_text("104,233 lines")
    await expect(counts).to_contain_text("4,233 older ones dropped")
    await expect(rows).to_contain_text("line 104232")  # it follows the end
    assert await row_count(page) <= 120
    find = page.get_by_label("Find in the log")
    await find.fill(r"/line \d*777\b/")
    wanted = [number for number in range(LINES - KEPT, LINES) if str(number).endswith("777")]
    await expect(counts).to_contain_text(f"{len(wanted)} of 104,233 lines")
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="Download the lines shown").click()
    file = tmp_path / "log"
    await (await coming.value).save_as(file)
    assert [int(line.split("line ")[1]) for line in file.read_text().splitlines()] == wanted
    await find.fill("/line (/")
    await expect(page.get_by_role("alert")).to_contain_text("no regular expression")
    await expect(counts).to_contain_text(f"{len(wanted)} of 104,233 lines")
    await find.fill("")
    await page.get_by_label("Level").click()
    await page.get_by_role("option", name="Errors", exact=True).click()
    await expect(counts).to_contain_text(f"{KEPT // 1000:,} of 104,233 lines")
    assert "\x1b" not in await rows.inner_text()
    await expect(rows.locator("span.text-bad", has_text="red").first).to_be_visible()
    await page.get_by_role("button", name="Wrap long lines").click()
    await expect(rows).to_contain_text("red line")
    await page.get_by_label("Level").click()
    await page.get_by_role("option", name="All levels").click()
    assert await row_count(page) <= 120


def many_lines() -> list[str]:
    """A thousand a message, the level of every thousandth an error in red."""
    lines = [
        {
            "number": 1_000_000 + number,
            "source": "gateway",
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "level": "error" if number % 1000 == 500 else "info",
            "message": f"\x1b[31mred\x1b[0m line {number}" if number % 1000 == 500 else f"line {number}",
        }
        for number in range(LINES)
    ]
    return [
        event(1 + start // 1000, "logs", "lines", {"lines": lines[start : start + 1000], "dropped": 0})
        for start in range(0, LINES, 1000)
    ]


async def row_count(page: Page) -> int:
    return await page.get_by_test_id("log-rows").locator("[data-index]").count()


async def test_a_paused_log_stands_still_and_counts(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/monitor")).page
    counts, rows = page.get_by_test_id("log-counts"), page.get_by_test_id("log-rows")
    # The page's own requests are in the log too, and may be behind these.
    await page.get_by_label("Find in the log").fill("-pause")
    async with logged_in(server, cookie) as http:
        await complete(http, **{"x-request-id": "before-pause"})
        await expect(rows).to_contain_text("before-pause")
        await page.get_by_role("button", name="Pause the log").click()
        held = await rows.inner_text()
        await complete(http, **{"x-request-id": "after-pause"})
        await expect(counts).to_contain_text("new line")
        assert await rows.inner_text() == held
        await page.get_by_role("button", name="Resume the log").click()
        await expect(rows).to_contain_text("after-pause")
        # Read upwards, the end is not followed; the button leads back there.
        await asyncio.gather(*(complete(http, **{"x-request-id": f"{number}-pause"}) for number in range(40)))
        # The last line may not be what is in sight yet: what is drawn beyond it is not seen.
        await page.wait_for_function(AT_END)
        await expect(rows).to_contain_text("39-pause")
        await rows.focus()
        await page.keyboard.press("Home")
        await expect(rows).to_have_js_property("scrollTop", 0)  # the browser may take its time to get there
        await expect(page.get_by_role("button", name="To the end")).to_be_visible()
        await page.get_by_role("button", name="To the end").click()
        await expect(page.get_by_role("button", name="Follow the end", pressed=True)).to_be_visible()


async def test_a_viewer_is_told_what_is_for_others(browser: Browser, server: Running, cookie: str) -> None:
    person = {"name": "onlooker", "password": canaries.PASSWORD}
    body = {**person, "role": "viewer"}
    async with logged_in(server, cookie) as http, http.post("/api/v1/users", json=body) as answer:
        assert answer.status == 200
    async with aiohttp.ClientSession(server.url) as http, http.post("/auth/login", json=person) as answer:
        session = answer.cookies["dovetail"].value
    canaries.plant(server.home, session)
    async with opened(browser, server.url, cookie=session) as (page, _):
        await page.goto("/ui/monitor")
        await expect(page.get_by_text("Requests are for members")).to_be_visible()
        await expect(page.get_by_text("The log is for admins")).to_be_visible()
        await expect(page.get_by_role("link", name="Requests as CSV")).to_have_count(0)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_nothing_serious_is_wrong_with_it(visit: Open, look: Look) -> None:
    page = (await visit("/monitor", look)).page
    await expect(page.locator("figure canvas").first).to_be_visible()
    await expect(page.get_by_test_id("log-rows")).to_be_visible()
    await audit(page)
    await photograph(page, f"monitor-{look}")
    if look.language == "ko":
        await all_korean(page, "[data-testid=log-rows]")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("combobox").first.click()
    await expect(page.get_by_role("listbox")).to_be_visible()
    await entered(page)
    await audit(page)
