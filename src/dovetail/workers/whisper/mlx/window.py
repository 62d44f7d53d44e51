"""Writes down one window: token after token, again and warmer where the answer repeats itself or is unlikely."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import mlx.core as mx
import numpy as np

from dovetail.workers.whisper.mlx.model import Memory, Whisper
from dovetail.workers.whisper.mlx.rules import Row, Rules, log_softmax
from dovetail.workers.whisper.mlx.vocabulary import Vocabulary

# As published: above and below which an answer is tried again, and what is no speech.
MOST_COMPRESSED, LEAST_LIKELY, SILENT = 2.4, -1.0, 0.6


@dataclass(frozen=True, slots=True)
class Written:
    """An answer without its end; `log_probability` of a token on average, `silence`: how likely nobody speaks."""

    tokens: tuple[int, ...]
    temperature: float
    log_probability: float
    compression_ratio: float
    silence: float

    @property
    def poor(self) -> bool:
        if self.silence > SILENT and self.log_probability < LEAST_LIKELY:
            return False
        return self.compression_ratio > MOST_COMPRESSED or self.log_probability < LEAST_LIKELY

    @property
    def nothing(self) -> bool:
        return self.silence > SILENT and self.log_probability <= LEAST_LIKELY


class Writer:
    """Used by one thread. The same sound and the same seed give the same answer."""

    def __init__(self, model: Whisper, vocabulary: Vocabulary) -> None:
        self._decoder = model.decoder
        self._vocabulary = vocabulary
        self._rules = Rules(vocabulary)
        self._context = model.shape.text_context

    def language(self, heard: Sequence[Memory]) -> str:
        """The likeliest one."""
        logits, _ = self._after([self._vocabulary.start], heard)
        languages = self._vocabulary.languages
        return max(languages, key=lambda code: logits[-1, languages[code]])

    def write(
        self,
        heard: Sequence[Memory],
        prompt: Sequence[int],
        temperatures: Sequence[float],
        chance: np.random.Generator,
    ) -> Written:
        """`prompt` ends with the answer's opening. The first answer that will do, or else the likeliest."""
        start = len(prompt) - 1 - prompt[::-1].index(self._vocabulary.start)
        logits, past = self._after(prompt, heard, rows=[start, len(prompt) - 1])
        silence = float(np.exp(log_softmax(logits[0])[self._vocabulary.silence]))
        tried: list[Written] = []
        for temperature in temperatures:
            tokens, score = self._written(
                heard, logits[1], past, length=len(prompt), temperature=temperature, chance=chance
            )
            answer = Written(
                tuple(tokens),
                temperature,
                score / (len(tokens) + 1),
                compression(self._vocabulary.decode(tokens)),
                silence,
            )
            if not answer.poor:
                return answer
            tried.append(answer)
        plain = [answer for answer in tried if answer.compression_ratio <= MOST_COMPRESSED]
        return max(plain or tried, key=lambda answer: answer.log_probability)

    def _written(
        self,
        heard: Sequence[Memory],
        first: Row,
        past: Sequence[Memory],
        *,
        length: int,
        temperature: float,
        chance: np.random.Generator,
    ) -> tuple[list[int], float]:
        """Tokens behind a prompt of `length` up to the end, and the sum of the logarithms of their probabilities."""
        tokens, score, row = list[int](), 0.0, first.copy()
        for _ in range(min(self._context // 2, self._context - length)):
            self._rules.apply(row, tokens)
            known = log_softmax(row)
            drawn = known if temperature == 0 else row / temperature + chance.gumbel(size=row.shape)
            token = int(drawn.argmax())
            score += float(known[token])
            if token == self._vocabulary.end:
                break
            tokens.append(token)
            logits, past = self._after([token], heard, past)
            row = logits[0]
        return tokens, score

    def _after(
        self,
        tokens: Sequence[int],
        heard: Sequence[Memory],
        past: Sequence[Memory] | None = None,
        rows: Sequence[int] = (-1,),
    ) -> tuple[Row, list[Memory]]:
        """The logits of some rows of `tokens`."""
        hidden, memories = self._decoder(tokens, heard, past)
        logits = self._decoder.logits(hidden[:, mx.array(list(rows))])
        return cast("Row", np.array(logits)), memories


def compression(text: str) -> float:
    """How much shorter zlib makes it: text that repeats itself shrinks a great deal."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data))
