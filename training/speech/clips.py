"""What espeak-ng says: short utterances of known words, in several voices, speeds and pitches.

``python -m training.speech.clips --out clips.npz --count 5000 --seed 1`` writes them as one file; ``--held-out`` takes
speeds and pitches between those of training, and for a quarter of the clips voices that training never hears.
"""

import argparse
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.speech.words import ENGLISH_WORDS, GERMAN_WORDS

RATE = 16_000
_ESPEAK_RATE = 22_050
_ACCENTS = {"en": ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029"), "de": ("de",)}
_VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m8", "+f1", "+f2", "+f3", "+f5", "+Andy", "+linda", "+Alex")
_UNHEARD = ("+m7", "+f4", "+belinda")

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Clip:
    language: str
    words: tuple[str, ...]
    voice: str
    speed: int
    pitch: int


def make_up(seed: int, count: int, *, held_out: bool) -> list[Clip]:
    chance = random.Random(seed)
    return [_one(chance, held_out=held_out) for _ in range(count)]


def _one(chance: random.Random, *, held_out: bool) -> Clip:
    language = "en" if chance.random() < 0.6 else "de"
    known = ENGLISH_WORDS if language == "en" else GERMAN_WORDS
    words = tuple(
        chance.choice(known)
        for _ in range(chance.choice((1, 2, 2, 3, 3, 4, 5)) if not held_out else chance.randint(1, 2))
    )
    variants = _UNHEARD if held_out and chance.random() < 0.25 else _VARIANTS
    voice = chance.choice(_ACCENTS[language]) + chance.choice(variants)
    shift = 5 if held_out else 0
    return Clip(language, words, voice, chance.randrange(120, 200, 10) + shift, chance.randrange(25, 75, 10) + shift)


def speak(clip: Clip) -> Samples:
    """16 kHz, mono, without the silence at both ends."""
    command = [
        "espeak-ng",
        "-v",
        clip.voice,
        "-s",
        str(clip.speed),
        "-p",
        str(clip.pitch),
        "--stdout",
        " ".join(clip.words),
    ]
    wave = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
    return _trim(_to_16k(np.frombuffer(wave[44:], dtype=np.int16)))


def _to_16k(samples: Samples) -> Samples:
    spectrum = np.fft.rfft(samples.astype(np.float64))
    count = round(len(samples) * RATE / _ESPEAK_RATE)
    return np.clip(np.fft.irfft(spectrum[: count // 2 + 1], count) * RATE / _ESPEAK_RATE, -32768, 32767).astype(
        np.int16
    )


def _trim(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    return samples[max(0, loud[0] - 160) : loud[-1] + 160]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true")
    args = parser.parse_args()
    clips = make_up(args.seed, args.count, held_out=args.held_out)
    with ThreadPoolExecutor(2) as threads:
        spoken = list(threads.map(speak, clips))
    np.savez(
        args.out,
        samples=np.concatenate(spoken),
        lengths=np.array([len(samples) for samples in spoken]),
        languages=np.array([clip.language for clip in clips]),
        words=np.array([" ".join(clip.words) for clip in clips]),
    )


if __name__ == "__main__":
    main()
