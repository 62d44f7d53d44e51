"""`python -m benchmarks.ui_stream`: how smoothly the chat page draws 200 tokens a second, in a headless Chromium.

Long tasks by the browser's own count, the main thread's part of the time, and how long a key takes to be painted
meanwhile. Needs the interface built (`dovetail ui build`) and Chromium; prints, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from benchmarks.chromium import Watched, at, watched
from benchmarks.gateway import scripted_server
from benchmarks.page import table
from benchmarks.server import serve

RATE = 200
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
        watched(server.url) as chromium,
    ):
        chromium.page.goto(f"/ui/chat/{_conversation(server.url, earlier)}")
        chromium.page.wait_for_timeout(3000)
        return _drawn(name, chromium, slower)


def _drawn(name: str, chromium: Watched, slower: int) -> Drawn:
    page = chromium.page
    chromium.slow_down(slower)
    page.get_by_test_id("composer").fill("Go.")
    chromium.forget()
    before = chromium.metrics()
    page.keyboard.press("Enter")
    answer = page.locator("[data-role=assistant]").last
    page.locator("[data-status=streaming]").wait_for()
    while page.locator("[data-status=streaming]").count():
        page.keyboard.type("a", delay=0)
        page.wait_for_timeout(250)
    after = chromium.metrics()
    tasks, keys = chromium.tasks(), chromium.keys()
    chromium.slow_down(1)
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
        at(keys, 0.95),
        keys[-1],
        seen == again,
    )


def kept(document: str, models: Path, answers: int) -> float:
    """MiB that the page has grown by after so many answers that say `document`, without the first two."""
    fields = {"interval_ms": 1.0, "document": document, "context": 1 << 20}
    with (
        tempfile.TemporaryDirectory() as folder,
        scripted_server(Path(folder), sys.executable, fields) as binary,
        serve(models, {"DOVETAIL_ENGINES__GGUF__BINARY": str(binary)}) as server,
        watched(server.url) as chromium,
    ):
        page, before = chromium.page, 0.0
        page.goto(f"/ui/chat/{_conversation(server.url, 0)}")
        for number in range(answers + 2):
            page.get_by_test_id("composer").fill("Go.")
            page.get_by_test_id("send").click()
            page.locator("[data-role=assistant]").nth(number).wait_for()
            page.locator("[data-role=assistant][data-status=complete]").nth(number).wait_for()
            before = chromium.heap() if number == 1 else before
        return chromium.heap() - before


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
    """All cases; about six minutes."""
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
        grown = kept(mixed(tokens), models, answers=20)
    head = "case | long tasks | longest ms | over 50 ms | busy | key p95 ms | key max ms | same text"
    print(table(head, [_row(one) for one in found]))
    print(f"\n{grown:.0f} MiB kept of 20 answers of {tokens} tokens, mixed, behind two others")


def _row(one: Drawn) -> str:
    figures = (one.longest, one.over, one.key_p95, one.key_max)
    longest, over, p95, most = (f"{figure:.0f}" for figure in figures)
    same = "yes" if one.same else "no"
    return f"{one.name} | {one.tasks} | {longest} | {over} | {one.busy:.0%} | {p95} | {most} | {same}"


if __name__ == "__main__":
    main()
