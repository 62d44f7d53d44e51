"""What recordings say, through the real endpoint, by a real model that has never heard them."""

import asyncio
import io
import json
import re
from typing import Any, cast

import aiohttp
import numpy as np
import openai
import pytest
from openai.types.audio import Transcription, TranscriptionVerbose

from dovetail.gateway.dialects.openai_audio.answers import SpeechStatus, TranscriptEvent, TranscriptionAnswer

from ..serving.running import Running  # noqa: TID252
from .recordings import KINDS, MODEL, Samples, clips, emptied, encoded, joined, silence, wav

pytestmark = pytest.mark.anyio
PATH, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"
ENGLISH = {
    "null": "zero", "eins": "one", "zwei": "two", "drei": "three", "vier": "four", "fünf": "five", "sechs": "six",
    "sieben": "seven", "acht": "eight", "neun": "nine", "hallo": "hello", "halt": "stop", "links": "left",
    "rechts": "right", "oben": "up", "unten": "down", "ja": "yes", "nein": "no",
}  # fmt: skip


def form(data: bytes, name: str = "talk.wav", **fields: str | list[str]) -> aiohttp.FormData:
    made = aiohttp.FormData()
    for key, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            made.add_field(key, each)
    made.add_field("file", io.BytesIO(data), filename=name, content_type="application/octet-stream")
    return made


async def heard(http: aiohttp.ClientSession, data: bytes, path: str = PATH, **fields: Any) -> dict[str, Any]:
    async with http.post(path, data=form(data, **fields)) as answer:
        said = await answer.json()
        assert answer.status == 200, said
        return cast("dict[str, Any]", said)


def spoken(language: str, count: int = 1) -> list[Any]:
    return [clip for clip in clips() if clip.language == language][:count]


@pytest.mark.accept("A28", "P9", "S1", "S2")
@pytest.mark.field("/v1/audio/transcriptions file")
async def test_of_two_hundred_unheard_clips_95_in_100_are_right(http: aiohttp.ClientSession) -> None:
    wrong: list[str] = []
    assert len(clips()) == 200
    for number, clip in enumerate(clips()):
        said = await heard(http, wav(clip.samples), name=f"{number}.wav")
        assert TranscriptionAnswer.model_validate(said).filename == f"{number}.wav"
        if said["text"] != clip.text:
            wrong.append(f"{clip.text!r} was heard as {said['text']!r}")
    print(f"{200 - len(wrong)} of 200", *wrong, sep="\n")
    assert len(wrong) <= 10, wrong


@pytest.mark.accept("S1")
@pytest.mark.parametrize("kind", KINDS)
async def test_other_formats_say_the_same(http: aiohttp.ClientSession, kind: str) -> None:
    same = 0
    for clip in clips()[:20]:
        plain = await heard(http, wav(clip.samples))
        said = await heard(http, encoded(clip.samples, kind), name=f"talk.{kind}")
        same += plain["text"] == said["text"]
    assert same >= 19


@pytest.mark.field("/v1/audio/transcriptions language")
async def test_the_language_is_heard_or_said(http: aiohttp.ClientSession) -> None:
    (german,) = spoken("de")
    data = wav(german.samples)
    said = await heard(http, data, response_format="verbose_json")
    assert (said["language"], said["text"]) == ("german", german.text)
    for language in ("de", "German"):
        assert (await heard(http, data, language=language))["text"] == german.text
    other = await heard(http, data, language="en", response_format="verbose_json")
    assert other["language"] == "english"


@pytest.mark.field(
    "/v1/audio/translations file",
    "/v1/audio/translations model",
    "/v1/audio/translations response_format",
)
async def test_translations_are_english(http: aiohttp.ClientSession) -> None:
    right = 0
    for clip in spoken("de", 10):
        said = await heard(http, wav(clip.samples), TRANSLATIONS, model=MODEL, response_format="verbose_json")
        assert (said["task"], said["language"]) == ("translate", "english")
        right += said["text"] == " ".join(ENGLISH[word] for word in clip.text.split())
    assert right >= 8


