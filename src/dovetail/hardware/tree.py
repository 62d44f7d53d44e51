"""Reads the small text files under `/proc` and `/sys`, or under a recorded copy of them."""

from __future__ import annotations

from pathlib import Path

from dovetail.hardware.reading import Unknown

LARGEST = 1 << 20
_PIECE = 1 << 14


def text(path: Path) -> str:
    """The file's text without surrounding space; empty where it cannot be read."""
    try:
        return _text(path)
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The file's whole number, None where it holds none (`max`)."""
    found = known(path)
    return None if isinstance(found, Unknown) else found


def known(path: Path) -> int | Unknown:
    """The file's whole number, or why there is none."""
    try:
        return int(_text(path), 0)
    except FileNotFoundError:
        return Unknown(f"the driver has no {path.name}")
    except PermissionError:
        return Unknown(f"this user may not read {path.name}")
    except OSError as error:
        return Unknown(f"{path.name}: {error.strerror}")
    except ValueError:
        return Unknown(f"{path.name} holds no number")


def children(path: Path, pattern: str) -> list[Path]:
    """What in `path` matches the glob, in order; nothing where the folder cannot be read."""
    try:
        return sorted(path.glob(pattern))
    except OSError:
        return []


def _text(path: Path) -> str:
    # Small pieces: a buffer of the largest size would be made anew for each of hundreds of files.
    content = bytearray()
    with path.open("rb", buffering=0) as file:
        while len(content) < LARGEST and (piece := file.read(_PIECE)):
            content += piece
    return content.decode(errors="replace").strip()
