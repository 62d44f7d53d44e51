"""A page in a real browser, watched: what it logs as an error, and what it asks of any other host, fails the test."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    async_playwright,
    expect,
)

UI = Path(__file__).parents[2] / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb",
]  # fmt: skip
# Also beside other work on two cores.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
_SERIOUS = ("serious", "critical")


def chromium() -> str | None:
    """The system's Chromium: none is ever downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at."""

    theme: Literal["light", "dark"] = "light"
    language: Literal["en", "ko"] = "en"
    width: int = 1280

    def __str__(self) -> str:
        return f"{self.theme}-{self.language}-{self.width}"


# What every page is to be looked at by.
LOOKS = [
    Look(theme, language, width) for theme in ("light", "dark") for language in ("en", "ko") for width in (1280, 390)
]


@dataclass
class Watch:
    """What went wrong in a page. What is `expected`, a part of the message, is not wrong."""

    host: str
    expected: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    def expect(self, *parts: str) -> None:
        self.expected += parts

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def fail(self, failure: WebError) -> None:
        self.wrong.append(f"page error: {failure.error}")

    def see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.host:
            self.wrong.append(f"a request to another host: {request.url}")

    def check(self) -> None:
        found = [each for each in self.wrong if not any(part in each for part in self.expected)]
        assert found == [], "\n".join(found)


