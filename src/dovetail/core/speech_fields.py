"""The fields of OpenAI's transcriptions and translations, as the `openai` package 2 types them."""

from __future__ import annotations

from dovetail.core.field import FieldSpec, Table, inert, refused, table
from dovetail.core.speech import MAX_TEMPERATURE

_NAMED = "Nobody tells speakers apart here."

TRANSLATION: Table = table(
    FieldSpec("file", "The recording: WAV, MP3, M4A, WebM, Ogg, FLAC and others."),
    FieldSpec("model", "A Whisper model's id; left out, and as `whisper-1`, the one of `speech.model`."),
    FieldSpec("prompt", "Text that the recording is thought to go on from: names, spellings."),
    FieldSpec("response_format", "json, text, srt, vtt or verbose_json."),
    FieldSpec(
        "temperature",
        "0, and where it is left out: the likeliest text, drawn again at higher ones where it repeats itself.",
        0,
        MAX_TEMPERATURE,
    ),
    inert("user", "Who asks; says nothing of the answer."),
)

TRANSCRIPTION: Table = {
    **TRANSLATION,
    **table(
        FieldSpec("language", "As ISO 639-1 has it, or its English name; left out: as the model hears it."),
        FieldSpec(
            "timestamp_granularities",
            "segment, word or both, of verbose_json.",
            aliases=("timestamp_granularities[]",),
        ),
        FieldSpec("stream", "Server-sent events, a segment at a time; as json or text."),
        FieldSpec("chunking_strategy", '"auto" or `{"type": "server_vad"}`: what is no speech is left out before.'),
        refused("include", [], meaning="Whisper has no logprobs of single tokens.", aliases=("include[]",)),
        refused("keywords", [], meaning="`prompt` here.", aliases=("keywords[]",)),
        refused("known_speaker_names", [], meaning=_NAMED, aliases=("known_speaker_names[]",)),
        refused("known_speaker_references", [], meaning=_NAMED, aliases=("known_speaker_references[]",)),
        refused("languages", [], meaning="`language` here.", aliases=("languages[]",)),
    ),
}

ROUTES: dict[str, Table] = {
    "/v1/audio/transcriptions": TRANSCRIPTION,
    "/v1/audio/translations": TRANSLATION,
}
