"""One answer of a model, from the frames of a streamed chat completion to a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TextIO

from dovetail.cli.client import Server
from dovetail.core.request import Json, JsonObject

_DIM, _PLAIN, _ERASE_LINE = "\x1b[2m", "\x1b[0m", "\r\x1b[K"


@dataclass(slots=True)
class Answer:
    """What has arrived; times in seconds since the question was sent."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Json = None
    first_output: float | None = None
    duration: float = 0.0

    def as_json(self, model: str) -> JsonObject:
        document: JsonObject = {
            "model": model,
            "content": self.content,
            "finish_reason": self.finish_reason,
            "usage": self.usage,
            "ttft_ms": None if self.first_output is None else round(self.first_output * 1000, 1),
            "duration_ms": round(self.duration * 1000, 1),
        }
        return document | ({"reasoning": self.reasoning} if self.reasoning else {})


class Display:
    """Where an answer appears as it comes. On a terminal also what it waits for, and the model's thinking, dimmed."""

    def __init__(self, out: TextIO | None = None, *, silent: bool = False) -> None:
        self._out = sys.stdout if out is None else out
        self._silent = silent
        self._terminal = not silent and self._out.isatty()
        self._waiting = False
        self._thinking = False
        self._midline = False

    def waits(self, comment: str) -> None:
        if self._terminal and comment != "keep-alive":
            self._waiting = True
            self._write(f"{_ERASE_LINE}{_DIM}{printable(comment)}{_PLAIN}")

    def thinks(self, text: str) -> None:
        if self._terminal:
            self._clear()
            self._write(text if self._thinking else _DIM + text)
            self._thinking = self._midline = True

    def says(self, text: str) -> None:
        self._clear()
        if self._thinking:
            self._thinking = False
            self._write(_PLAIN + "\n")
        self._write(text)
        self._midline = True

    def ends(self) -> None:
        """The answer is over: what comes next begins on a line of its own."""
        self._clear()
        if self._midline:
            self._write(f"{_PLAIN}\n" if self._thinking else "\n")
        self._thinking = self._midline = False

    def _clear(self) -> None:
        if self._waiting:
            self._waiting = False
            self._write(_ERASE_LINE)

    def _write(self, text: str) -> None:
        if not self._silent:
            self._out.write(text)
            self._out.flush()


def ask(server: Server, body: JsonObject, display: Display, answer: Answer) -> None:
    """Streams the answer to `body` into `answer` and onto `display`; what has come stays there when this is left early.

    Ctrl-C raises KeyboardInterrupt after the connection, and with it the model's work, has ended. Raises Failure.
    """
    request: JsonObject = {**body, "stream": True, "stream_options": {"include_usage": True}}
    try:
        with closing(server.stream("/v1/chat/completions", request)) as frames:
            read(frames, display, answer)
    finally:
        display.ends()


def read(
    frames: Iterable[JsonObject | str],
    display: Display,
    answer: Answer,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    started = clock()
    for frame in frames:
        if isinstance(frame, str):
            display.waits(frame)
            continue
        answer.usage = frame.get("usage") or answer.usage
        choices = frame.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            continue
        answer.finish_reason = _text(choices[0].get("finish_reason")) or answer.finish_reason
        delta = choices[0].get("delta")
        if isinstance(delta, dict):
            _show(delta, display, answer)
        if answer.first_output is None and (answer.content or answer.reasoning):
            answer.first_output = clock() - started
    answer.duration = clock() - started


def _show(delta: JsonObject, display: Display, answer: Answer) -> None:
    if thought := _text(delta.get("reasoning_content")):
        answer.reasoning += thought
        display.thinks(printable(thought))
    if said := _text(delta.get("content")):
        answer.content += said
        display.says(printable(said))


def printable(text: str) -> str:
    """`text` without what would steer a terminal: a model's output is not to move the cursor or set titles."""
    return "".join(c for c in text if c in "\n\t" or not (c < " " or "\x7f" <= c <= "\x9f"))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
