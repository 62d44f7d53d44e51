"""The table of docs/clients.md: which clients are tried, in which version, and what of each a test shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .marks import marked_tests

TESTS = Path(__file__).parents[1]
# The frameworks' titles, and the package whose version is theirs.
FRAMEWORKS = {
    "langchain": ("LangChain (`langchain-openai`)", "langchain-openai"),
    "llama-index": ("LlamaIndex (`OpenAILike`)", "llama-index-llms-openai-like"),
    "litellm": ("LiteLLM", "litellm"),
    "llm": ("`llm`", "llm"),
    "aider": ("aider", "aider-chat"),
}
CAPABILITIES = (
    "chat", "streaming", "tools", "structured output", "responses", "embeddings", "transcription", "errors",
    "cancellation",
)  # fmt: skip


def table() -> str:
    """A row for each client. Raises ValueError for a mark that says what no row or column has."""
    shown = set(marked_tests(TESTS, "client"))
    rows = {**_python(), **_javascript(), **_agents(), **_frameworks()}
    known = {f"{client} {capability}" for client in rows for capability in CAPABILITIES}
    if unknown := sorted(shown - known):
        raise ValueError(f"client marks that no row or column of docs/clients.md has: {', '.join(unknown)}")
    lines = [f"| client | version | {' | '.join(CAPABILITIES)} |", "|---|---|" + "---|" * len(CAPABILITIES)]
    for client, (title, version) in rows.items():
        cells = ["yes" if f"{client} {capability}" in shown else "" for capability in CAPABILITIES]
        lines.append(f"| {title} | {version} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _python() -> dict[str, tuple[str, str]]:
    pinned = _pinned(TESTS.parent / "requirements-dev.lock")
    return {f"{name}-python": (f"`{name}` (Python)", pinned[name]) for name in ("openai", "anthropic", "ollama")}


def _javascript() -> dict[str, tuple[str, str]]:
    wanted: dict[str, str] = json.loads((TESTS / "js" / "package.json").read_text("utf-8"))["dependencies"]
    names = {"openai": "openai", "anthropic": "@anthropic-ai/sdk", "ollama": "ollama"}
    return {f"{short}-js": (f"`{name}` (JavaScript)", wanted[name]) for short, name in names.items()}


def _agents() -> dict[str, tuple[str, str]]:
    titles = {"claude-code": "Claude Code", "codex": "Codex", "opencode": "opencode", "open-webui": "Open WebUI"}
    names = [path.stem.rpartition("-") for path in sorted((TESTS / "data" / "clients").glob("*.json"))]
    return {client: (titles[client], version) for client, _, version in names}


def _frameworks() -> dict[str, tuple[str, str]]:
    folder = TESTS / "frameworks"
    return {
        name: (title, _pinned(folder / name / "requirements.txt")[package])
        for name, (title, package) in FRAMEWORKS.items()
    }


def _pinned(file: Path) -> dict[str, str]:
    """The versions of a lock by the names of packages."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", file.read_text("utf-8"), re.MULTILINE))
