"""When each word is said: where the heads that know look, by dynamic time warping, as Whisper was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from dovetail.core.speech import Segment, SpokenWord
from dovetail.workers.whisper.mlx.folder import Heads
from dovetail.workers.whisper.mlx.model import Memory, Whisper
from dovetail.workers.whisper.mlx.vocabulary import STEP, Vocabulary

_SMOOTHED = 7  # positions that a median is taken of
_LONGEST = 0.7  # seconds that a word is thought to last at most
_BEFORE, _BEHIND = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001  of other scripts too
_ENDS = ".。!！?？"  # noqa: RUF001
Matrix = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Timed:
    """A word as it is being placed; `count` tokens; an empty text: it has become a part of another."""

    text: str
    count: int
    start: float
    end: float
    probability: float

    @property
    def lasts(self) -> float:
        return self.end - self.start


class Aligner:
    def __init__(self, model: Whisper, vocabulary: Vocabulary, heads: Heads) -> None:
        self._decoder = model.decoder
        self._vocabulary = vocabulary
        self._heads = heads

    def timed(
        self,
        segments: Sequence[Segment],
        heard: Sequence[Memory],
        *,
        frames: int,
        at: float,
        spoken: float,
        language: str,
        opening: Sequence[int],
    ) -> list[Segment]:
        """The segments of a window that begins at `at` and has so many frames, with their words.

        `spoken`: where the last word before ended. A segment begins and ends with its words.
        """
        texts = [[token for token in each.tokens if token < self._vocabulary.end] for each in segments]
        words = self._placed([token for text in texts for token in text], heard, frames, language, opening)
        usual = _shortened(words)
        _joined(words)
        told: list[Segment] = []
        number = 0
        for segment, text in zip(segments, texts, strict=True):
            own, count = list[_Timed](), 0
            while number < len(words) and count < len(text):
                word = words[number]
                number, count = number + 1, count + word.count
                if word.text:
                    own.append(replace(word, start=at + word.start, end=at + word.end))
            told.append(_fitted(segment, own, spoken, usual))
            spoken = told[-1].end
        return told

    def _placed(
        self, tokens: list[int], heard: Sequence[Memory], frames: int, language: str, opening: Sequence[int]
    ) -> list[_Timed]:
        words = self._vocabulary.words(tokens, language)
        if not words:
            return []
        matrix, probabilities = self._looks(tokens, heard, frames, opening)
        rows, columns = warped(-matrix)
        jumps = np.concatenate([[True], np.diff(rows) > 0])
        times = columns[jumps] * STEP  # when each token begins, and what follows the last
        placed, first = list[_Timed](), 0
        for word in words:
            last = first + len(word.tokens)
            likely = float(np.mean(probabilities[first:last]))
            placed.append(_Timed(word.text, len(word.tokens), float(times[first]), float(times[last]), likely))
            first = last
        return placed

    def _looks(
        self, tokens: list[int], heard: Sequence[Memory], frames: int, opening: Sequence[int]
    ) -> tuple[Matrix, Matrix]:
        """Where each of `tokens`, and the end, looks: (tokens + 1, positions); and how likely each token is."""
        whole = [*opening, self._vocabulary.times - 1, *tokens, self._vocabulary.end]
        found: list[mx.array] = []
        hidden, _ = self._decoder(whole, heard, scores=found)
        logits = self._decoder.logits(hidden[:, len(opening) : -2])[:, : self._vocabulary.end]
        chosen = mx.take_along_axis(mx.softmax(logits, axis=-1), mx.array(tokens)[:, None], axis=-1)[:, 0]
        positions = max(1, frames // 2)
        scores = mx.stack([found[layer][head] for layer, head in self._heads])[:, :, :positions]
        weights = mx.softmax(scores, axis=-1)
        spread = mx.maximum(mx.std(weights, axis=-2, keepdims=True), 1e-12)
        weights = (weights - mx.mean(weights, axis=-2, keepdims=True)) / spread
        matrix: Matrix = smoothed(cast("Matrix", np.array(weights))).mean(axis=0)
        return matrix[len(opening) : -1], cast("Matrix", np.array(chosen))


def smoothed(weights: Matrix) -> Matrix:
    """The median of neighbours along the last axis."""
    half = _SMOOTHED // 2
    if weights.shape[-1] <= half:
        return weights
    padded = np.pad(weights, ((0, 0), (0, 0), (half, half)), mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED, axis=-1), axis=-1)


def warped(costs: Matrix) -> tuple[Places, Places]:
    """The cheapest way from the first corner to the last, down, right or both at once: its rows and its columns.

    Each antidiagonal is computed at once, because all of it follows from the two before.
    """
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    came = np.zeros((rows + 1, columns + 1), dtype=np.int8)  # 0 both, 1 down, 2 right
    for diagonal in range(2, rows + columns + 1):
        row = cast("Places", np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1))
        column = diagonal - row
        steps = np.stack([total[row - 1, column - 1], total[row - 1, column], total[row, column - 1]])
        way = steps.argmin(axis=0)
        total[row, column] = costs[row - 1, column - 1] + steps[way, np.arange(len(row))]
        came[row, column] = way
    came[0, :], came[:, 0] = 2, 1
    way_rows, way_columns = list[int](), list[int]()
    down, right = rows, columns
    while down > 0 or right > 0:
        way_rows.append(down - 1)
        way_columns.append(right - 1)
        step = int(came[down, right])
        down, right = down - (step != 2), right - (step != 1)
    return np.array(way_rows[::-1]), np.array(way_columns[::-1])


def _shortened(words: Sequence[_Timed]) -> float:
    """How long a word usually is; what is beside the end of a sentence and longer than two of them is cut."""
    lengths = [word.lasts for word in words if word.lasts > 0]
    usual = min(_LONGEST, float(np.median(lengths))) if lengths else 0.0
    if not lengths:
        return usual
    for before, word in pairwise(words):
        if word.lasts > 2 * usual:
            if word.text in _ENDS:
                word.end = word.start + 2 * usual
            elif before.text in _ENDS:
                word.start = word.end - 2 * usual
    return usual


def _joined(words: Sequence[_Timed]) -> None:
    """Punctuation becomes a part of the word that it belongs to."""
    following = len(words) - 1
    for number in range(len(words) - 2, -1, -1):
        word = words[number]
        if word.text.startswith(" ") and word.text.strip() in _BEFORE:
            _moved(word, words[following], f"{word.text}{words[following].text}")
        else:
            following = number
    before = 0
    for number in range(1, len(words)):
        word = words[number]
        if not words[before].text.endswith(" ") and word.text in _BEHIND:
            _moved(word, words[before], f"{words[before].text}{word.text}")
        else:
            before = number


def _moved(word: _Timed, to: _Timed, text: str) -> None:
    to.text, to.count = text, to.count + word.count
    word.text, word.count = "", 0


def _fitted(segment: Segment, words: list[_Timed], spoken: float, usual: float) -> Segment:
    """The segment with its words; those at a pause are no longer than two usual ones, nor far outside of it."""
    if not words:
        return segment
    first, last, most = words[0], words[-1], 2 * usual
    long = first.lasts > most or (len(words) > 1 and words[1].end - first.start > 2 * most)
    if first.end - spoken > 4 * usual and long:
        if len(words) > 1 and words[1].lasts > most:
            first.end = words[1].start = max(words[1].end / 2, words[1].end - most)
        first.start = max(0.0, first.end - most)
    start, end = first.start, last.end
    if segment.start < first.end and segment.start - 0.5 > first.start:
        first.start = start = max(0.0, min(first.end - usual, segment.start))
    if segment.end > last.start and segment.end + 0.5 < last.end:
        last.end = end = max(last.start + usual, segment.end)
    told = tuple(SpokenWord(round(w.start, 2), round(w.end, 2), w.text, w.probability) for w in words)
    return replace(segment, start=round(start, 2), end=round(end, 2), words=told)
