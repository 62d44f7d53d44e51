"""Goes through a piece of sound window by window, each from where the last one's segments end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import mlx.core as mx
import numpy as np

from dovetail.core.speech import Segment
from dovetail.workers.whisper.ear import Asked, temperatures
from dovetail.workers.whisper.mlx.alignment import Aligner
from dovetail.workers.whisper.mlx.features import PER_SECOND, Features, window
from dovetail.workers.whisper.mlx.model import Memory, Whisper
from dovetail.workers.whisper.mlx.vocabulary import STEP, Vocabulary
from dovetail.workers.whisper.mlx.window import Writer, Written

# Above this an answer says too little of what comes next.
GOES_ON_BELOW = 0.5
_PER_STEP = round(STEP * PER_SECOND)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens of one segment; seconds within the window."""

    start: float
    end: float
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """What is heard of one piece in a language. `frames`: the sound's own, fewer than there are features.

    `begun`: the first window, where it has been listened to.
    """

    model: Whisper
    vocabulary: Vocabulary
    writer: Writer
    aligner: Aligner
    features: Features
    frames: int
    language: str
    asked: Asked
    begun: Sequence[Memory] | None = None

    def segments(self, passed: Callable[[float], None]) -> Iterator[Segment]:
        """Computed as they are asked for; `passed` is told how many seconds are done."""
        chance = np.random.default_rng(0)
        opening = self.vocabulary.opening(self.language, self.asked.task)
        before = self.vocabulary.encode(f" {self.asked.prompt.strip()}") if self.asked.prompt else []
        most, first, spoken = self.model.shape.text_context // 2 - 1, 0, 0.0
        while first < self.frames:
            size = min(self.model.shape.frames, self.frames - first)
            heard = (self.begun if first == 0 else None) or listened(self.model, self.features, first, size)
            prompt = [self.vocabulary.previous, *before[-most:], *opening] if before else opening
            written = self.writer.write(heard, prompt, temperatures(self.asked), chance)
            if written.nothing:
                first += size
                passed(first / PER_SECOND)
                continue
            at = first / PER_SECOND
            stretches, step, closed = cut(written.tokens, self.vocabulary.times, size)
            found = [
                segment
                for segment in self._told(stretches, written, at)
                if segment.start < segment.end and segment.text.strip()
            ]
            if self.asked.words and found:
                found = self.aligner.timed(
                    found, heard, frames=size, at=at, spoken=spoken, language=self.language, opening=opening
                )
                spoken = found[-1].end
                if not closed and spoken > at:  # words know better where to go on than the times that were written
                    step = round(spoken * PER_SECOND) - first
            for segment in found:
                before += segment.tokens
                passed(segment.end)
                yield segment
            if written.temperature > GOES_ON_BELOW:
                before = []
            first += step or size

    def _told(self, stretches: Sequence[Stretch], written: Written, at: float) -> Iterator[Segment]:
        for stretch in stretches:
            yield Segment(
                start=at + stretch.start,
                end=at + stretch.end,
                text=self.vocabulary.decode(stretch.tokens),
                tokens=stretch.tokens,
                temperature=written.temperature,
                log_probability=written.log_probability,
                compression_ratio=written.compression_ratio,
                silence=written.silence,
            )


def listened(model: Whisper, features: Features, first: int, size: int) -> list[Memory]:
    """A window that begins with the frame `first` and has `size` of them, or as many as the model takes."""
    return model.listen(mx.array(window(features[: first + size], first, model.shape.frames)))


def cut(tokens: Sequence[int], times: int, size: int) -> tuple[list[Stretch], int, bool]:
    """The segments of a window of `size` frames, how many frames further the next one begins, and if no more is said.

    Each is between two times. One that only begins is heard again from its beginning, but where nothing follows it.
    """
    last_alone = len(tokens) >= 2 and tokens[-1] >= times > tokens[-2]
    places = [number for number in range(1, len(tokens)) if tokens[number - 1] >= times and tokens[number] >= times]
    if not places:
        told = [token for token in tokens if token >= times]
        end = (told[-1] - times) * STEP if told and told[-1] != times else size / PER_SECOND
        return [Stretch(0.0, end, tuple(tokens))], size, last_alone
    if last_alone:
        places.append(len(tokens))
    stretches = [
        Stretch((part[0] - times) * STEP, (part[-1] - times) * STEP, tuple(part))
        for part in (tokens[begin:end] for begin, end in pairwise([0, *places]))
    ]
    return stretches, size if last_alone else (tokens[places[-1] - 1] - times) * _PER_STEP, last_alone
