"""A Whisper for MLX through the real endpoint: the very weights that CTranslate2 has, on MLX's processor backend."""

import json
import re
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import aiohttp
import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest

from dovetail.gateway.dialects.openai_audio.answers import SpeechStatus
from dovetail.workers.whisper.ct2 import Ct2Ear
from dovetail.workers.whisper.ear import Asked, Ear, open_ear
from dovetail.workers.whisper.mlx.hearer import MlxEar

from ..serving.running import Running, running  # noqa: TID252
from .recordings import Clip, Samples, clips, for_mlx, joined, silence, wav
from .test_transcriptions import ENGLISH, PATH, TRANSLATIONS, form, heard, spoken

pytestmark = pytest.mark.anyio
NAME = "tiny-whisper-mlx"


@pytest.fixture(scope="module")
async def mlx_server(tmp_path_factory: pytest.TempPathFactory, mlx_folder: Path) -> AsyncGenerator[Running]:
    flags = ["--enable-whisper", "--whisper-model", str(mlx_folder), "--no-demo"]
    async with running(tmp_path_factory.mktemp("home"), flags, {}) as process:
        yield process


@pytest.fixture
async def ears(mlx_server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(mlx_server.url, timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield session


def floats(samples: Samples) -> npt.NDArray[np.float32]:
    return (samples / 32768).astype(np.float32)


def said(ear: Ear, clip: Clip) -> str:
    told = ear.hear(floats(clip.samples), Asked(), lambda _: None)
    return "".join(segment.text for segment in told.segments).strip()


@pytest.mark.accept("S1")
def test_mlx_writes_what_ctranslate2_writes(folder: Path, mlx_folder: Path) -> None:
    """Of the same weights: they differ in how they search, and in what 8 bits round away."""
    one, other = Ct2Ear(folder, 1, gpu=False), MlxEar(mlx_folder, gpu=False)
    pairs = [(clip.text, said(one, clip), said(other, clip)) for clip in clips()[:100]]
    different = [pair for pair in pairs if pair[1] != pair[2]]
    right = sum(text == written for text, _, written in pairs)
    print(f"{len(pairs) - len(different)} of {len(pairs)} the same, {right} right by MLX", *different, sep="\n")
    assert len(different) <= 5
    assert right >= 95


@pytest.mark.parametrize("form_of", ["huggingface", "arrays", "8 bits", "16 bits"])
def test_every_form_of_the_folder_says_the_same(folder: Path, mlx_folder: Path, tmp_path: Path, form_of: str) -> None:
    made = tmp_path / "ear"
    if form_of == "huggingface":
        for_mlx(folder, made, "huggingface")
    else:
        shutil.copytree(mlx_folder, made)
        weights = cast("dict[str, mx.array]", mx.load(str(made / "weights.safetensors")))
        (made / "weights.safetensors").unlink()
        if form_of == "8 bits":
            config = json.loads((made / "config.json").read_text())
            (made / "config.json").write_text(json.dumps({**config, "quantization": {"group_size": 32, "bits": 8}}))
            weights = quantised(weights)
        if form_of == "16 bits":
            weights = {n: a.astype(mx.float16) if a.dtype == mx.float32 else a for n, a in weights.items()}
        if form_of == "arrays":
            mx.savez(str(made / "weights.npz"), **weights)  # pyright: ignore[reportUnknownMemberType]
        else:
            mx.save_safetensors(str(made / "weights.safetensors"), weights)  # pyright: ignore[reportUnknownMemberType]
    ear, plain = open_ear(made, 1, gpu=False), MlxEar(mlx_folder, gpu=False)
    assert ear.build.startswith("mlx ")
    same = sum(said(ear, clip) == said(plain, clip) for clip in clips()[:10])
    assert same == 10


def quantised(weights: dict[str, mx.array]) -> dict[str, mx.array]:
    """As MLX's conversions do it: matrices in groups, the rest as it was."""
    made: dict[str, mx.array] = {}
    for name, array in weights.items():
        if name.endswith(".weight") and array.ndim == 2:
            packed, scales, biases = mx.quantize(array, group_size=32, bits=8)
            stem = name.removesuffix(".weight")
            made |= {name: packed, f"{stem}.scales": scales, f"{stem}.biases": biases}
        else:
            made[name] = array
    return made


@pytest.mark.accept("A28", "S1", "P9")
async def test_through_the_endpoint(ears: aiohttp.ClientSession) -> None:
    (english,), (german,) = spoken("en"), spoken("de")
    assert (await heard(ears, wav(english.samples)))["text"] == english.text
    whole = await heard(ears, wav(german.samples), response_format="verbose_json")
    assert (whole["language"], whole["text"]) == ("german", german.text)
    (segment,) = whole["segments"]
    assert 0 <= segment["start"] < segment["end"] <= whole["duration"] + 0.01
    assert segment["text"].strip() == german.text
    assert segment["avg_logprob"] < 0
    assert 0 <= segment["no_speech_prob"] < 0.6
    assert (await heard(ears, wav(german.samples), language="de"))["text"] == german.text
    other = await heard(ears, wav(german.samples), language="en", response_format="verbose_json")
    assert other["language"] == "english"
    warm = await heard(ears, wav(english.samples), temperature="0.4", response_format="verbose_json")
    assert {each["temperature"] for each in warm["segments"]} == {0.4}
    assert (await heard(ears, wav(english.samples), prompt="one two"))["text"] == english.text
    assert (await heard(ears, wav(silence(3))))["text"] == ""
    async with ears.get(PATH) as answer:
        status = SpeechStatus.model_validate(await answer.json())
    assert (status.ready, status.model) == (True, NAME)


@pytest.mark.accept("A28")
async def test_translations_are_english_by_mlx_too(ears: aiohttp.ClientSession) -> None:
    right = 0
    for clip in spoken("de", 10):
        told = await heard(ears, wav(clip.samples), TRANSLATIONS)
        right += told["text"] == " ".join(ENGLISH[word] for word in clip.text.split())
    assert right >= 8


async def test_words_have_times_that_ctranslate2_agrees_with(folder: Path, mlx_folder: Path) -> None:
    one, other = Ct2Ear(folder, 1, gpu=False), MlxEar(mlx_folder, gpu=False)
    near, count = 0, 0
    for clip in clips()[:40]:
        samples = floats(clip.samples)
        told = [
            [
                word
                for segment in ear.hear(samples, Asked(words=True), lambda _: None).segments
                for word in segment.words
            ]
            for ear in (one, other)
        ]
        if [word.text for word in told[0]] != [word.text for word in told[1]]:
            continue
        times = [time for word in told[1] for time in (word.start, word.end)]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= len(samples) / 16_000
        count += len(told[0])
        near += sum(abs(a.start - b.start) + abs(a.end - b.end) < 0.2 for a, b in zip(*told, strict=True))
    print(f"{near} of {count} words at the same time")
    assert count > 30
    assert near / count > 0.9


async def test_what_is_no_speech_is_left_out_and_times_stay(ears: aiohttp.ClientSession) -> None:
    (clip,) = spoken("en")
    padded = wav(np.concatenate([silence(5), clip.samples, silence(5)]))
    told = await heard(
        ears,
        padded,
        chunking_strategy="auto",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert all(segment["start"] >= 4.5 for segment in told["segments"])
    assert told["words"]
    assert all(4.5 <= word["start"] <= word["end"] <= 6 + len(clip.samples) / 16_000 for word in told["words"])


async def test_a_stream_goes_on_behind_the_last_segment_when_the_worker_dies(
    ears: aiohttp.ClientSession, mlx_server: Running
) -> None:
    samples = joined([clip.samples for clip in spoken("en", 40)], pause=1.0)
    deltas, done = list[str](), ""
    async with ears.post(PATH, data=form(wav(samples), stream="true", language="en")) as answer:
        async for raw in answer.content:
            if found := re.search(r'"delta":"([^"]*)"', raw.decode()):
                deltas.append(found[1])
                if len(deltas) == 1:
                    (await mlx_server.worker(ears, NAME)).kill()
            elif "transcript.text.done" in raw.decode():
                done = raw.decode()
    lines = (mlx_server.home / "logs" / "dovetail.jsonl").read_text("utf-8").splitlines()
    (at,) = [json.loads(line)["at"] for line in lines if "transcription_goes_on" in line]
    assert 0 < at < len(samples) / 16_000
    assert json.loads(done.removeprefix("data: "))["text"] == "".join(deltas).strip()
    rest = await heard(ears, wav(samples[round(at * 16_000) :]), language="en")
    assert "".join(deltas).endswith(f" {rest['text']}")


async def test_without_a_tokenizer_it_says_where_one_is(mlx_folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "ears" / "ear"
    shutil.copytree(mlx_folder, made, ignore=shutil.ignore_patterns("tokenizer.json"))
    flags = ["--enable-whisper", "--whisper-model", str(made), "--no-demo"]
    async with running(tmp_path, flags) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get(PATH) as answer:
            status = SpeechStatus.model_validate(await answer.json())
        assert (status.status, status.ready) == ("failed", False)
        async with http.post(PATH, data=form(wav(clips()[0].samples))) as answer:
            told = (await answer.json())["error"]["message"]
    for message in (status.message or "", told):
        assert "tokenizer.json is missing" in message
        assert "openai/whisper-tiny" in message
