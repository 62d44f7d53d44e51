"""One recording on its way through the model, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from dovetail.core.events import Prefill
from dovetail.core.speech import Recording, Segment
from dovetail.workers.whisper.ear import Asked, Ear
from dovetail.workers.whisper.sound import Piece, pieces, survey

POSITIONS = 50  # a second: what the encoder makes of a recording
CONTEXT = 800  # characters of what was written that the next piece goes on from

Outcome: TypeAlias = Recording | Prefill | Segment


@dataclass(frozen=True, slots=True)
class Job:
    """`start`: seconds that have been written down before; `most`: seconds that a recording may have."""

    file: Path
    asked: Asked
    start: float
    most: float

    def run(self, ear: Ear, tell: Callable[[Outcome], None], check: Callable[[], None]) -> tuple[int, int]:
        """Writes it down, piece after piece; its positions, and the tokens that were written. Blocks; raises Problem.

        `tell` is told each event as it is known, `check` called between: what they raise ends the work.
        """
        duration = survey(self.file, self.most, check).duration
        asked, told, written = self.asked, False, 0
        with closing(pieces(self.file, self.start, check)) as found:
            for piece in found:
                tell(_progress(duration, piece.start))
                if piece.silent:
                    continue
                heard = ear.hear(
                    piece.samples, asked, lambda done, at=piece.start: tell(_progress(duration, at + done))
                )
                if not told:
                    told = True
                    tell(Recording(duration, heard.language))
                text = ""
                for segment in _moved(heard.segments, piece):
                    tell(segment)
                    text += segment.text
                    written += len(segment.tokens)
                # The language of the first speech is that of all, as in one window after another.
                asked = replace(asked, language=heard.language, prompt=(text or asked.prompt or "")[-CONTEXT:] or None)
        if not told:
            tell(Recording(duration, asked.language or ""))
        tell(_progress(duration, duration))
        return round(duration * POSITIONS), written


def _progress(duration: float, done: float) -> Prefill:
    whole = round(duration * POSITIONS)
    return Prefill(whole, 0, min(round(done * POSITIONS), whole))


def _moved(segments: Iterator[Segment], piece: Piece) -> Iterator[Segment]:
    """With times from the recording's start."""
    for segment in segments:
        by = piece.start
        words = tuple(replace(word, start=word.start + by, end=word.end + by) for word in segment.words)
        yield replace(segment, start=segment.start + by, end=segment.end + by, words=words)
