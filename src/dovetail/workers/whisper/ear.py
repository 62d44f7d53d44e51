"""What hears: a loaded model, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dovetail.core.speech import Segment, Task
from dovetail.workers.whisper.sound import Samples


@dataclass(frozen=True, slots=True)
class Asked:
    """How a piece of a recording is to be written down; as in `core.speech.TranscribeRequest`."""

    task: Task = "transcribe"
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    words: bool = False
    vad: bool = False


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
    """The model in the folder `model`, loaded by what its files are made for. Blocks; raises whatever is wrong."""
    from dovetail.workers.whisper.ct2 import Ct2Ear

    return Ct2Ear(model, threads, gpu=gpu)
