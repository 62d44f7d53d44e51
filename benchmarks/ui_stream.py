"""`python -m benchmarks.ui_stream`: how smoothly the chat page draws 200 tokens a second, in a headless Chromium.

Long tasks by the browser's own count, the main thread's part of the time, and how long a key takes to be painted
meanwhile. Needs the interface built (`dovetail ui build`) and Chromium; prints, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.gateway import scripted_server
from benchmarks.page import table
from benchmarks.server import serve

RATE = 200
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_PARAGRAPH = """## Part {n}

Some **bold** text with `code`, 그래서 **'Q4_K_M'**을 고릅니다, and $x_{n}^2 + y^2$ in a long line
that wraps.

- first item of {n}
- second item, with [a link](https://example.com/{n})

| name | value | remark |
|---|---:|---|
| one | {n} | a cell |
| two | 2 | another |

$$
\\sum_{{i=0}}^{{{n}}} i = \\frac{{{n} \\cdot ({n} + 1)}}{{2}}
$$

"""
_WATCH = """
localStorage.setItem('dovetail.setup', 'skipped');
window.tasks = []; window.keys = [];
new PerformanceObserver(list => { for (const one of list.getEntries()) window.tasks.push(one.duration) })
  .observe({ entryTypes: ['longtask'] });
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (one.name === 'keydown') window.keys.push(one.duration)
}).observe({ type: 'event', durationThreshold: 16 });
"""
# What is written, without the buttons around code, which are others where it was watched being written.
_TEXT = """element => {
  const copy = element.querySelector('.markdown').cloneNode(true);
  for (const one of copy.querySelectorAll('button')) one.remove();
  return copy.textContent;
}"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Milliseconds; `over` is what long tasks took beyond 50 ms, `busy` the main thread's part of the time."""

    name: str
    tasks: int
    longest: float
    over: float
    busy: float
    key_p95: float
    key_max: float
    same: bool


def mixed(tokens: int) -> str:
    """Markdown of all kinds, of `tokens` tokens of four characters, with a long block of code in its middle."""
    text, number = "", 0
    while len(text) < tokens * 2:
        text, number = text + _PARAGRAPH.format(n=number), number + 1
    text += "```python\n" + "".join(f"value_{i} = compute({i})  # line {i}\n" for i in range(240)) + "```\n\n"
    while len(text) < tokens * 4:
        text, number = text + _PARAGRAPH.format(n=number), number + 1
    return text[: tokens * 4]


def code(lines: int) -> str:
    """One block of code."""
    return "```python\n" + "".join(f"value_{i} = compute({i})\n" for i in range(lines)) + "```\n"


def formulas(count: int, length: int) -> str:
    """One paragraph with formulas."""
    piece = "word " * (length // count // 5)
    return "".join(f"{piece}$a_{{{i}}} + \\frac{{{i}}}{{2}}$ " for i in range(count))


def measure(name: str, document: str, models: Path, earlier: int = 0, slower: int = 1) -> Drawn:
    """One answer that says `document`, in a conversation that has `earlier` messages already."""
    fields = {"interval_ms": 1000 / RATE, "document": document, "context": 1 << 17}
    with (
        tempfile.TemporaryDirectory() as folder,
        scripted_server(Path(folder), sys.executable, fields) as binary,
        serve(models, {"DOVETAIL_ENGINES__GGUF__BINARY": str(binary)}) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        page = browser.new_page(base_url=server.url)
        page.set_default_timeout(300_000)
        page.add_init_script(_WATCH)
        page.goto(f"/ui/chat/{_conversation(server.url, earlier)}")
        page.wait_for_timeout(3000)
        return _drawn(name, page, slower)


def _drawn(name: str, page: Page, slower: int) -> Drawn:
    session = page.context.new_cdp_session(page)
    _command(session, "Performance.enable")
    _command(session, "Emulation.setCPUThrottlingRate", {"rate": slower})
    page.get_by_test_id("composer").fill("Go.")
    page.evaluate("window.tasks.length = 0; window.keys.length = 0")
    before = _metrics(_command(session, "Performance.getMetrics"))
    page.keyboard.press("Enter")
    answer = page.locator("[data-role=assistant]").last
    page.locator("[data-status=streaming]").wait_for()
    while page.locator("[data-status=streaming]").count():
        page.keyboard.type("a", delay=0)
        page.wait_for_timeout(250)
    after = _metrics(_command(session, "Performance.getMetrics"))
    tasks = cast("list[float]", page.evaluate("window.tasks"))
    keys = sorted(cast("list[float]", page.evaluate("window.keys"))) or [0.0]
    _command(session, "Emulation.setCPUThrottlingRate", {"rate": 1})
    seen = cast("str", answer.evaluate(_TEXT))
    page.reload()
    page.wait_for_timeout(3000)
    again = cast("str", page.locator("[data-role=assistant]").last.evaluate(_TEXT))
    return Drawn(
        name,
        len(tasks),
        max(tasks, default=0.0),
        sum(task - 50 for task in tasks),
        (after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"]),
        keys[int(len(keys) * 0.95)],
        keys[-1],
        seen == again,
    )


def _command(session: CDPSession, method: str, params: dict[str, object] | None = None) -> dict[str, object]:
    return session.send(method, params)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  untyped there


def _metrics(answer: dict[str, object]) -> dict[str, float]:
    found = cast("list[dict[str, object]]", answer["metrics"])
    return {str(one["name"]): float(cast("float", one["value"])) for one in found}


def _conversation(url: str, earlier: int) -> str:
    chat = _post(f"{url}/api/v1/chats", {"model": "tiny-gguf", "title": "Streaming"})
    parent: object = None
    for number in range(earlier):
        body = {
            "parent_id": parent,
            "role": "assistant" if number % 2 else "user",
            "parts": [{"type": "text", "text": _PARAGRAPH.format(n=number)}],
        }
        parent = cast("dict[str, object]", _post(f"{url}/api/v1/chats/{chat['id']}/messages", body)["message"])["id"]
    return str(chat["id"])


def _post(url: str, body: object) -> dict[str, object]:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310  loopback http
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  loopback http
        return cast("dict[str, object]", json.load(answer))


def main() -> None:
    """All cases; about three minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=8000, help="of the mixed answer (default 8000)")
    tokens = parser.parse_args().tokens
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        found = [
            measure(f"{tokens} tokens, mixed", mixed(tokens), models),
            measure(f"{tokens // 2} tokens behind 200 messages", mixed(tokens // 2), models, earlier=200),
            measure(f"{tokens // 4} tokens, processor 4 times slower", mixed(tokens // 4), models, slower=4),
            measure("code of 1,000 lines", code(1000), models),
            measure("a paragraph with 80 formulas", formulas(80, 16_000), models),
        ]
    head = "case | long tasks | longest ms | over 50 ms | busy | key p95 ms | key max ms | same text"
    print(table(head, [_row(one) for one in found]))


def _row(one: Drawn) -> str:
    figures = (one.longest, one.over, one.key_p95, one.key_max)
    longest, over, p95, most = (f"{figure:.0f}" for figure in figures)
    same = "yes" if one.same else "no"
    return f"{one.name} | {one.tasks} | {longest} | {over} | {one.busy:.0%} | {p95} | {most} | {same}"


if __name__ == "__main__":
    main()
