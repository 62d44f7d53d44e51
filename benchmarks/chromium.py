"""A headless Chromium that is watched: long tasks, keys, what its main thread does, how much memory it keeps."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from playwright.sync_api import CDPSession, Page, sync_playwright

_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_WATCH = """
localStorage.setItem('dovetail.setup', 'skipped');
window.tasks = []; window.keys = [];
new PerformanceObserver(list => { for (const one of list.getEntries()) window.tasks.push(one.duration) })
  .observe({ entryTypes: ['longtask'] });
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (one.name === 'keydown') window.keys.push(one.duration)
}).observe({ type: 'event', durationThreshold: 16 });
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A page, and the session that asks the browser about it."""

    page: Page
    session: CDPSession

    def slow_down(self, rate: int) -> None:
        """The processor, so many times; 1 is its own speed."""
        _command(self.session, "Emulation.setCPUThrottlingRate", {"rate": rate})

    def metrics(self) -> dict[str, float]:
        """Chromium's own, `TaskDuration` and `Timestamp` in seconds among them."""
        found = cast("list[dict[str, object]]", _command(self.session, "Performance.getMetrics")["metrics"])
        return {str(one["name"]): float(cast("float", one["value"])) for one in found}

    def heap(self) -> float:
        """MiB that JavaScript keeps once garbage is collected."""
        _command(self.session, "HeapProfiler.collectGarbage")
        return self.metrics()["JSHeapUsedSize"] / 2**20

    def tasks(self) -> list[float]:
        """Milliseconds of each task longer than 50 since `forget`."""
        return cast("list[float]", self.page.evaluate("window.tasks"))

    def keys(self) -> list[float]:
        """Milliseconds from each key since `forget` to its paint, ascending."""
        return sorted(cast("list[float]", self.page.evaluate("window.keys"))) or [0.0]

    def forget(self) -> None:
        self.page.evaluate("window.tasks.length = 0; window.keys.length = 0")


@contextmanager
def watched(url: str, script: str = "") -> Generator[Watched]:
    """A page of a new profile at no address yet, with `script` run before any of its own; `url` is its base."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        page = browser.new_page(base_url=url)
        page.set_default_timeout(300_000)
        page.add_init_script(_WATCH + script)
        session = page.context.new_cdp_session(page)
        _command(session, "Performance.enable")
        yield Watched(page, session)


def _command(session: CDPSession, method: str, params: dict[str, object] | None = None) -> dict[str, object]:
    return session.send(method, params)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  untyped there


def at(values: list[float], share: float) -> float:
    """The value at that share of ascending ones."""
    return values[min(len(values) - 1, int(len(values) * share))]
