"""Stop strings over streamed text: what may be shown now, and which stop string ended it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class StopStep(NamedTuple):
    """Text that is safe to show, and the stop string that matched, if one did."""

    text: str
    matched: str | None


class StopMatcher:
    """Finds the stop string that completes first, however the text is cut into pieces.

    Of two that complete at the same character the one that began earlier wins. Text is held
    back only while it could still be the beginning of a stop string.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._held = ""

    def push(self, piece: str) -> StopStep:
        if not self._stops:
            return StopStep(piece, None)
        text = self._held + piece
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            _, start, stop = min(found)
            self._held = ""
            return StopStep(text[:start], stop)
        keep = self._beginning(text)
        self._held = text[len(text) - keep :]
        return StopStep(text[: len(text) - keep], None)

    def finish(self) -> str:
        """The text still held back, once no more can come."""
        held, self._held = self._held, ""
        return held

    def _beginning(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop string."""
        for size in range(min(self._longest - 1, len(text)), 0, -1):
            tail = text[-size:]
            if any(stop.startswith(tail) for stop in self._stops):
                return size
        return 0