@pytest.mark.field(
    "/v1/audio/transcriptions model",
    "/v1/audio/transcriptions response_format",
    "/v1/audio/transcriptions timestamp_granularities",
)
@pytest.mark.client("openai-python transcription")
async def test_every_form_of_an_answer(http: aiohttp.ClientSession, sdk: openai.AsyncOpenAI) -> None:
    (clip,) = spoken("en")
    data = wav(clip.samples)
    plain = await sdk.audio.transcriptions.create(file=("a.wav", data), model="whisper-1")
    assert isinstance(plain, Transcription)
    assert plain.text == clip.text
    whole = await sdk.audio.transcriptions.create(
        file=("a.wav", data), model=MODEL, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert isinstance(whole, TranscriptionVerbose)
    seconds = len(clip.samples) / 16_000
    assert whole.duration == pytest.approx(seconds, abs=0.01)
    assert whole.segments is not None
    assert whole.words is not None
    assert "".join(segment.text for segment in whole.segments).strip() == clip.text
    assert [word.word for word in whole.words] == clip.text.split()
    times = [time for word in whole.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= seconds
    words = await heard(http, data, response_format="verbose_json", timestamp_granularities=["word"])
    assert "segments" not in words
    for form_of, wanted in (("text", clip.text), ("srt", "00:00:00,"), ("vtt", "WEBVTT")):
        async with http.post(PATH, data=form(data, response_format=form_of)) as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type.startswith("text/")) == (200, True)
            assert wanted in text
            assert clip.text in text


@pytest.mark.field("/v1/audio/transcriptions stream")
async def test_a_stream_says_what_the_whole_says(http: aiohttp.ClientSession, sdk: openai.AsyncOpenAI) -> None:
    samples = joined([clip.samples for clip in spoken("en", 24)], pause=1.0)
    whole = await heard(http, wav(samples))
    deltas = list[str]()
    stream = await sdk.audio.transcriptions.create(file=("a.wav", wav(samples)), model=MODEL, stream=True)
    async for event in stream:
        TranscriptEvent.model_validate(event.model_dump(exclude_none=True))
        if event.type == "transcript.text.delta":
            deltas.append(event.delta)
        else:
            assert event.type == "transcript.text.done"
            assert event.text == "".join(deltas) == whole["text"]
            assert event.usage is not None
            assert event.usage.input_tokens == round(len(samples) / 16_000 * 50)
    assert len(deltas) > 1


async def test_a_long_recording_is_written_down_in_pieces_with_progress(http: aiohttp.ClientSession) -> None:
    samples = joined([clip.samples for clip in spoken("en", 100)], pause=1.8)
    assert len(samples) / 16_000 > 250  # more than one piece
    wanted = " ".join(clip.text for clip in spoken("en", 100)).split()
    seen: list[float] = []

    async def look() -> None:
        while True:
            async with http.get("/api/v1/requests") as answer:
                found = [each for each in (await answer.json())["data"] if each["kind"] == "transcription"]
            seen.extend(each["prefilled_tokens"] for each in found)
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    said = await heard(http, encoded(samples, "ogg"), name="long.ogg", response_format="verbose_json")
    looking.cancel()
    # The tiny model hears one utterance in a window, so that not all of it is written; but from all of it.
    assert said["text"].split()[:2] == wanted[:2]
    starts = [segment["start"] for segment in said["segments"]]
    assert starts == sorted(starts)
    assert starts[-1] > 240
    assert len(set(seen)) > 2
    assert seen == sorted(seen)


@pytest.mark.field(
    "/v1/audio/transcriptions prompt",
    "/v1/audio/transcriptions temperature",
    "/v1/audio/transcriptions chunking_strategy",
    "/v1/audio/translations prompt",
    "/v1/audio/translations temperature",
)
async def test_other_fields_do_what_they_say(http: aiohttp.ClientSession) -> None:
    (clip,) = spoken("en")
    data = wav(clip.samples)
    for path in (PATH, TRANSLATIONS):
        warm = await heard(http, data, path, temperature="0.4", response_format="verbose_json")
        assert {segment["temperature"] for segment in warm["segments"]} == {0.4}
        assert (await heard(http, data, path, prompt="one two"))["text"] == clip.text
    padded = wav(np.concatenate([silence(5), clip.samples, silence(5)]))
    for cut in ("auto", '{"type": "server_vad"}'):
        said = await heard(http, padded, chunking_strategy=cut, response_format="verbose_json")
        assert said["duration"] == pytest.approx(10 + len(clip.samples) / 16_000, abs=0.01)
        assert all(segment["start"] >= 4.5 for segment in said["segments"])


@pytest.mark.field("every refused", "every inert")
async def test_what_cannot_be_had_is_refused_by_name(http: aiohttp.ClientSession) -> None:
    data = wav(spoken("en")[0].samples)
    refused: dict[str, tuple[dict[str, Any], str]] = {
        "include": ({"include[]": ["logprobs"]}, "include"),
        "keywords": ({"keywords[]": ["x"]}, "keywords"),
        "languages": ({"languages[]": ["de"]}, "languages"),
        "names": ({"known_speaker_names[]": ["x"]}, "known_speaker_names"),
        "references": ({"known_speaker_references[]": ["data:"]}, "known_speaker_references"),
        "form": ({"response_format": "diarized_json"}, "response_format"),
        "stream": ({"stream": "true", "response_format": "srt"}, "stream"),
        "granularities": ({"timestamp_granularities[]": ["word"]}, "timestamp_granularities"),
        "temperature": ({"temperature": "2"}, "temperature"),
        "vad": ({"chunking_strategy": '{"type": "server_vad", "threshold": 0.9}'}, "chunking_strategy.threshold"),
        "language": ({"language": "klingon"}, "language"),
        "model": ({"model": "nobody"}, "model"),
        "twice": ({"model": [MODEL, MODEL]}, "model"),
    }
    for fields, param in refused.values():
        async with http.post(PATH, data=form(data, **fields)) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["param"]) in {(400, param), (404, param)}, fields
    async with http.post(PATH, data=form(data, user="me", colour="red")) as answer:
        assert (answer.status, answer.headers["x-dovetail-warnings"]) == (200, "unknown field: colour")


