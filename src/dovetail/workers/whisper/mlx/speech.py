"""What of a piece is speech: the rest is left out before the model hears it, and times are put back after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from dovetail.core.speech import Segment
from dovetail.workers.whisper.sound import RATE, Samples


@dataclass(frozen=True, slots=True)
class Speech:
    """`samples`: the stretches one after another. Each is (where it begins here, where there, its end here)."""

    samples: Samples
    stretches: tuple[tuple[int, int, int], ...]

    def restored(self, segment: Segment) -> Segment:
        """With the times of the whole piece."""
        words = tuple(
            replace(word, start=word.start + moved, end=word.end + moved)
            for word in segment.words
            for moved in [self._moved((word.start + word.end) / 2)]
        )
        if words:
            return replace(segment, start=words[0].start, end=words[-1].end, words=words)
        last = max(segment.start, segment.end - 1 / RATE)
        return replace(segment, start=segment.start + self._moved(segment.start), end=segment.end + self._moved(last))

    def _moved(self, time: float) -> float:
        """Seconds by which what is at `time` here was later there."""
        at = int(time * RATE)
        for here, there, end in self.stretches:
            if at < end:
                return (there - here) / RATE
        return (self.stretches[-1][1] - self.stretches[-1][0]) / RATE if self.stretches else 0.0


def found(samples: Samples) -> Speech:
    """By Silero's detector, which faster-whisper brings. Blocks."""
    from faster_whisper.vad import get_speech_timestamps  # pyright: ignore[reportUnknownVariableType]

    parts, stretches, at = list[Samples](), list[tuple[int, int, int]](), 0
    for each in cast("list[dict[str, int]]", get_speech_timestamps(samples)):  # pyright: ignore[reportUnknownMemberType]
        part = samples[each["start"] : each["end"]]
        parts.append(part)
        stretches.append((at, each["start"], at + len(part)))
        at += len(part)
    return Speech(np.concatenate(parts) if parts else samples[:0], tuple(stretches))
