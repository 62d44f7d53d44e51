"""Reads the small text files under `/proc` and `/sys`, or under a recorded copy of them."""

from __future__ import annotations

from pathlib import Path

LARGEST = 1 << 20


def text(path: Path) -> str:
    """The file's text without surrounding space; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode(errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The file's whole number, None where it holds none (`max`)."""
    try:
        return int(text(path), 0)
    except ValueError:
        return None


def children(path: Path, pattern: str) -> list[Path]:
    """What in `path` matches the glob, in order; nothing where the folder cannot be read."""
    try:
        return sorted(path.glob(pattern))
    except OSError:
        return []
