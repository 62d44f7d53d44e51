"""What was heard, in each form of an answer."""

import pytest

from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.languages import NAMES, code_of
from dovetail.core.speech import Recording, Segment, SpokenWord
from dovetail.gateway.dialects.openai_audio.reply import LiveTranscript, Transcript

HEARD = (
    Segment(0.0, 1.5, " one two", (472, 732), words=(SpokenWord(0.1, 0.6, " one", 0.9),)),
    Segment(3661.0, 3662.25, " a --> b"),
)


def whole(form: str) -> str:
    transcript = Transcript(form, "talk.wav", words=True)  # pyright: ignore[reportArgumentType]
    for event in (Recording(3700.2, "de"), *HEARD):
        assert transcript.frames(event) == b""
    return transcript.end().decode()


def test_subtitles() -> None:
    assert whole("text") == "one two a --> b\n"
    assert whole("srt") == ("1\n00:00:00,000 --> 00:00:01,500\none two\n\n2\n01:01:01,000 --> 01:01:02,250\na -> b\n\n")
    assert whole("vtt").startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\none two\n\n01:01:01.000")


def test_objects() -> None:
    assert whole("json") == (
        '{"filename":"talk.wav","text":"one two a --> b","usage":{"type":"duration","seconds":3701}}'
    )
    told = whole("verbose_json")
    assert '"language":"german"' in told
    assert '"words":[{"word":"one","start":0.1,"end":0.6}]' in told


def test_a_stream_adds_up() -> None:
    live = LiveTranscript()
    frames = [live.frames(event) for event in (Recording(5, "en"), *HEARD)]
    live.frames(Finished("stop", Usage(250, 4), Timings()))
    assert frames[0] == b""
    assert b'"delta":"one two"' in frames[1]
    assert b'"delta":" a --> b"' in frames[2]
    assert b'"text":"one two a --> b","usage":{"type":"tokens","input_tokens":250' in live.end()


@pytest.mark.parametrize(("said", "code"), [("de", "de"), (" German ", "de"), ("EN", "en"), ("haitian creole", "ht")])
def test_languages_go_by_code_and_name(said: str, code: str) -> None:
    assert code_of(said) == code
    assert code_of("klingon") is None
    assert len(NAMES) == 100
