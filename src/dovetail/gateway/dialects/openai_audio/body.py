"""The forms of transcriptions and translations, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias, TypeVar

import orjson
from pydantic import Field, ValidationError

from dovetail.core.errors import InvalidRequest
from dovetail.core.languages import code_of
from dovetail.core.request import Json
from dovetail.core.speech import MAX_PROMPT, Task, TranscribeRequest
from dovetail.core.speech_fields import TRANSCRIPTION, TRANSLATION
from dovetail.gateway import errors
from dovetail.gateway.multipart import Form, Upload
from dovetail.gateway.openai import new_id
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.wire import Named, Refused, Wire, of

Format: TypeAlias = Literal["json", "text", "srt", "vtt", "verbose_json"]
Granularity: TypeAlias = Literal["segment", "word"]
_LISTS = frozenset(
    "timestamp_granularities include keywords known_speaker_names known_speaker_references languages".split()  # noqa: SIM905
)
_BOOLS = {"true": True, "1": True, "false": False, "0": False}
_Prompt: TypeAlias = Annotated[str, Field(max_length=MAX_PROMPT)] | None


class Cutting(Wire):
    """Speech by itself: what is none is left out, by bounds of the server's own."""

    type: Literal["server_vad"]
    prefix_padding_ms: Annotated[object, Refused(300)] = None
    silence_duration_ms: Annotated[object, Refused(200)] = None
    threshold: Annotated[object, Refused(0.5)] = None


class TranslationForm(Named):
    """The form of a translation."""

    file: Annotated[str, of(TRANSLATION["file"])]
    model: Annotated[ModelName | None, of(TRANSLATION["model"])] = None
    prompt: Annotated[_Prompt, of(TRANSLATION["prompt"])] = None
    response_format: Annotated[Format, of(TRANSLATION["response_format"])] = "json"
    temperature: Annotated[float | None, of(TRANSLATION["temperature"])] = None
    user: Annotated[object, of(TRANSLATION["user"])] = None


class TranscriptionForm(TranslationForm):
    """The form of a transcription."""

    language: Annotated[str | None, of(TRANSCRIPTION["language"])] = None
    timestamp_granularities: Annotated[list[Granularity] | None, of(TRANSCRIPTION["timestamp_granularities"])] = None
    stream: Annotated[bool | None, of(TRANSCRIPTION["stream"])] = None
    chunking_strategy: Annotated[Literal["auto"] | Cutting | None, of(TRANSCRIPTION["chunking_strategy"])] = None
    include: Annotated[object, of(TRANSCRIPTION["include"])] = None
    keywords: Annotated[object, of(TRANSCRIPTION["keywords"])] = None
    known_speaker_names: Annotated[object, of(TRANSCRIPTION["known_speaker_names"])] = None
    known_speaker_references: Annotated[object, of(TRANSCRIPTION["known_speaker_references"])] = None
    languages: Annotated[object, of(TRANSCRIPTION["languages"])] = None

    @property
    def words(self) -> bool:
        return "word" in (self.timestamp_granularities or ())

    @property
    def segments(self) -> bool:
        return self.timestamp_granularities is None or "segment" in self.timestamp_granularities

    def check(self) -> None:
        """Raises InvalidRequest for what cannot be had together."""
        if self.stream and self.response_format not in {"json", "text"}:
            raise InvalidRequest(
                f"stream goes with the response_format json or text, not {self.response_format}", param="stream"
            )
        if self.timestamp_granularities and self.response_format != "verbose_json":
            raise InvalidRequest(
                "timestamp_granularities goes with the response_format verbose_json", param="timestamp_granularities"
            )


FormT = TypeVar("FormT", bound=TranslationForm)


def read(model: type[FormT], form: Form) -> tuple[FormT, Upload]:
    """Raises InvalidRequest that names the field at fault."""
    if (upload := form.files.get("file")) is None:
        raise InvalidRequest("the form has no file: send the recording as its field file", param="file")
    said: dict[str, Json] = {name: _value(name, texts) for name, texts in form.fields.items() if name != "file"}
    try:
        body = model.model_validate({"file": upload.name, **said})
    except ValidationError as failure:
        raise errors.as_dovetail(failure) from None
    if isinstance(body, TranscriptionForm):
        body.check()
    return body, upload


def asked(body: TranslationForm, upload: Upload, model: str, task: Task) -> TranscribeRequest:
    """The core's form. Raises InvalidRequest for a language that Whisper was not taught."""
    found = TranscribeRequest(
        id=new_id("transcript"),
        model=model,
        file=upload.path,
        name=upload.name,
        task=task,
        prompt=body.prompt or None,
        temperature=body.temperature or None,
    )
    if not isinstance(body, TranscriptionForm):
        return found
    language = None
    if body.language and (language := code_of(body.language)) is None:
        raise InvalidRequest(
            f"language: {body.language[:64]!r} is none that Whisper was taught: send a code such as en",
            code="unsupported_language",
            param="language",
        )
    return replace(found, language=language, words=body.words, vad=body.chunking_strategy is not None)


def _value(name: str, texts: Sequence[str]) -> Json:
    """What a form's texts mean: a form knows no types."""
    if name in _LISTS:
        return list(texts)
    if len(texts) > 1:
        raise InvalidRequest(f"{name[:64]} is there {len(texts)} times", param=name[:64])
    text = texts[0]
    if name == "stream":
        return _BOOLS.get(text.lower(), text)
    if name == "temperature":
        return _number(text)
    if name == "chunking_strategy" and text.startswith("{"):
        return _object(text)
    return text


def _number(text: str) -> Json:
    try:
        return float(text)
    except ValueError:
        return text


def _object(text: str) -> Json:
    try:
        found: Mapping[str, Json] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return dict(found)
