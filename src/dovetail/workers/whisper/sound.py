"""Sound files to samples: 16 kHz, one channel, bounded in time and length, never more than a piece in memory.

A file is decoded twice: first to learn how long and how loud it is, so that what is wrong with it is known before
anything is written down; then piece by piece, cut where it is quietest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from dovetail.workers.addresses import bounded
from dovetail.workers.whisper.container import container_of
from dovetail.workers.whisper.problem import Problem, invalid

RATE = 16_000
DECODE_WITHIN = 240.0  # seconds that decoding a whole file may take
PIECE, SEARCH = 240.0, 20.0  # seconds of a piece, and of its end in which the quietest place is looked for
SPACE = 512 << 20  # bytes that a file's tables and decoder may take: some headers promise millions of samples
SILENT = 1e-4  # no sample is louder: -80 dB
SILENCE_TAKEN = 30.0  # seconds of nothing that are an empty text, and no mistake
LEAST = 0.01  # seconds
_QUIET = RATE // 10
_RATES, _CHANNELS = range(1_000, 768_001), range(1, 65)
_CUT_SHARE, _CUT_SECONDS = 0.02, 0.5  # of what the header promises, what may be missing
_TOLD_TRULY = frozenset({"wav", "mov", "flac", "matroska", "aiff", "caf"})  # the others guess their length

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Survey:
    """A whole file at a glance: seconds, and its loudest sample, 1 being the most there is."""

    duration: float
    peak: float

    @property
    def silent(self) -> bool:
        return self.peak <= SILENT


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples from `start` seconds on."""

    start: float
    samples: Samples

    @property
    def silent(self) -> bool:
        return not len(self.samples) or float(np.abs(self.samples).max()) <= SILENT


def _wanted() -> None:
    """Somebody waits for it."""


def survey(
    path: Path, most: float, check: Callable[[], None] = _wanted, clock: Callable[[], float] = time.monotonic
) -> Survey:
    """Raises Problem for what is no sound, cut, silent for long, or longer than `most` seconds. Blocks.

    `check` is called all along: what it raises ends the work.
    """
    count, peak = 0, 0.0
    with bounded(SPACE), _opened(path) as (name, opened):
        promised = _promised(name, opened)
        if promised > most * 1.01 + 1:
            raise _too_long(promised, most)
        for block in _decoded(opened, check, clock):
            count += len(block)
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            if count > most * RATE:
                raise _too_long(count / RATE, most)
    duration = count / RATE
    if duration < LEAST:
        raise invalid("the file holds no sound")
    if duration < promised * (1 - _CUT_SHARE) - _CUT_SECONDS:
        raise invalid(f"the file ends after {duration:.1f} s, and its header says {promised:.1f} s: it was cut")
    found = Survey(duration, peak)
    if found.silent and duration > SILENCE_TAKEN:
        raise invalid(f"the file holds {duration:.0f} s of silence and no sound")
    return found


def pieces(
    path: Path, start: float = 0.0, check: Callable[[], None] = _wanted, clock: Callable[[], float] = time.monotonic
) -> Generator[Piece]:
    """What comes after `start` seconds, in pieces of at most PIECE seconds; `check` is as above. Raises Problem."""
    held, count = list[Samples](), 0
    at, skip = round(start * RATE), round(start * RATE)
    with _opened(path) as (_, opened):
        for block in _decoded(opened, check, clock):
            if skip >= len(block):
                skip -= len(block)
                continue
            held.append(block[skip:])
            count, skip = count + len(block) - skip, 0
            if count >= PIECE * RATE:
                whole = np.concatenate(held)
                cut = _quietest(whole[: round(PIECE * RATE)])
                yield Piece(at / RATE, whole[:cut])
                at, held, count = at + cut, [whole[cut:]], count - cut
    if count:
        yield Piece(at / RATE, np.concatenate(held))


def _quietest(samples: Samples) -> int:
    """Where in the last SEARCH seconds a cut is heard least."""
    first = len(samples) - round(SEARCH * RATE)
    tail = samples[first : first + (len(samples) - first) // _QUIET * _QUIET]
    loudness = np.square(tail).reshape(-1, _QUIET).sum(axis=1)
    return first + int(loudness.argmin()) * _QUIET + _QUIET // 2


@contextmanager
def _opened(path: Path) -> Generator[tuple[str, InputContainer]]:
    with path.open("rb") as file:
        name = container_of(file, path.stat().st_size)
        try:
            with av.open(file, "r", format=name, metadata_errors="ignore", io_open=_refuse) as opened:
                yield name, opened
        except Problem:
            raise
        except (av.error.FFmpegError, PermissionError, ValueError, MemoryError) as error:
            raise invalid(f"the file cannot be decoded: {_reason(error)}") from error


def _refuse(*_: object) -> NoReturn:
    """A file that leads to another is read without it."""
    raise PermissionError("no other file is opened")


def _promised(name: str, opened: InputContainer) -> float:
    """Seconds by the header, 0 where it does not say."""
    stream = _stream(opened)
    if name not in _TOLD_TRULY:
        return 0.0
    if stream.duration is not None and stream.time_base is not None and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    return opened.duration / 1e6 if opened.duration is not None and opened.duration > 0 else 0.0


def _stream(opened: InputContainer) -> av.AudioStream:
    if not opened.streams.audio:
        raise invalid("the file holds no sound: it has no audio stream")
    return opened.streams.audio[0]


def _decoded(opened: InputContainer, check: Callable[[], None], clock: Callable[[], float]) -> Iterator[Samples]:
    """Its first audio stream, resampled. Damaged packets are passed over."""
    stream, spent = _stream(opened), 0.0
    if stream.codec_context.sample_rate not in _RATES or stream.codec_context.channels not in _CHANNELS:
        context = stream.codec_context
        raise invalid(f"the file says {context.channels} channels at {context.sample_rate} Hz, which is no sound")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    began = clock()
    for packet in opened.demux(stream):
        check()
        spent, began = spent + clock() - began, clock()
        if spent > DECODE_WITHIN:
            raise invalid(f"decoding the file took longer than {DECODE_WITHIN:g} s")
        try:
            frames: list[av.AudioFrame | None] = list(packet.decode())
        except av.error.InvalidDataError:
            frames = []
        if packet.size == 0 and packet.dts is None:
            frames.append(None)  # the resampler has something left
        for frame in frames:
            for made in resampler.resample(frame):
                block = cast("Samples", made.to_ndarray().reshape(-1))
                spent += clock() - began
                yield np.nan_to_num(block.clip(-1.0, 1.0))
                began = clock()  # what was done with it meanwhile is not decoding


def _too_long(seconds: float, most: float) -> Problem:
    said = f"{seconds:.0f} s" if seconds < most * 1000 else "far longer"
    return Problem(
        "recording_too_long",
        f"the recording is {said} long, and at most {most:g} s are taken (speech.max_seconds): send it in parts",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.FFmpegError) and error.strerror:
        return error.strerror
    return "its data is damaged"
