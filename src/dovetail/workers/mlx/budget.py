"""A thought held to a number of tokens: at its budget it is closed, and the answer follows.

As llama-server counts (b11549): from the tag that opens the thought on, what the prompt has after it included.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import mlx.core as mx

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.protocol import Fields
from dovetail.workers.mlx.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Bound:
    """What was asked: tokens of the thought, and a text to put before the tag that closes it."""

    tokens: int
    message: str


def read_bound(body: JsonObject) -> Bound | None:
    """The bound, or None where thoughts may be of any length. Raises RequestError."""
    fields = Fields(body)
    tokens = fields.integer("thinking_budget_tokens", -1, -1)
    message = "" if fields.get("reasoning_budget_message") is None else fields.text("reasoning_budget_message")
    return None if tokens < 0 else Bound(tokens, message)


class Budget:
    """One answer's processor; the last one, since nothing may bar the tokens it forces.

    `opened` is the text that the prompt has after the tag, None where the answer may open a thought itself. `ends` are
    the texts that end a thought, the tag that is forced first. Tokens are read at the budget and no earlier: reading
    one waits for the device.
    """

    def __init__(
        self, vocabulary: Vocabulary, bound: Bound, *, start: str, ends: Sequence[str], opened: str | None
    ) -> None:
        self._vocabulary = vocabulary
        self._start = start.encode()
        self._ends = [end.encode() for end in ends]
        self._limit = bound.tokens
        self._open = opened is not None
        spent = len(vocabulary.encode(opened or "", add_special=False))
        tag = vocabulary.encode(ends[0], add_special=False)
        forced = vocabulary.encode(bound.message + ends[0], add_special=False)
        # What the prompt has beyond the budget stands for as much of the message.
        self._forced = forced[min(max(spent - bound.tokens, 0), max(len(forced) - len(tag), 0)) :]
        self._due = max(bound.tokens - spent, 0)  # tokens drawn before the next look
        self._prompt: int | None = None
        self._forcing = self._done = False

    def __call__(self, history: Sequence[int], last: mx.array, logits: mx.array) -> mx.array:
        if self._prompt is None:
            self._prompt = len(history) + 1
        drawn = len(history) + 1 - self._prompt
        if not self._done and not self._forcing and drawn >= self._due:
            self._look([*history[self._prompt :], cast("int", last.item())] if drawn else [])
        if not self._forcing:
            return logits
        token, self._forced = self._forced[0], self._forced[1:]
        self._forcing, self._done = bool(self._forced), not self._forced
        return mx.where((mx.arange(logits.shape[-1]) == token)[None], 0.0, -mx.inf)

    def _look(self, tokens: Sequence[int]) -> None:
        pieces = [self._vocabulary.piece(token) for token in tokens]
        text = b"".join(pieces)
        if not self._open:
            self._look_for_tag(pieces, text.lstrip())
        if not self._open or len(tokens) < self._due:
            return
        if any(end in text for end in self._ends):
            self._done = True
        elif _complete(text):
            self._forcing = True
        else:
            self._due = len(tokens) + 1

    def _look_for_tag(self, pieces: Sequence[bytes], text: bytes) -> None:
        """Where the answer begins with a thought, its budget runs from there; an answer without one is free."""
        if not text.startswith(self._start):
            self._due = len(pieces) + 1
            self._done = not self._start.startswith(text)
            return
        opening = next(n for n in range(len(pieces) + 1) if self._start in b"".join(pieces[:n]))
        self._open = True
        self._due = opening + self._limit


def _complete(text: bytes) -> bool:
    """Whether `text` ends with a whole character."""
    decoder = getincrementaldecoder("utf-8")("replace")
    decoder.decode(text)
    return not decoder.getstate()[0]
