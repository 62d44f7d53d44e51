"""Sound, decoded within bounds."""

import io
import itertools
import resource
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from dovetail.workers.whisper import sound
from dovetail.workers.whisper.problem import Problem
from dovetail.workers.whisper.sound import RATE, pieces, survey

from ....process.speech.recordings import encoded  # noqa: TID252

MILLIONS = struct.pack(">I", 60_000_000)


def file(folder: Path, seconds: float, *, rate: int = RATE, channels: int = 1, loud: float = 0.3) -> Path:
    count = round(seconds * rate)
    tone = np.sin(np.arange(count) * 2 * np.pi * 440 / rate) * loud * (np.arange(count) // rate % 10 < 8)
    path = folder / "a.wav"
    with wave.open(str(path), "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(np.repeat((tone * 32767).astype(np.int16)[:, None], channels, axis=1).tobytes())
    return path


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (8_000, 1), (44_100, 2), (48_000, 1)])
def test_whatever_the_rate_it_comes_out_at_16_khz(tmp_path: Path, rate: int, channels: int) -> None:
    path = file(tmp_path, 3, rate=rate, channels=channels)
    found = survey(path, 10)
    assert found.duration == pytest.approx(3, abs=0.01)
    assert 0.28 < found.peak < 0.45  # two channels in one are louder
    (piece,) = pieces(path)
    assert len(piece.samples) == pytest.approx(3 * RATE, abs=100)


def test_a_long_one_comes_in_pieces_that_are_cut_where_it_is_quiet(tmp_path: Path) -> None:
    path = file(tmp_path, 500)
    found = list(pieces(path))
    assert sum(len(piece.samples) for piece in found) == 500 * RATE
    assert [piece.start for piece in found] == [0, *itertools.accumulate(len(p.samples) / RATE for p in found[:-1])]
    for piece in found[1:]:
        assert piece.start % 10 >= 8
        assert len(piece.samples) <= sound.PIECE * RATE
    rest = list(pieces(path, start=250.5))
    assert rest[0].start == 250.5
    assert sum(len(piece.samples) for piece in rest) == 249.5 * RATE


def test_silence_is_known(tmp_path: Path) -> None:
    assert survey(file(tmp_path, 5, loud=0), 10).silent
    with pytest.raises(Problem, match="40 s of silence"):
        survey(file(tmp_path, 40, loud=0), 100)


def test_longer_than_allowed_is_not_decoded_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        survey(file(tmp_path, 20), 10)
    assert (refused.value.kind, refused.value.status) == ("recording_too_long", 413)


def test_decoding_has_a_deadline(tmp_path: Path) -> None:
    ticks = itertools.count(step=100.0)
    with pytest.raises(Problem, match="longer than 240 s"):
        survey(file(tmp_path, 5), 10, clock=lambda: next(ticks))


def test_a_wav_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = file(tmp_path, 2)
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(io.BytesIO(data).getbuffer()))
    assert survey(path, 10).duration == pytest.approx(2, abs=0.01)


def test_decoding_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    path, calls = file(tmp_path, 50), itertools.count()

    def check() -> None:
        if next(calls) == 3:
            raise InterruptedError

    for decode in (lambda: survey(path, 100, check), lambda: list(pieces(path, 0, check))):
        calls = itertools.count()
        with pytest.raises(InterruptedError):
            decode()
        assert next(calls) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="no other platform bounds what a process allocates")
def test_a_header_that_promises_millions_of_samples_takes_no_memory_for_them(tmp_path: Path) -> None:
    data = bytearray(encoded((np.sin(np.arange(RATE)) * 9000).astype(np.int16), "m4a"))
    for table, at, value in (
        (b"stsz", 8, struct.pack(">II", 1, 60_000_000)),
        (b"stts", 12, MILLIONS),
        (b"stsc", 16, MILLIONS),
    ):
        place = data.find(table) + at
        data[place : place + len(value)] = value
    (path := tmp_path / "a.m4a").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Problem) as refused:
        survey(path, 10)
    assert refused.value.kind == "invalid_audio"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10  # KiB
    assert survey(file(tmp_path, 2), 10).duration == pytest.approx(2, abs=0.01)
