"""Whisper by MLX, part by part: against other people's code, against brute force, and by property."""

import json
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import mlx.core as mx
import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.core.speech import Segment, SpokenWord
from dovetail.workers.whisper.ear import Asked
from dovetail.workers.whisper.mlx import folder, hearer, vocabulary
from dovetail.workers.whisper.mlx.alignment import smoothed, warped
from dovetail.workers.whisper.mlx.features import log_mel, window
from dovetail.workers.whisper.mlx.model import Shape
from dovetail.workers.whisper.mlx.passage import Passage, cut
from dovetail.workers.whisper.mlx.rules import Rules, log_softmax
from dovetail.workers.whisper.mlx.speech import Speech
from dovetail.workers.whisper.mlx.window import Written, compression

TOKENIZER = Path(__file__).parents[4] / "training" / "speech" / "tokenizer.json"
SIZE, TIMES, END, START = 51_865, 50_364, 50_257, 50_258
VOCABULARY = vocabulary.read(TOKENIZER, SIZE)


@pytest.mark.parametrize(("bands", "seconds"), [(80, 0.01), (80, 31.7), (128, 3.003)])
def test_sound_becomes_what_faster_whisper_makes_of_it(bands: int, seconds: float) -> None:
    samples = np.random.default_rng(1).standard_normal(round(seconds * 16_000), np.float32)
    samples[len(samples) // 2 :] *= 1e-4
    wanted = FeatureExtractor(feature_size=bands)(samples).T
    found = log_mel(samples, bands)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-3


def test_a_window_behind_the_end_is_filled_with_nothing() -> None:
    features = np.ones((7, 2), np.float32)
    assert window(features, 5, 4).tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]


def test_the_vocabulary_is_whispers_own() -> None:
    assert (VOCABULARY.end, VOCABULARY.start, VOCABULARY.times) == (END, START, TIMES)
    assert VOCABULARY.opening("de", "translate") == [START, 50_261, 50_358]
    assert len(VOCABULARY.languages) == 99
    assert {START, 50_358, 50_359, 50_360, 50_361, 50_362, 50_363} <= {*VOCABULARY.suppressed}
    assert END not in VOCABULARY.suppressed
    assert VOCABULARY.decode([TIMES, *VOCABULARY.encode(" one"), TIMES + 50, END]) == " one"


def test_words_are_cut_at_spaces_and_characters() -> None:
    tokens = VOCABULARY.encode(" one, zwei. fünf")
    assert "".join(word.text for word in VOCABULARY.words(tokens, "de")) == " one, zwei. fünf"
    assert [word.text for word in VOCABULARY.words(tokens, "de")] == [" one", ",", " zwei", ".", " fünf"]
    assert [token for word in VOCABULARY.words(tokens, "de") for token in word.tokens] == tokens
    assert all("\ufffd" not in word.text for word in VOCABULARY.words(VOCABULARY.encode("中文"), "zh"))


def test_another_models_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="belongs to another model"):
        vocabulary.read(TOKENIZER, SIZE + 1)
    other = tmp_path / "tokenizer.json"
    other.write_text(TOKENIZER.read_text().replace("startoftranscript", "begin"))
    with pytest.raises(ValueError, match="not that of a Whisper"):
        vocabulary.read(other, SIZE)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40), st.floats(-4, 12))
def test_whatever_a_model_wants_times_come_in_pairs_that_rise(seeds: list[int], bias: float) -> None:
    rules, written = Rules(VOCABULARY), list[int]()
    for seed in seeds:
        logits = np.random.default_rng(seed).standard_normal(SIZE).astype(np.float32)
        logits[TIMES:] += np.float32(bias - 6)
        rules.apply(logits, written)
        token = int(logits.argmax())
        assert math.isfinite(logits[token])
        assert log_softmax(logits)[token] <= 0
        if token == END:
            break
        written.append(token)
    assert TIMES <= written[0] <= TIMES + 50
    assert not {*VOCABULARY.suppressed} & {*written}
    times = [token for token in written if token >= TIMES]
    assert times == sorted(times)
    kinds = "".join("t" if token >= TIMES else "w" for token in written)
    assert "ttt" not in kinds
    assert not kinds.startswith("tt")
    stretches, step, _ = cut(written, TIMES, 3000)
    assert 0 < step <= 3000
    assert all(0 <= each.start <= each.end for each in stretches)


