"""Whisper by CTranslate2, through faster-whisper."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import ctranslate2
import faster_whisper
import numpy as np
import numpy.typing as npt
from faster_whisper.transcribe import Segment as Told

from dovetail.core.speech import Segment, SpokenWord
from dovetail.workers.whisper.ear import Asked, Heard, check, temperatures
from dovetail.workers.whisper.sound import RATE, Samples

BEAMS = 5
Features = npt.NDArray[np.float32]


class Ct2Ear:
    """A folder as `ct2-transformers-converter` makes it. On a GPU where one is that CTranslate2 can use."""

    def __init__(self, model: Path, threads: int, *, gpu: bool) -> None:
        self._model = _loaded(model, threads, gpu=gpu)
        self.build = f"ctranslate2 {version('ctranslate2')}"
        self.languages = frozenset(self._model.supported_languages)

    def hear(self, samples: Samples, asked: Asked, passed: Callable[[float], None]) -> Heard:
        check(asked, self.languages)
        segments, info = self._model.transcribe(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            samples,
            language=asked.language,
            task=asked.task,
            beam_size=BEAMS,
            temperature=temperatures(asked),
            initial_prompt=asked.prompt or None,
            word_timestamps=asked.words,
            vad_filter=asked.vad,
            log_progress=False,
        )
        return Heard(info.language, _segments(segments, len(samples) / RATE, passed))


class _Model(faster_whisper.WhisperModel):
    """One made for shorter windows than 30 s, by its `preprocessor_config.json`, gets no longer ones."""

    # CTranslate2 has no types.
    def encode(self, features: Features) -> ctranslate2.StorageView:  # pyright: ignore[reportUnknownParameterType, reportUnknownMemberType]
        most: int = self.feature_extractor.nb_max_frames  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return super().encode(features[..., :most])  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _loaded(model: Path, threads: int, *, gpu: bool) -> faster_whisper.WhisperModel:
    if not (model / "tokenizer.json").is_file():
        raise FileNotFoundError("the folder has no tokenizer.json: copy it from the model's repository")
    kinds: list[tuple[Literal["cuda", "cpu"], str]] = [("cpu", "int8")]
    if gpu and ctranslate2.get_cuda_device_count():  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        kinds.insert(0, ("cuda", "default"))
    for device, kind in kinds:
        try:
            return _Model(str(model), device=device, compute_type=kind, cpu_threads=threads, local_files_only=True)
        except RuntimeError as error:
            if device == "cpu":
                raise
            sys.stderr.write(f"WARNING the GPU is not used: {error}\n")
    raise RuntimeError("no device")


def _segments(told: Iterable[Told], whole: float, passed: Callable[[float], None]) -> Iterator[Segment]:
    for segment in told:
        passed(min(segment.end, whole))
        yield Segment(
            start=segment.start,
            end=min(segment.end, whole),
            text=segment.text,
            tokens=tuple(segment.tokens),
            temperature=segment.temperature or 0.0,
            log_probability=segment.avg_logprob,
            compression_ratio=segment.compression_ratio,
            silence=segment.no_speech_prob,
            words=tuple(
                SpokenWord(min(word.start, whole), min(word.end, whole), word.word, word.probability)
                for word in segment.words or ()
            ),
        )
