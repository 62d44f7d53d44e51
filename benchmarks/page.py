"""docs/benchmarks.md as sections, each written by a run of its own and stamped with what it ran on."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `python -m benchmarks`, section by section (`--only NAME`). Gateway, worker and load generator share the
cores: absolute times are this machine's, and only ratios travel. They are paired, round by round in turn, with a
bootstrap 95 % interval of the median. q05 is a 0.4 B Q8_0 model with random weights; the tiny models come with the
package.
"""


def write(page: Path, titles: list[str], title: str, text: str, command: str) -> None:
    """Puts `text` under `## title`, in place of what was there; sections keep the order of `titles`."""
    found = sections(page.read_text()) if page.exists() else {}
    found[title] = f"{stamp(command)}\n\n{text.strip()}"
    parts = [f"## {name}\n\n{found[name]}\n" for name in titles if name in found]
    page.write_text(HEAD + "\n" + "\n".join(parts))


def sections(page: str) -> dict[str, str]:
    """The text under each second-level heading."""
    parts = [part.partition("\n") for part in ("\n" + page).split("\n## ")[1:]]
    return {title.strip(): text.strip() for title, _, text in parts}


def stamp(command: str) -> str:
    """What a section's figures belong to, one line."""
    memory = psutil.virtual_memory().total / (1 << 30)
    engines = ", ".join(f"{name} {version(name)}" for name in ("xllamacpp", "mlx", "mlx-lm"))
    system = f"{platform.system()} {platform.machine()}, {psutil.cpu_count(logical=False)} cores, {memory:.0f} GiB"
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"*`{command}`, {day}, commit `{_commit()}`; {system}, Python {platform.python_version()}, {engines}.*"


def table(head: str, rows: list[str]) -> str:
    """A Markdown table; `head` and rows are cells with bars between them."""
    return "\n".join([f"| {head} |", "|" + "---|" * (head.count("|") + 1), *(f"| {row} |" for row in rows)])


def _commit() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