def test_segments_are_cut_between_two_times() -> None:
    def at(seconds: float) -> int:
        return TIMES + round(seconds * 50)

    whole = [at(0), 7, 8, at(1.5), at(2), 9, at(3)]
    stretches, step, closed = cut(whole, TIMES, 600)
    assert [(each.start, each.end) for each in stretches] == [(0, 1.5), (2, 3)]
    assert (step, closed) == (600, True), "nothing follows the last one"
    open_ended = [at(0), 7, at(1.5), at(2), 9]
    assert cut(open_ended, TIMES, 600)[1:] == (150, False), "what only begins is heard again"
    assert [each.tokens for each in cut(open_ended, TIMES, 600)[0]] == [(at(0), 7, at(1.5))]
    ((only,), step, closed) = cut([at(0), 7, 8], TIMES, 600)
    assert (only.start, only.end, step, closed) == (0, 6, 600, False)
    ((only,), step, closed) = cut([at(0), 7, at(1)], TIMES, 600)
    assert (only.end, step, closed) == (1, 600, True)


@dataclass
class Scripted:
    """A model that writes what it is told to, and whose last word ends so many seconds behind a window's beginning."""

    answers: list[tuple[list[int], float]]
    begun: list[float] = field(default_factory=list[float])

    shape = SimpleNamespace(text_context=448, frames=3000)

    def listen(self, features: mx.array) -> list[int]:
        return [len(features)]

    def write(self, *_: object) -> Written:
        return Written(tuple(self.answers[0][0]), 0.0, -0.1, 1.0, 0.0)

    def timed(self, segments: list[Segment], *_: object, at: float, **_more: object) -> list[Segment]:
        ends = at + self.answers[0][1]
        word = SpokenWord(at, ends, " one", 1.0)
        return [*segments[:-1], replace(segments[-1], end=ends, words=(word,))]

    def windows(self, seconds: float, *, words: bool) -> list[float]:
        """Where each begins."""
        parts = cast("Any", self)
        frames = round(seconds * 100)
        features = np.zeros((frames, 80), np.float32)
        for segment in Passage(parts, VOCABULARY, parts, parts, features, frames, "en", Asked(words=words)).segments(
            lambda _: None
        ):
            self.begun.append(round(segment.start, 2))
            self.answers.pop(0)
        return self.begun


@pytest.mark.parametrize(
    ("written", "ends", "words", "begun"),
    [
        # Heard again from the last time that was written, or with words from where the last of them ends.
        ([0, 1.5, 2.0], 1.2, False, 1.5),
        ([0, 1.5, 2.0], 1.2, True, 1.2),
        ([0, 1.5, 2.0], 1.8, True, 1.8),
        # An answer that breaks off: what it has not come to is lost without words.
        ([0], 21.3, False, 30.0),
        ([0], 21.3, True, 21.3),
        # A time by itself at the end: nothing more is said in the window.
        ([0, 1.5], 1.2, True, 30.0),
        # Words that end where the window begins say nothing.
        ([0, 1.5, 2.0], 0.0, True, 1.5),
    ],
)
def test_the_next_window_begins_where_the_last_word_ends(
    written: list[float], ends: float, words: bool, begun: float
) -> None:
    (one,) = VOCABULARY.encode(" one")[:1]
    times = [TIMES + round(time * 50) for time in written]
    first = [times[0], one, *times[1:2], *times[2:]] + ([one] if len(times) == 3 else [])
    last = [TIMES, one, TIMES + 50]
    assert Scripted([(first, ends), (last, 1.0)]).windows(31, words=words) == [0.0, begun]


