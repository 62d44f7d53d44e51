"""What is asked of a model that hears, and what it answers: a recording's facts, then one segment after another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from dovetail.core.events import Finished, Progress

Task: TypeAlias = Literal["transcribe", "translate"]
MAX_TEMPERATURE = 1.0
MAX_PROMPT = 16_384  # characters; a model keeps the last 224 tokens


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """A recording to be written down, or translated into English.

    file         where the upload lies on this machine, for as long as the request lasts
    name         what the client calls it: a label, never a path
    language     as ISO 639-1 has it; None: as the model hears it
    prompt       text that the recording is thought to go on from: names, spellings
    temperature  None: 0, and higher where the answer repeats itself or is unlikely
    words        whether each segment has the times of its words
    vad          whether what is no speech is left out before the model hears it
    start        seconds that have been written down already
    most_seconds a longer recording is refused
    """

    id: str
    model: str
    file: Path
    name: str = ""
    task: Task = "transcribe"
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    words: bool = False
    vad: bool = False
    start: float = 0.0
    most_seconds: float = 14_400.0


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known before the first segment: seconds in all, and the language, empty where nothing is said."""

    duration: float
    language: str


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """Seconds from the recording's start; `probability` is the model's own."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, its text as the model writes it: with the space before it.

    tokens             ids of the text, times among them
    temperature        that it was drawn with
    log_probability    of a token, on average
    compression_ratio  of the text by zlib: high where it repeats itself
    silence            how likely nobody speaks
    """

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    log_probability: float = 0.0
    compression_ratio: float = 0.0
    silence: float = 0.0
    words: tuple[SpokenWord, ...] = ()


# One Recording, then segments; Prefill between them counts the sound's own tokens, 50 a second.
Spoken: TypeAlias = Recording | Segment
SpeechEvent: TypeAlias = Progress | Spoken | Finished