@pytest.mark.accept("G13", "G16")
async def test_it_says_whether_it_is_ready(http: aiohttp.ClientSession, server: Running) -> None:
    await heard(http, wav(spoken("en")[0].samples))
    async with http.get(PATH) as answer:
        status = SpeechStatus.model_validate(await answer.json())
    assert (status.enabled, status.ready, status.model) == (True, True, MODEL)
    async with http.get("/v1/models") as answer:
        (model,) = (await answer.json())["data"]
    assert (model["id"], model["format"], model["capabilities"]) == (MODEL, "whisper", ["transcription"])
    async with http.post("/v1/chat/completions", json={"model": MODEL, "messages": []}) as answer:
        assert answer.status == 400
    await emptied(server.home / "uploads")


async def test_a_worker_that_dies_is_gone_on_from(http: aiohttp.ClientSession, server: Running) -> None:
    samples = joined([clip.samples for clip in spoken("en", 60)], pause=1.0)
    deltas, done = list[str](), ""
    async with http.post(PATH, data=form(wav(samples), stream="true", language="en")) as answer:
        async for raw in answer.content:
            if found := re.search(r'"delta":"([^"]*)"', raw.decode()):
                deltas.append(found[1])
                if len(deltas) == 1:
                    (await server.worker(http, MODEL)).kill()
            elif "transcript.text.done" in raw.decode():
                done = raw.decode()
    lines = (server.home / "logs" / "dovetail.jsonl").read_text("utf-8").splitlines()
    (at,) = [json.loads(line)["at"] for line in lines if "transcription_goes_on" in line]
    assert 0 < at < len(samples) / 16000
    rest = await heard(http, wav(samples[round(at * 16000) :]), language="en")
    assert "".join(deltas).endswith(f" {rest['text']}")
    assert json.loads(done.removeprefix("data: "))["text"] == "".join(deltas).strip()


@pytest.mark.accept("G13")
async def test_a_client_that_leaves_frees_the_worker_that_was_shown_at_work(http: aiohttp.ClientSession) -> None:
    samples: Samples = joined([clip.samples for clip in spoken("en", 100)], pause=1.0)
    async with http.post(PATH, data=form(encoded(samples, "ogg"), stream="true")) as answer:
        await answer.content.readline()
        async with http.get("/management/processes") as shown:
            (process,) = (await shown.json())["processes"]
        (task,) = process["current_queue"]["queues"].values()
        assert (process["model_type"], task["transcription"]["stream"]) == ("whisper", True)
    async with asyncio.timeout(60):
        while True:
            async with http.get("/api/v1/requests") as answer:
                if not (await answer.json())["data"]:
                    break
            await asyncio.sleep(0.05)
    await heard(http, wav(spoken("en")[0].samples))
