"""The clips of the package's tests, and files of every kind made of them."""

import asyncio
import io
import json
import subprocess
import sys
import tarfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "speech"
RATE = 16_000
MODEL = "tiny-whisper"
# By the end of a name: codec, rate, container.
KINDS = {
    "mp3": ("libmp3lame", 44_100, "mp3"),
    "m4a": ("aac", 16_000, "mp4"),
    "webm": ("libopus", 48_000, "webm"),
    "ogg": ("libopus", 48_000, "ogg"),
    "flac": ("flac", 16_000, "flac"),
}
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Clip:
    language: str
    text: str
    samples: Samples


@cache
def clips() -> tuple[Clip, ...]:
    told = json.loads((DATA / "clips.json").read_text())
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(DATA / "clips.ogg")) as opened:
        frames = [*opened.decode(audio=0), None]
        made = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    whole = np.concatenate(made)
    return tuple(Clip(each["language"], each["text"], whole[each["from"] : each["to"]]) for each in told)


def unpacked(folder: Path) -> Path:
    """The model's folder."""
    with tarfile.open(DATA / f"{MODEL}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / MODEL


def wav(samples: Samples, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.tobytes())
    return file.getvalue()


def encoded(samples: Samples, kind: str) -> bytes:
    codec, rate, container = KINDS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=rate, layout="mono")  # pyright: ignore[reportUnknownMemberType]
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        fifo = av.AudioFifo()
        for made in [*resampler.resample(frame), *resampler.resample(None)]:
            made.pts = None
            fifo.write(made)
        size = stream.codec_context.frame_size or 1024
        while (part := fifo.read(size, partial=True)) is not None:
            opened.mux(stream.encode(part))  # pyright: ignore[reportUnknownMemberType]
        opened.mux(stream.encode(None))  # pyright: ignore[reportUnknownMemberType]
    return file.getvalue()


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def joined(parts: Sequence[Samples], pause: float = 0.6) -> Samples:
    return np.concatenate([piece for part in parts for piece in (part, silence(pause))])


async def emptied(folder: Path) -> None:
    """An upload goes when its answer is written, which may be a moment after the client has it."""
    async with asyncio.timeout(20):
        while [*folder.iterdir()]:
            await asyncio.sleep(0.02)


def for_mlx(folder: Path, out: Path, names: str = "mlx") -> Path:
    """The same weights as MLX takes them, by the `names` of its own conversions or of Hugging Face."""
    argv = [
        sys.executable,
        "-m",
        "training.speech.convert",
        "--model",
        str(folder),
        "--out",
        str(out),
        "--names",
        names,
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return out
