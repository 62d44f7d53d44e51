"""An answer's text, split as it streams into reasoning, content and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dovetail.workers.mlx.tool_calls import BufferedCall, Calls, Content, Delta, JsonCall, Reasoning


class AnswerParser:
    """Follows llama-server: reasoning only where the answer begins, no white space around what markers enclose.

    `open_thought` says that the prompt itself ended inside the reasoning.
    """

    def __init__(self, think: tuple[str, str] | None, *, open_thought: bool, calls: Calls | None, start: str) -> None:
        self._think = think
        self._calls = calls
        self._start = start
        self._call: JsonCall | BufferedCall | None = None
        self._thinking = think is not None and open_thought
        self._blank = True  # nothing shown yet in this part: leading white space is dropped
        self._begun = self._thinking  # reasoning can no longer begin
        self._after_markup = False
        self._held = ""

    @property
    def called(self) -> bool:
        """Whether the answer holds a tool call."""
        return self._calls is not None and self._calls.count > 0

    def push(self, text: str) -> list[Delta]:
        return list(self._consume(text))

    def finish(self) -> list[Delta]:
        """What was held back, once no more text can come."""
        if self._call is not None:
            return self._call.finish()
        held, self._held = self._held, ""
        return [Reasoning(held)] if held and self._thinking else self._content(held)

    def _consume(self, text: str) -> Iterator[Delta]:
        rest: str | None = text
        while rest:
            if self._call is not None:
                step = self._call.feed(rest)
                yield from step.deltas
                rest = step.rest
                if rest is not None:
                    self._call, self._blank, self._after_markup = None, True, True
            else:
                deltas, rest = self._plain(rest)
                yield from deltas

    def _plain(self, text: str) -> tuple[list[Delta], str]:
        """Text outside calls, up to the next marker; the second value is what follows that marker."""
        text = self._held + text
        self._held = ""
        if self._blank and (self._after_markup or self._thinking):
            text = text.lstrip()
        found = [(at, marker) for marker in self._markers(text) if (at := text.find(marker)) >= 0]
        if found:
            at, marker = min(found)
            deltas = self._shown(text[:at].rstrip())
            self._enter(marker)
            return deltas, text[at + len(marker) :]
        keep = self._held_from(text)
        self._held = text[keep:]
        return self._shown(text[:keep]), ""

    def _shown(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._blank = False
        if self._thinking:
            return [Reasoning(text)]
        self._begun = self._begun or bool(text.strip())
        return self._content(text)

    def _content(self, text: str) -> list[Delta]:
        return [Content(text)] if text else []

    def _markers(self, text: str) -> Sequence[str]:
        markers: list[str] = []
        if self._thinking and self._think is not None:
            markers.append(self._think[1])
        elif self._think is not None and not self._begun and text.lstrip().startswith(self._think[0]):
            markers.append(self._think[0])
        if self._calls is not None:
            markers.append(self._start)
        return markers

    def _enter(self, marker: str) -> None:
        self._begun = self._after_markup = self._blank = True
        if self._calls is not None and marker == self._start:
            self._thinking = False
            self._call = self._calls.begin()
        else:
            self._thinking = not self._thinking

    def _held_from(self, text: str) -> int:
        """Where the end begins that may still turn out to be a marker, or white space before one."""
        candidates = [self._start] if self._calls is not None else []
        if self._think is not None and (self._thinking or not self._begun):
            candidates.append(self._think[1] if self._thinking else self._think[0])
        keep = len(text)
        for size in range(min(len(text), max(map(len, candidates), default=1) - 1), 0, -1):
            if any(marker.startswith(text[-size:]) for marker in candidates):
                keep = len(text) - size
                break
        return len(text[:keep].rstrip()) if candidates else keep
