"""An answer's text, split as it streams into reasoning, content and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from dovetail.workers.mlx.tool_calls import BufferedCall, Calls, Content, Delta, JsonCall, Reasoning


class Lead(Enum):
    """White space that is dropped before the next text (measured: llama-server b11549)."""

    KEEP = ""
    LINE = "one line break"  # after <think>
    LINES = "\n"  # after </think>
    SPACE = " \t\r\n"  # where an answer begins, and after a tool call


class Opening(Enum):
    """Where the prompt left off."""

    ANSWER = "before the answer"
    THOUGHT = "inside the reasoning"
    CONTENT = "inside the content"


class AnswerParser:
    """Reasoning is looked for only where the answer begins; calls anywhere, where there are tools.

    `start` is the marker of a call.
    """

    def __init__(
        self, think: tuple[str, str] | None, *, opening: Opening, calls: Calls | None = None, start: str = ""
    ) -> None:
        self._think = think
        self._calls = calls
        self._start = start
        self._call: JsonCall | BufferedCall | None = None
        self._thinking = think is not None and opening is Opening.THOUGHT
        self._begun = opening is not Opening.ANSWER  # reasoning can no longer begin
        self._lead = Lead.SPACE if opening is Opening.ANSWER else Lead.KEEP
        self._held = ""
        self._blank: str | None = ""  # a thought so far of white space alone, which is none

    @property
    def called(self) -> bool:
        """Whether the answer holds a tool call."""
        return self._calls is not None and self._calls.count > 0

    @property
    def complete(self) -> bool:
        """Whether the answer has all that it may have: its one call, where calls may not be parallel."""
        return self._call is None and self._calls is not None and self._calls.full

    def push(self, text: str) -> list[Delta]:
        return list(self._consume(text))

    def finish(self, *, cut: bool) -> list[Delta]:
        """What was held back, once no more text can come; `cut`: the model had not ended by itself."""
        if self._call is not None:
            return self._call.finish(cut=cut)
        held, self._held = self._held, ""
        return self._shown(held)

    def _consume(self, text: str) -> Iterator[Delta]:
        rest: str | None = text
        while rest and not self.complete:
            if self._call is not None:
                step = self._call.feed(rest)
                yield from step.deltas
                rest = step.rest
                if rest is not None:
                    self._call, self._lead = None, Lead.SPACE
            else:
                deltas, rest = self._plain(rest)
                yield from deltas

    def _plain(self, text: str) -> tuple[list[Delta], str]:
        """Text outside calls, up to the next marker; the second value is what follows that marker."""
        text = self._held + text
        self._held = ""
        if self._lead is not Lead.KEEP:
            text = self._led(text)
        found = [(at, marker) for marker in self._markers(text) if (at := text.find(marker)) >= 0]
        if found:
            at, marker = min(found)
            before = text[:at]
            deltas = self._shown(before if self._thinking and marker != self._start else before.rstrip())
            self._enter(marker)
            return deltas, text[at + len(marker) :]
        keep = self._held_from(text)
        self._held = text[keep:]
        return self._shown(text[:keep]), ""

    def _led(self, text: str) -> str:
        stripped = text.removeprefix("\n") if self._lead is Lead.LINE else text.lstrip(self._lead.value)
        if stripped or (text and self._lead is Lead.LINE):
            self._lead = Lead.KEEP
        return stripped

    def _shown(self, text: str) -> list[Delta]:
        if not text:
            return []
        if self._thinking:
            if self._blank is None:
                return [Reasoning(text)]
            self._blank += text
            if self._blank.isspace():
                return []
            text, self._blank = self._blank, None
            return [Reasoning(text)]
        self._begun = True
        return [Content(text)]

    def _markers(self, text: str) -> Sequence[str]:
        markers: list[str] = []
        if self._thinking and self._think is not None:
            markers.append(self._think[1])
        elif self._think is not None and not self._begun and text.startswith(self._think[0]):
            markers.append(self._think[0])
        if self._calls is not None:
            markers.append(self._start)
        return markers

    def _enter(self, marker: str) -> None:
        self._begun = True
        if self._calls is not None and marker == self._start:
            self._thinking = False
            self._call = self._calls.begin()
        else:
            self._thinking = not self._thinking
            self._lead = Lead.LINE if self._thinking else Lead.LINES

    def _held_from(self, text: str) -> int:
        """Where the end begins that may still turn out to be a marker, or white space before a call."""
        candidates = [self._start] if self._calls is not None else []
        if self._think is not None and self._thinking:
            candidates.append(self._think[1])
        keep = len(text)
        if self._think is not None and not self._begun and self._think[0].startswith(text):
            return 0
        for size in range(min(len(text), max(map(len, candidates), default=1) - 1), 0, -1):
            if any(marker.startswith(text[-size:]) for marker in candidates):
                keep = len(text) - size
                break
        return keep if self._thinking or self._calls is None else len(text[:keep].rstrip())