def test_an_answer_is_tried_again_where_it_repeats_itself_or_is_unlikely() -> None:
    def answer(log_probability: float, ratio: float, silence: float) -> Written:
        return Written((), 0.0, log_probability, ratio, silence)

    assert not answer(-0.5, 1.2, 0.1).poor
    assert answer(-1.5, 1.2, 0.1).poor
    assert answer(-0.5, 2.5, 0.1).poor
    assert not answer(-1.5, 1.2, 0.7).poor
    assert answer(-1.5, 1.2, 0.7).nothing
    assert not answer(-0.5, 1.2, 0.7).nothing
    assert compression(" word" * 40) > 2.4 > compression(" these are six words of text")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_warped_way_is_the_cheapest(rows: int, columns: int, seed: int) -> None:
    costs = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    found = [*zip(*(part.tolist() for part in warped(costs)), strict=True)]
    assert found[0] == (0, 0)
    assert found[-1] == (rows - 1, columns - 1)
    assert {(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(found)} <= {(0, 1), (1, 0), (1, 1)}
    assert sum(costs[place] for place in found) == pytest.approx(cheapest(costs), abs=1e-4)


def cheapest(costs: "np.typing.NDArray[np.float32]") -> float:
    total: dict[tuple[int, int], float] = {}
    for row, column in product(range(costs.shape[0]), range(costs.shape[1])):
        before = [total[p] for p in ((row - 1, column - 1), (row - 1, column), (row, column - 1)) if p in total]
        total[row, column] = float(costs[row, column]) + (min(before) if before else 0.0)
    return total[costs.shape[0] - 1, costs.shape[1] - 1]


def test_a_lone_peak_is_smoothed_away() -> None:
    weights = np.zeros((1, 1, 20), np.float32)
    weights[0, 0, 9] = 5
    assert smoothed(weights).max() == 0
    assert smoothed(weights[:, :, :3]).shape == (1, 1, 3)


def test_times_of_speech_are_those_of_the_whole() -> None:
    speech = Speech(np.zeros(32_000, np.float32), ((0, 16_000, 16_000), (16_000, 80_000, 32_000)))
    plain = speech.restored(Segment(0.25, 1.0, " a"))
    assert (plain.start, plain.end) == (1.25, 2.0)
    timed = speech.restored(Segment(0, 2, " a b", words=(SpokenWord(0.5, 0.9, " a", 1), SpokenWord(1.2, 1.6, " b", 1))))
    assert (timed.start, timed.end) == (1.5, 5.6)


def test_no_time_is_behind_the_end_of_the_sound() -> None:
    behind = Segment(12.0, 14.0, " a", words=(SpokenWord(9.5, 14.0, " a", 1), SpokenWord(14.0, 14.5, " b", 1)))
    found = hearer._bounded(behind, 10.0)
    assert (found.start, found.end) == (10.0, 10.0)
    assert [(word.start, word.end) for word in found.words] == [(9.5, 10.0), (10.0, 10.0)]


def told(**other: object) -> str:
    sizes = {"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 8, "n_audio_head": 2, "n_audio_layer": 1}
    return json.dumps(
        {**sizes, "n_vocab": 99, "n_text_ctx": 448, "n_text_state": 8, "n_text_head": 2, "n_text_layer": 1, **other}
    )


def test_heads_that_no_layer_has_are_not_taken() -> None:
    shape = Shape(80, 1500, 8, 2, 1, 99, 448, 8, 2, 2, 3000)
    assert folder._heads(shape, None, {"alignment_heads": [[1, 1], [0, 1]]}) == ((1, 1), (0, 1))
    later = ((1, 0), (1, 1))
    others: list[Any] = [[[2, 0]], [[0, 0, 0]], [["0", 0]], [[{}, 0]], [7], "many", []]
    for said in others:
        assert folder._heads(shape, None, {"alignment_heads": said}) == later


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": "{}"}, "num_mel_bins is None"),
        ({"config.json": "[]"}, "no JSON object"),
        ({"config.json": '{"n_audio_ctx": 1500, "n_mels": "many"}'}, "n_mels is 'many'"),
        ({"config.json": told(n_audio_layer=1000)}, "n_audio_layer is 1000"),
        ({"config.json": told(n_audio_state=1 << 16)}, "n_audio_state is 65536"),
        ({"config.json": told(n_text_head=3)}, "n_text_head 3 does not divide n_text_state 8"),
        ({"config.json": told(quantization=True)}, "quantization does not say group_size"),
        ({"config.json": told(quantization={"bits": 4})}, "quantization does not say group_size"),
        (
            {"config.json": told(), "generation_config.json": '{"alignment_heads": [1, ["a", {}]]}'},
            "the weights do not fit config.json",
        ),
    ],
)
def test_a_folder_that_is_none_says_why(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    mx.save_safetensors(str(tmp_path / "weights.safetensors"), {"a": mx.zeros((1,))})  # pyright: ignore[reportUnknownMemberType]
    with pytest.raises(ValueError, match=said):
        folder.load(tmp_path)
