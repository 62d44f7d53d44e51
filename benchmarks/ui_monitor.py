"""`python -m benchmarks.ui_monitor`: the monitor under 100,000 log lines, and under half an hour of figures in 30 s.

In a headless Chromium, with an event stream that is made in the page. Needs the interface built (`dovetail ui build`)
and Chromium; prints, and writes nothing.
"""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import cast

from benchmarks.chromium import Watched, at, watched
from benchmarks.server import serve

LINES, A_SECOND, FIRST = 100_000, 10_000, 20
SAMPLES, RATE = 1800, 60
# The newest stream that the page has asked for, for `say` to write to.
_STREAM = """
const real = window.fetch;
window.fetch = (input, init) => {
  if (!String(input.url ?? input).includes('/api/v1/events')) return real(input, init);
  const body = new ReadableStream({ start(controller) { window.stream = controller } });
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
};
const encoder = new TextEncoder();
window.say = text => window.stream.enqueue(encoder.encode(text));
window.play = (texts, every) => new Promise(done => {
  const begun = performance.now();
  let said = 0;
  const timer = setInterval(() => {
    for (; said < texts.length && said * every <= performance.now() - begun; said++) say(texts[said]);
    if (said === texts.length) { clearInterval(timer); done() }
  }, Math.min(every, 50));
});
window.frames = async (element, count) => {
  const found = [];
  let before = await new Promise(requestAnimationFrame);
  for (let i = 0; i < count; i++) {
    element.scrollTop = Math.max(0, element.scrollTop - 400);
    const now = await new Promise(requestAnimationFrame);
    found.push(now - before);
    before = now;
  }
  return found.sort((a, b) => a - b);
};
"""


def main() -> None:
    """About a minute and a half."""
    with tempfile.TemporaryDirectory() as models, serve(Path(models)) as server, watched(server.url, _STREAM) as found:
        with urllib.request.urlopen(f"{server.url}/metrics?format=json", timeout=30) as answer:  # noqa: S310  loopback
            reading = cast("dict[str, object]", json.load(answer))
        found.page.goto("/ui/monitor")
        found.page.wait_for_timeout(3000)
        found.page.evaluate("text => say(text)", _event(1, "metrics", "sample", reading))
        logs(found)
        figures(found, reading)


def logs(found: Watched) -> None:
    """Prints how the log takes them."""
    page = found.page
    batches = [
        _event(1000 + start, "logs", "lines", {"lines": [_line(start + i) for i in range(1000)], "dropped": 0})
        for start in range(0, LINES, 1000)
    ]
    # A log is never empty, and what is played is brought there first: neither its font nor that counts.
    page.evaluate(
        "text => say(text)",
        _event(900, "logs", "lines", {"lines": [_line(i - FIRST) for i in range(FIRST)], "dropped": 0}),
    )
    page.get_by_text(f"{FIRST} lines").wait_for()
    page.evaluate("texts => { window.batches = texts }", batches)
    found.forget()
    page.evaluate("every => play(batches, every)", 1_000_000 / A_SECOND)
    page.get_by_text(f"{LINES + FIRST:,} lines").wait_for()
    tasks, rows = found.tasks(), page.get_by_test_id("log-rows")
    nodes = rows.locator("[data-index]").count()
    began = time.perf_counter()
    page.get_by_label("Find in the log").fill(r"/line \d*777\b/")
    page.get_by_text(f"{LINES // 1000} of {LINES + FIRST:,} lines").wait_for()
    filtered = time.perf_counter() - began
    page.get_by_label("Find in the log").fill("")
    page.get_by_text(f"{LINES + FIRST:,} lines").wait_for()
    frames = cast("list[float]", rows.evaluate("async element => await frames(element, 300)"))
    print(
        f"{LINES:,} log lines at {A_SECOND:,} a second: {len(tasks)} long tasks, {max(tasks, default=0):.0f} ms longest"
    )
    print(f"{nodes} rows drawn; a regular expression shows its lines after {filtered * 1000:.0f} ms (from outside)")
    print(f"frames while scrolling: p95 {at(frames, 0.95):.0f} ms")


def figures(found: Watched, reading: dict[str, object]) -> None:
    """Prints what the page keeps of them."""
    now = cast("float", reading["at"])
    samples = [_event(2_000_000 + i, "metrics", "sample", {**reading, "at": now + 1 + i}) for i in range(SAMPLES * 2)]
    found.page.evaluate("([texts, every]) => play(texts, every)", [samples[:SAMPLES], 1000 / RATE])
    before = found.heap()
    found.forget()
    found.page.evaluate("([texts, every]) => play(texts, every)", [samples[SAMPLES:], 1000 / RATE])
    after, tasks = found.heap(), found.tasks()
    print(
        f"{SAMPLES} figures at {RATE} a second, behind as many: {after - before:+.1f} MiB kept, {len(tasks)} long tasks"
    )


def _line(number: int) -> dict[str, object]:
    level = "error" if number % 1000 == 500 else "info"
    text = f"line {number}"
    return {"number": 1_000_000 + number, "source": "gateway", "timestamp": _AT, "level": level, "message": text}


def _event(seq: int, topic: str, kind: str, data: object) -> str:
    return f"id: {seq}\ndata: {json.dumps({'seq': seq, 'topic': topic, 'type': kind, 'data': data})}\n\n"


_AT = "2026-01-01T00:00:00.000000Z"

if __name__ == "__main__":
    main()
