"""What was heard, in OpenAI's forms: a JSON object, plain text, subtitles, or events."""

from __future__ import annotations

import math
from typing import cast

import orjson

from dovetail.core.events import Finished
from dovetail.core.languages import NAMES
from dovetail.core.request import Json, JsonObject
from dovetail.core.speech import Recording, Segment, Spoken, Task
from dovetail.gateway.dialects.openai_audio.body import Format
from dovetail.gateway.openai import OpenAIErrors

TEXT, JSON = "text/plain; charset=utf-8", "application/json"
MEDIA_TYPES: dict[Format, str] = {"srt": TEXT, "text": TEXT, "vtt": "text/vtt; charset=utf-8"}


class Transcript(OpenAIErrors):
    """One answer. `name` is what the client calls the recording; `words` and `segments`: what verbose_json lists."""

    def __init__(
        self, form: Format, name: str, task: Task = "transcribe", *, words: bool = False, segments: bool = True
    ) -> None:
        self.streamed = False
        self._form: Format = form
        self._name = name
        self._task = task
        self._words = words
        self._segments = segments
        self._recording = Recording(0.0, "")
        self._heard: list[Segment] = []

    def frames(self, event: Spoken | Finished) -> bytes:
        match event:
            case Recording():
                self._recording = event
            case Segment():
                self._heard.append(event)
            case Finished():
                pass
        return b""

    def end(self) -> bytes:
        match self._form:
            case "json":
                usage = {"type": "duration", "seconds": math.ceil(self._recording.duration)}
                return orjson.dumps({"filename": self._name, "text": self.text, "usage": usage})
            case "verbose_json":
                return orjson.dumps(self._verbose())
            case "text":
                return f"{self.text}\n".encode()
            case "srt":
                return "".join(_srt(number, each) for number, each in enumerate(self._heard, 1)).encode()
            case "vtt":
                return ("WEBVTT\n\n" + "".join(map(_vtt, self._heard))).encode()

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self._heard).strip()

    def _verbose(self) -> JsonObject:
        spoken = "en" if self._task == "translate" else self._recording.language
        whole: JsonObject = {
            "task": self._task,
            "language": NAMES.get(spoken, spoken),
            "duration": round(self._recording.duration, 3),
            "text": self.text,
            "filename": self._name,
            "usage": {"type": "duration", "seconds": math.ceil(self._recording.duration)},
        }
        if self._segments:
            segments: list[Json] = [_segment(number, each) for number, each in enumerate(self._heard)]
            whole["segments"] = segments
        if self._words:
            words: list[Json] = [
                {"word": word.text.strip(), "start": round(word.start, 2), "end": round(word.end, 2)}
                for segment in self._heard
                for word in segment.words
            ]
            whole["words"] = words
        return whole


class LiveTranscript(OpenAIErrors):
    """The same as it is heard: a delta for each segment, and the whole at the end."""

    streamed = True

    def __init__(self) -> None:
        self._text = ""
        self._usage: JsonObject = {}

    def frames(self, event: Spoken | Finished) -> bytes:
        match event:
            case Segment(text=text):
                delta = text if self._text else text.lstrip()
                self._text += delta
                return _event({"type": "transcript.text.delta", "delta": delta}) if delta else b""
            case Finished(usage=usage):
                counts = {"input_tokens": usage.prompt, "output_tokens": usage.completion}
                self._usage = {"type": "tokens", **counts, "total_tokens": usage.prompt + usage.completion}
                return b""
            case Recording():
                return b""

    def end(self) -> bytes:
        return _event({"type": "transcript.text.done", "text": self._text, "usage": self._usage})


def _event(body: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def _segment(number: int, segment: Segment) -> JsonObject:
    return {
        "id": number,
        "seek": round(segment.start * 100),
        "start": round(segment.start, 2),
        "end": round(segment.end, 2),
        "text": segment.text,
        "tokens": cast("list[Json]", list(segment.tokens)),
        "temperature": segment.temperature,
        "avg_logprob": segment.log_probability,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.silence,
    }


def _srt(number: int, segment: Segment) -> str:
    return f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{_line(segment)}\n\n"


def _vtt(segment: Segment) -> str:
    return f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{_line(segment)}\n\n"


def _line(segment: Segment) -> str:
    """A subtitle's text, in which an arrow would begin another."""
    return segment.text.strip().replace("-->", "->")


def _clock(seconds: float, point: str) -> str:
    thousandths = round(seconds * 1000)
    hours, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
