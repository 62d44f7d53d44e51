"""The answers' forms, for the published description."""

from __future__ import annotations

from typing import Literal

from dovetail.gateway.answers import Answer
from dovetail.gateway.hearing import State


class TranscriptDuration(Answer):
    """Seconds that were heard, rounded up."""

    type: Literal["duration"] = "duration"
    seconds: int


class TranscriptTokens(Answer):
    """Tokens: of the sound, 50 a second, and of the text."""

    type: Literal["tokens"] = "tokens"
    input_tokens: int
    output_tokens: int
    total_tokens: int


class SpokenSegment(Answer):
    """A stretch of speech; times in seconds."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class TimedWord(Answer):
    """A word; times in seconds."""

    word: str
    start: float
    end: float


class TranscriptionAnswer(Answer):
    """What was heard. As verbose_json with the language, the duration and what `timestamp_granularities` asks for."""

    filename: str
    text: str
    usage: TranscriptDuration
    task: Literal["transcribe", "translate"] | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[SpokenSegment] | None = None
    words: list[TimedWord] | None = None


class TranscriptEvent(Answer):
    """More text, or the whole of it."""

    type: Literal["transcript.text.delta", "transcript.text.done"]
    delta: str | None = None
    text: str | None = None
    usage: TranscriptTokens | None = None


class SpeechStatus(Answer):
    """Whether recordings are written down. `message`: what to do where they are not.

    installed  whether the extra `speech` is there
    progress   of a model that is being downloaded, from 0 to 1
    """

    enabled: bool
    installed: bool
    ready: bool
    status: State
    model: str | None
    progress: float | None
    message: str | None
