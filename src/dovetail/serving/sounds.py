"""Sound files, as far as they must be understood before a decoder may see them: whole, neither too short nor too long.

Only WAV with samples that are integers: how long another format is, its decoder alone knows, llama.cpp aborts on a
sound that turns out to be empty, and floats may be no numbers. The format: RIFF WAVE, as Microsoft documents it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

LEAST_SECONDS, MOST_SECONDS = 0.1, 600.0
MAX_CHUNKS = 1024

_RATES = range(8_000, 192_001)
_CHANNELS = range(1, 9)
_PCM, _EXTENSIBLE = 1, 0xFFFE
_FORM = struct.Struct("<HHIIHH")
_SUBFORM = 24  # where an extensible format says what it extends


class BadSound(Exception):
    """Not a sound that may be decoded; the text says why."""


def check(data: bytes) -> None:
    """Raises BadSound unless `data` is a whole WAV file of LEAST_SECONDS to MOST_SECONDS."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise BadSound("the file is not a WAV")
    chunks: dict[bytes, memoryview] = {}
    for number, (kind, body) in enumerate(_chunks(data)):
        if number == MAX_CHUNKS:
            raise BadSound(f"the WAV has more than {MAX_CHUNKS} chunks")
        if kind in chunks:
            raise BadSound("the WAV holds two sounds")
        if kind in {b"fmt ", b"data"}:
            chunks[kind] = body
    if b"fmt " not in chunks or b"data" not in chunks:
        raise BadSound("the WAV holds no sound")
    seconds = len(chunks[b"data"]) / _bytes_a_second(chunks[b"fmt "])
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise BadSound(f"the sound is {seconds:.3g} s long; {LEAST_SECONDS:g} to {MOST_SECONDS:g} s are taken")


def _bytes_a_second(body: memoryview) -> int:
    try:
        form, channels, rate, _, width, bits = _FORM.unpack_from(body)
        if form == _EXTENSIBLE:
            (form,) = struct.unpack_from("<H", body, _SUBFORM)
    except struct.error:
        raise BadSound("the WAV's header is damaged") from None
    if (
        form != _PCM
        or channels not in _CHANNELS
        or rate not in _RATES
        or bits not in {8, 16, 24, 32}
        or width * 8 != channels * bits
    ):
        raise BadSound("the WAV is of a kind that is not read: PCM of 8 to 32 bits, 8 to 192 kHz, up to 8 channels is")
    return rate * width


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    at, view = 12, memoryview(data)
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise BadSound("the WAV is shorter than it says")
        yield kind, view[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
