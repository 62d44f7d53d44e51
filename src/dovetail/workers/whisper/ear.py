"""What hears: a loaded model, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from dovetail.core.speech import Segment, Task
from dovetail.workers.whisper.problem import Problem
from dovetail.workers.whisper.sound import Samples

# Of a request that leaves it open.
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a piece of a recording is to be written down; as in `core.speech.TranscribeRequest`."""

    task: Task = "transcribe"
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    words: bool = False
    vad: bool = False


def temperatures(asked: Asked) -> tuple[float, ...]:
    """Tried one after another, while an answer repeats itself or is unlikely."""
    return (asked.temperature,) if asked.temperature else TEMPERATURES


def check(asked: Asked, languages: frozenset[str]) -> None:
    """Raises Problem for what a model of these languages cannot do."""
    if asked.language is not None and asked.language not in languages:
        raise Problem("unsupported_language", f"this model does not know the language {asked.language!r}")
    if asked.task == "translate" and len(languages) == 1:
        raise Problem("unsupported_task", "this model knows English alone, and translates nothing")


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece: its language, and its segments as they are computed; times from the piece's start."""

    language: str
    segments: Iterator[Segment]


class Ear(Protocol):
    """Used by one thread at a time. Leaving `Heard.segments` unread ends the work within a window of 30 seconds."""

    @property
    def build(self) -> str:
        """The engine and its version."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """Codes it can be asked for; English alone where the model knows no other."""
        ...

    def hear(self, samples: Samples, asked: Asked, passed: Callable[[float], None]) -> Heard:
        """`passed` is told how many seconds of the piece are done. Raises Problem."""
        ...


def open_ear(model: Path, threads: int, *, gpu: bool) -> Ear:
    """The model in the folder `model`, by what its files are made for. `threads` are CTranslate2's alone.

    Blocks; raises whatever is wrong. Called on the thread that will use it.
    """
    if (model / "model.bin").is_file() and any(model.glob("vocabulary.*")):
        from dovetail.workers.whisper.ct2 import Ct2Ear

        return Ct2Ear(model, threads, gpu=gpu)
    if find_spec("mlx") is None:
        raise FileNotFoundError(
            "this Whisper is one for MLX, which is not installed on this platform: take one for CTranslate2, such as "
            "Systran/faster-whisper-small"
        )
    from dovetail.workers.whisper.mlx.hearer import MlxEar

    return MlxEar(model, gpu=gpu)
