"""Windows of sound with what is to be written about them, as Whisper was taught: times, tasks, prompts, silence."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.speech.words import (
    END,
    IDS,
    LANGUAGES,
    NO_SPEECH,
    NO_TIMES,
    PREVIOUS,
    START,
    STEP,
    TIMES,
    TRANSCRIBE,
    TRANSLATE,
    english,
    tokens,
)

_RATE, _HOP, _FFT = 16_000, 160, 400
_WORD_INDEX = {word: index + 1 for index, word in enumerate(IDS)}
Wave = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    wave: Wave
    spoken: tuple[str, ...]
    """For the spelling of the encoder: what is really said."""
    prompt: list[int]
    written: list[int]
    """From the token of the start on."""
    quiet_from: int
    """The frame after the last sound."""
    placed: "list[tuple[int, Utterance]]"
    language: str
    cut: int | None
    """The sample at which an utterance begins that the end of the window cuts."""


@dataclass(frozen=True, slots=True)
class Utterance:
    wave: Wave
    words: tuple[str, ...]


class Recordings:
    def __init__(self, file: Path, chance: random.Random) -> None:
        stored = np.load(file)
        ends = np.cumsum(stored["lengths"])
        parts = np.split(stored["samples"].astype(np.float32) / 32768, ends[:-1])
        self._chance = chance
        self._by_language: dict[str, list[Utterance]] = {language: [] for language in LANGUAGES}
        for wave, language, words in zip(parts, stored["languages"], stored["words"], strict=True):
            self._by_language[str(language)].append(Utterance(wave, tuple(str(words).split())))

    def window(self, frames: int, first: int, most: int) -> Window:
        """At most ``most`` utterances in a window that begins ``first`` steps into the 30 seconds."""
        chance = self._chance
        language = "en" if chance.random() < 0.55 else "de"
        placed, cut = self._place(frames * _HOP, language, chance.randint(1, most) if chance.random() > 0.04 else 0)
        wave = _sound(frames * _HOP, placed, chance)
        spoken = tuple(word for _, utterance in placed for word in utterance.words)
        if cut is not None:
            wave[cut[0] :] += cut[1].wave[: len(wave) - cut[0]]
        end = max((start + len(utterance.wave) for start, utterance in placed), default=0) if cut is None else len(wave)
        made = Window(wave, spoken, [], [], end // _HOP + 20, placed, language, None if cut is None else cut[0])
        return self.rewritten(made, first)

    def rewritten(self, window: Window, first: int = 0) -> Window:
        """The same window, with another task, prompt and manner drawn for what is written about it."""
        prompt = [PREVIOUS, *self._words(window.language)] if self._chance.random() < 0.3 else []
        return replace(window, prompt=prompt, written=self._write(window.placed, window.language, first, window.cut))

    def _place(
        self, samples: int, language: str, count: int
    ) -> tuple[list[tuple[int, Utterance]], tuple[int, Utterance] | None]:
        """Those that fit, one after another, and now and then one that the end of the window cuts."""
        chance, at, placed = self._chance, 0, list[tuple[int, Utterance]]()
        at = int(chance.choice((0.0, chance.uniform(0, 0.5), chance.uniform(0, 3))) * _RATE)
        for _ in range(count):
            utterance = _faster(chance.choice(self._by_language[language]), chance)
            if at + len(utterance.wave) > samples:
                early = at + _RATE // 4 < samples and at > 0 and placed
                return placed, (at, utterance) if early else None
            placed.append((at, utterance))
            at += len(utterance.wave) + int(chance.uniform(0.3, 2.5) * _RATE)
        return placed, None

    def _words(self, language: str) -> list[int]:
        return [
            token
            for _ in range(self._chance.randint(1, 4))
            for token in tokens(self._chance.choice(self._by_language[language]).words)
        ]

    def _write(self, placed: list[tuple[int, Utterance]], language: str, first: int, cut: int | None) -> list[int]:
        if not placed:
            return [START, NO_SPEECH]
        translate = self._chance.random() < 0.3
        head = [START, LANGUAGES[language], TRANSLATE if translate else TRANSCRIBE]
        texts = [tokens(english(utterance.words) if translate else utterance.words) for _, utterance in placed]
        if self._chance.random() < 0.25 and cut is None:
            return [*head, NO_TIMES, *(token for text in texts for token in text), END]
        body: list[int] = []
        for (start, utterance), text in zip(placed, texts, strict=True):
            begin = _time(start, first) if body else min(_time(start, first), TIMES + 50)
            body += [begin, *text, _time(start + len(utterance.wave), first)]
        return [*head, *body, *([] if cut is None else [_time(cut, first)]), END]


def _time(sample: int, first: int) -> int:
    return TIMES + min(1500, first + round(sample / _RATE / STEP))


def _faster(utterance: Utterance, chance: random.Random) -> Utterance:
    """Resampled by up to 8 %: another speed and pitch."""
    count = int(len(utterance.wave) * chance.uniform(0.92, 1.08))
    places = np.linspace(0, len(utterance.wave) - 1, count)
    wave = np.interp(places, np.arange(len(utterance.wave)), utterance.wave).astype(np.float32)
    return Utterance(wave * chance.uniform(0.3, 1.2), utterance.words)


def _sound(samples: int, placed: list[tuple[int, Utterance]], chance: random.Random) -> Wave:
    wave = np.zeros(samples, dtype=np.float32)
    for start, utterance in placed:
        wave[start : start + len(utterance.wave)] += utterance.wave
    if chance.random() < 0.7 or not placed:
        noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(samples).astype(np.float32)
        if chance.random() < 0.5:
            noise = np.convolve(noise, np.ones(8, dtype=np.float32) / 8, mode="same")
        wave += noise * 10 ** chance.uniform(-4.5, -1.9)
    return wave


def mels(waves: Tensor, filters: Tensor) -> Tensor:
    spectrum = torch.stft(waves, _FFT, _HOP, window=torch.hann_window(_FFT), return_complex=True)[..., :-1].abs() ** 2
    loud = (filters @ spectrum).clamp(min=1e-10).log10()
    return (torch.maximum(loud, loud.amax((1, 2), keepdim=True) - 8.0) + 4.0) / 4.0


def spelling(window: Window) -> list[int]:
    return [_WORD_INDEX[word] for word in window.spoken]
