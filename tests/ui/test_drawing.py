"""How an answer is drawn while it is written: seldom, in its last blocks alone, and in the end as if read anew."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import Browser, Page, expect

from ..process.serving.running import running  # noqa: TID252
from .browser import opened
from .chatting import answered, chat_of, messages_of, say, scripted_binary, text_of

pytestmark = pytest.mark.anyio

LINES, PIECE = 1000, 50
# The blocks at the end that may still change, and what elements they have.
ENDS = 4
_PART = """## Part {n}

Some **bold** text, 그래서 **'Q4_K_M'**을 고릅니다, and $x_{n}^2$ in a line.

- first of {n}
- second, with [a link](https://example.com/{n})

| name | value |
|---|---:|
| one | {n} |

$$
\\sum_{{i=0}}^{{{n}}} i
$$

"""
# What of an answer changes although it was no end of it at the drawing before, and how often anything is drawn. Code
# is no part of it: it gets its colours later.
WATCH = """() => {
  window.drawings = 0
  window.late = []
  let old = []
  new MutationObserver(changes => {
    const text = document.querySelectorAll('[data-role=assistant] .markdown')[1]
    if (!text) return
    const blocks = [...text.children]
    const settled = old.slice(0, -ENDS)
    for (const [place, block] of settled.entries()) if (blocks[place] !== block) late.push(`another ${place}`)
    for (const { target } of changes) {
      const place = settled.findIndex(block => block.tagName !== 'FIGURE' && block.contains(target))
      if (place >= 0) late.push(`${place} of ${old.length}: ${settled[place].textContent.slice(0, 40)}`)
    }
    old = blocks
    if (changes.some(({ target }) => text.contains(target))) drawings++
  }).observe(document, { subtree: true, childList: true, characterData: true })
}"""
# Without the buttons around code, which are others where it was watched being written.
TEXT = """() => {
  const copy = [...document.querySelectorAll('[data-role=assistant] .markdown')].at(-1).cloneNode(true)
  for (const one of copy.querySelectorAll('button')) one.remove()
  return copy.textContent
}"""


async def ready(page: Page) -> None:
    await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
    await page.goto("/ui/chat?model=tiny-gguf")
    await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message tiny-gguf")


async def test_mixed_markdown_is_drawn_in_its_last_blocks_and_as_it_is_read_again(
    interface: None, browser: Browser, tmp_path: Path
) -> None:
    del interface
    code = "```python\n" + "".join(f"value_{line} = {line}\n" for line in range(240)) + "```\n\n"
    document = "".join(_PART.format(n=n) for n in range(20)) + code + "".join(_PART.format(n=n) for n in range(20, 40))
    environment = scripted_binary(tmp_path, {"document": document, "interval_ms": 1.0, "context": 1 << 16})
    async with running(tmp_path, environment=environment) as server, opened(browser, server.url) as (page, _):
        await ready(page)
        await say(page, "Say it.")
        await answered(page)  # what draws formulas is there from now on
        await page.evaluate(WATCH.replace("ENDS", str(ENDS)))
        await say(page, "Say it again.")
        await answered(page, 2)
        answer = messages_of(await chat_of(server, page))[-1]
        assert text_of(answer) == document
        # Four characters a token; were each drawn by itself, there would be as many drawings.
        drawings: int = await page.evaluate("drawings")
        assert 2 < drawings < len(document) // 4 // 5
        assert await page.evaluate("late") == []
        last = page.locator("[data-role=assistant]").nth(1)
        await expect(last.locator("h2")).to_have_count(40)
        await expect(last.locator(".katex-display")).to_have_count(40)
        await expect(last.locator("strong").filter(has_text="'Q4_K_M'")).to_have_count(40)
        seen = cast("str", await page.evaluate(TEXT))
        await page.reload()
        await expect(last.locator(".katex-display")).to_have_count(40)
        assert await page.evaluate(TEXT) == seen


async def test_code_of_a_thousand_lines_is_drawn_in_pieces_that_stay(
    interface: None, browser: Browser, tmp_path: Path
) -> None:
    del interface
    code = "".join(f"value_{line} = compute({line})\n" for line in range(LINES))
    document = f"```python\n{code}```\n"
    script = {"document": document, "interval_ms": 1.0, "context": 1 << 16, "hold": str(tmp_path / "hold")}
    script["after"] = len(document) // 4 - 100
    (tmp_path / "hold").touch()
    environment = scripted_binary(tmp_path, script)
    async with running(tmp_path, environment=environment) as server, opened(browser, server.url) as (page, _):
        await ready(page)
        await say(page, "Write code.")
        pieces = page.locator("[data-role=assistant] .code-piece")
        await expect(pieces).to_have_count(LINES // PIECE, timeout=60_000)
        assert len((await pieces.first.text_content() or "").splitlines()) == PIECE
        await expect(page.locator("[data-role=assistant] .code-piece span")).to_have_count(0)
        (tmp_path / "hold").unlink()
        await answered(page)
        # Its colours come when its fence is closed.
        await expect(page.locator("[data-role=assistant] .code-piece span").first).to_be_attached()
        await expect(pieces).to_have_count(LINES // PIECE)
        assert await page.locator("[data-role=assistant] pre").text_content() == code.removesuffix("\n")
