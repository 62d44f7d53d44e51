"""The ear over a Whisper for MLX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx

from dovetail.core.speech import Segment
from dovetail.workers.whisper.ear import Asked, Heard, check
from dovetail.workers.whisper.mlx import folder, speech, vocabulary
from dovetail.workers.whisper.mlx.alignment import Aligner
from dovetail.workers.whisper.mlx.features import HOP, log_mel
from dovetail.workers.whisper.mlx.passage import Passage, listened
from dovetail.workers.whisper.mlx.window import Writer
from dovetail.workers.whisper.sound import RATE, Samples

_SPARE = 256 << 20  # bytes of buffers that MLX may keep for the next window


class MlxEar:
    """Made, used and let go of on one thread: MLX's streams belong to it."""

    def __init__(self, model: Path, *, gpu: bool) -> None:
        if not gpu:
            mx.set_default_device(mx.Device(mx.cpu))
        mx.set_cache_limit(_SPARE)
        self._model, heads = folder.load(model)
        self._vocabulary = vocabulary.read(model / "tokenizer.json", self._model.shape.vocabulary)
        self._writer = Writer(self._model, self._vocabulary)
        self._aligner = Aligner(self._model, self._vocabulary, heads)
        self.build = f"mlx {version('mlx')}"
        self.languages = frozenset(self._vocabulary.languages or {"en"})

    def hear(self, samples: Samples, asked: Asked, passed: Callable[[float], None]) -> Heard:
        check(asked, self.languages)
        spoken = speech.found(samples) if asked.vad else None
        sound = samples if spoken is None else spoken.samples
        features = log_mel(sound, self._model.shape.mels)
        frames = len(sound) // HOP
        language, begun = asked.language or "en", None
        if asked.language is None and self._vocabulary.languages:
            begun = listened(self._model, features, 0, min(frames, self._model.shape.frames))
            language = self._writer.language(begun)
        passage = Passage(
            self._model, self._vocabulary, self._writer, self._aligner, features, frames, language, asked, begun
        )
        told = passage.segments(passed)
        whole = len(samples) / RATE
        return Heard(language, (_bounded(each if spoken is None else spoken.restored(each), whole) for each in told))


def _bounded(segment: Segment, whole: float) -> Segment:
    """A segment and its words lie within the sound: a model may write times that are behind its end."""
    words = tuple(replace(word, start=min(word.start, whole), end=min(word.end, whole)) for word in segment.words)
    return replace(segment, start=min(segment.start, whole), end=min(segment.end, whole), words=words)
