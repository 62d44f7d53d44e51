"""Each page in little room: on small screens, and with letters of twice the size. Nothing is cut or beyond the edge."""

from __future__ import annotations

from typing import cast

import pytest
from playwright.async_api import Page, expect

from .browser import Look, photograph, settled
from .conftest import Open

pytestmark = pytest.mark.anyio

PAGES = (
    "/chat",
    "/models",
    "/models?add=local",
    "/models?m=tiny-gguf",
    "/monitor",
    "/bench",
    "/bench?tab=test",
    "/guide",
    *(f"/settings/{section}" for section in ("general", "chat", "models", "server", "security", "data", "about")),
)
# What lies beyond the edge (tables, the log and code scroll by themselves), covers the heading, is cut (titles of
# conversations are, whatever the width), or is too small to write in.
WRONG = """() => {
  const wrong = []
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth > width) wrong.push('the page scrolls sideways')
  const unseen = '.sr-only, [aria-hidden=true]'
  const seen = (one) => one.checkVisibility() && one.clientWidth !== 1 && !one.closest(unseen)
  const said = (one) => (one.textContent || one.getAttribute('aria-label') || one.outerHTML).trim().slice(0, 40)
  for (const one of document.querySelectorAll('main *, [role=dialog] *')) {
    if (!seen(one) || one.closest('[role=region], [data-testid=log-rows], pre')) continue
    const { left, right, width: own } = one.getBoundingClientRect()
    if (own > 0 && (left < -1 || right > width + 1)) wrong.push(`beyond the edge: ${one.tagName} ${said(one)}`)
  }
  for (const one of document.querySelectorAll('input, textarea')) {
    const { width: own } = one.getBoundingClientRect()
    const takesText = !['checkbox', 'range', 'file'].includes(one.type)
    if (takesText && seen(one) && own < 80) wrong.push(`no room to write: ${said(one)}`)
  }
  for (const one of document.querySelectorAll('a, button, [role=tab], h1, h2, label'))
    for (const part of one.closest('[data-chat]') ? [] : [one, ...one.querySelectorAll('*')]) {
      const isCut = getComputedStyle(part).overflowX !== 'visible' && part.scrollWidth > part.clientWidth + 1
      if (isCut && seen(part)) wrong.push(`cut: ${said(part)}`)
    }
  const heading = document.querySelector('main h1:not(.sr-only)')?.getBoundingClientRect()
  for (const one of document.querySelectorAll('main h1:not(.sr-only) ~ *')) {
    const { left, right, top, bottom } = one.getBoundingClientRect()
    const isBeside = left >= heading.right || right <= heading.left || top >= heading.bottom || bottom <= heading.top
    if (!isBeside) wrong.push(`over the heading: ${said(one)}`)
  }
  return [...new Set(wrong)]
}"""
LARGE = "document.documentElement.style.fontSize = '200%'"


async def fits(page: Page) -> None:
    """Nothing is wrong with the page as it stands."""
    await expect(page.locator("[data-link=live]")).to_be_attached()
    await expect(page.locator("main h1")).to_be_attached()
    await expect(page.locator("main [role=status]:not([data-testid=announcer])")).to_have_count(0)
    await settled(page)
    assert cast("list[str]", await page.evaluate(WRONG)) == [], page.url


@pytest.mark.accept("C5")
@pytest.mark.parametrize(
    "look", [Look(width=390), Look("dark", "ko", 390), Look(width=320), Look("dark", "ko", 320)], ids=str
)
async def test_a_small_screen_has_room_for_every_page(visit: Open, look: Look) -> None:
    page = (await visit("/chat", look)).page
    for number, path in enumerate(PAGES):
        await page.goto(f"/ui{path}")
        await fits(page)
        await photograph(page, f"narrow-{number}-{look}")


@pytest.mark.accept("C5")
async def test_letters_of_twice_the_size_have_room_on_every_page(visit: Open) -> None:
    page = (await visit("/chat")).page
    for number, path in enumerate(PAGES):
        await page.goto(f"/ui{path}")
        await expect(page.locator("main h1")).to_be_attached()
        await page.evaluate(LARGE)
        await fits(page)
        await photograph(page, f"large-{number}")