@asynccontextmanager
async def launched(*flags: str) -> AsyncGenerator[Browser]:
    """The system's Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*_FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


async def profile(browser: Browser, url: str, look: Look) -> BrowserContext:
    """A new one; relative addresses are of `url`."""
    context = await browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": 844 if look.width < 768 else 800},
        color_scheme=look.theme,
        locale="ko-KR" if look.language == "ko" else "en-US",
        has_touch=look.width < 768,
        is_mobile=look.width < 768,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


@asynccontextmanager
async def watching(context: BrowserContext, host: str) -> AsyncGenerator[Watch]:
    """What goes wrong in any tab of the profile fails at the end."""
    watch = Watch(host)
    context.on("console", watch.hear)
    context.on("weberror", watch.fail)
    context.on("request", watch.see)
    yield watch
    context.remove_listener("console", watch.hear)
    context.remove_listener("weberror", watch.fail)
    context.remove_listener("request", watch.see)
    watch.check()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, look: Look | None = None, cookie: str | None = None, *, host: str | None = None
) -> AsyncGenerator[tuple[Page, Watch]]:
    """A page of a new profile, at no address yet; relative addresses are of `url`. Other tabs of it are watched too."""
    context = await profile(browser, url, look or Look())
    try:
        if cookie is not None:
            await log_in(context, url, cookie)
        async with watching(context, host or urlsplit(url).netloc) as watch:
            yield await context.new_page(), watch
    finally:
        await context.close()


async def log_in(context: BrowserContext, url: str, cookie: str) -> None:
    await context.add_cookies([{"name": "dovetail", "value": cookie, "url": url}])


@dataclass
class Profiles:
    """Profiles of a browser for one server, used again once they are empty: a new one compiles the interface anew.

    What a test sets of the context itself beyond cookies, permissions, routes and storage it has to take back.
    """

    browser: Browser
    url: str
    free: dict[Look, list[BrowserContext]] = field(default_factory=dict[Look, list[BrowserContext]])

    @asynccontextmanager
    async def opened(self, look: Look, cookie: str | None) -> AsyncGenerator[tuple[Page, Watch]]:
        """As the function of that name, in a profile where others have been, of which nothing is left but the cache."""
        free = self.free.setdefault(look, [])
        context = free.pop() if free else await profile(self.browser, self.url, look)
        try:
            page = await context.new_page()
            await self._empty(context, page)
            if cookie is not None:
                await log_in(context, self.url, cookie)
            async with watching(context, urlsplit(self.url).netloc) as watch:
                yield page, watch
            for one in context.pages:
                await one.close()
        except BaseException:
            await context.close()
            raise
        free.append(context)

    async def _empty(self, context: BrowserContext, page: Page) -> None:
        await context.clear_cookies()
        await context.clear_permissions()
        await context.unroute_all()
        session = await context.new_cdp_session(page)
        await command(session, "Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "all"})
        await session.detach()


async def audit(page: Page, *, without: tuple[str, ...] = (), only: tuple[str, ...] = (), within: str = "html") -> None:
    """Nothing serious that axe finds wrong with the page once it rests, by WCAG 2.2 AA or by the rules of `only`.

    Nor does its window scroll. `within` selects what is looked at.
    """
    await settled(page)
    assert await page.evaluate(_STANDS), "the window scrolls: something in the page is not held by what scrolls"
    if await page.evaluate("window.axe === undefined"):
        await page.evaluate(AXE.read_text("utf-8") + "; undefined")
    options = {
        "runOnly": only or ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],  # what passed is not described: that takes longer than to judge it
    }
    found = cast(
        "list[dict[str, object]]",
        await page.evaluate("async ([part, options]) => (await axe.run(part, options)).violations", [within, options]),
    )
    wrong = [
        f"{one['id']} ({one['impact']}): {one['help']}\n"
        + "\n".join(
            f"  {node['html']}\n  {node['failureSummary']}" for node in cast("list[dict[str, str]]", one["nodes"])[:3]
        )
        for one in found
        if one["impact"] in _SERIOUS
    ]
    assert wrong == [], "\n".join(wrong)


# Within the shell each part scrolls by itself.
_STANDS = "document.getElementById('content') === null || document.documentElement.scrollHeight <= innerHeight"
# Names of things, which are the same in every language.
_NAMES = re.compile(r"Base UI|JetBrains|Apache|Chrome|dovetail admin")
_ENGLISH = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]{2,}){2,}")
_SAID = """without => {
  const outside = ['script', 'style', 'code', 'pre', 'kbd', '[lang=en]', ...without].join()
  const said = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) if (!texts.currentNode.parentElement.closest(outside)) said.push(texts.currentNode.data)
  for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!one.closest(outside)) said.push(one.getAttribute(name))
  return said
}"""


_RESTS = """async () => {
  while (document.getAnimations().length > 0) await new Promise(requestAnimationFrame)
}"""


async def all_korean(page: Page, *without: str) -> None:
    """No three English words in a row are seen or heard in the page, code and what `without` selects apart."""
    said = cast("list[str]", await page.evaluate(_SAID, without))
    found = {words for text in said for words in _ENGLISH.findall(text) if not _NAMES.search(text)}
    assert found == set(), f"English on a Korean page: {sorted(found)}"


OPENED = "[role=menu], [role=listbox], [role=dialog]"


async def audit_opened(page: Page, look: Look) -> None:
    """`audit` of a page with what is open over it, whose colours are looked at in the other theme too.

    All else is the same there, and what is beneath has tests of its own in both.
    """
    await entered(page)
    await audit(page)
    await page.emulate_media(color_scheme="light" if look.theme == "dark" else "dark")
    await audit(page, only=("color-contrast",), within=OPENED)
    await page.emulate_media(color_scheme=look.theme)


async def command(session: CDPSession, method: str, params: dict[str, object] | None = None) -> dict[str, object]:
    """A command of the browser's own protocol, and what it answers."""
    # A Dict of anything.
    return cast("dict[str, object]", await session.send(method, params))  # pyright: ignore[reportUnknownMemberType]


async def settled(page: Page) -> None:
    """Waits until nothing opens or closes any more, and no colour is on its way to another."""
    await expect(page.locator("[data-starting-style], [data-ending-style]")).to_have_count(0)
    async with asyncio.timeout(PATIENCE_MS / 1000):
        await page.evaluate(_RESTS)


async def entered(page: Page) -> None:
    """Waits until what has opened has the focus: on its way there, what guards its edges looks wrong to axe."""
    await expect(page.locator("[data-open]:focus-within").first).to_be_attached()


async def photograph(page: Page, name: str) -> None:
    """A picture of the page in the folder that UI_SCREENSHOTS names; without it, none."""
    if folder := os.environ.get("UI_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
