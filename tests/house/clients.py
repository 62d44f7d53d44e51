"""The table of docs/clients.md: which clients are tried, in which version, and what of each a test shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .marks import marked_tests

TESTS = Path(__file__).parents[1]
CAPABILITIES = (
    "chat", "streaming", "tools", "structured output", "responses", "embeddings", "transcription", "errors",
    "cancellation",
)  # fmt: skip


def table() -> str:
    """A row for each client. Raises ValueError for a mark that says what no row or column has."""
    shown = set(marked_tests(TESTS, "client"))
    rows = {**_python(), **_javascript(), **_agents()}
    known = {f"{client} {capability}" for client in rows for capability in CAPABILITIES}
    if unknown := sorted(shown - known):
        raise ValueError(f"client marks that no row or column of docs/clients.md has: {', '.join(unknown)}")
    lines = [f"| client | version | {' | '.join(CAPABILITIES)} |", "|---|---|" + "---|" * len(CAPABILITIES)]
    for client, (title, version) in rows.items():
        cells = ["yes" if f"{client} {capability}" in shown else "" for capability in CAPABILITIES]
        lines.append(f"| {title} | {version} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _python() -> dict[str, tuple[str, str]]:
    lock = (TESTS.parent / "requirements-dev.lock").read_text("utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    return {f"{name}-python": (f"`{name}` (Python)", pinned[name]) for name in ("openai", "anthropic", "ollama")}


def _javascript() -> dict[str, tuple[str, str]]:
    wanted: dict[str, str] = json.loads((TESTS / "js" / "package.json").read_text("utf-8"))["dependencies"]
    names = {"openai": "openai", "anthropic": "@anthropic-ai/sdk", "ollama": "ollama"}
    return {f"{short}-js": (f"`{name}` (JavaScript)", wanted[name]) for short, name in names.items()}


def _agents() -> dict[str, tuple[str, str]]:
    titles = {"claude-code": "Claude Code", "codex": "Codex", "opencode": "opencode"}
    names = [path.stem.rpartition("-") for path in sorted((TESTS / "data" / "clients").glob("*.json"))]
    return {client: (titles[client], version) for client, _, version in names}
