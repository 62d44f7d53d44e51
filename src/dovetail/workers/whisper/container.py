"""Which container a file is, by its first bytes, and what a header must not say.

The demuxer is chosen here and never guessed by FFmpeg: some read other files, or fetch, because a file says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from dovetail.workers.whisper.problem import invalid

_HEAD = 64
_UNKNOWN_LENGTH = 0xFFFFFFFF  # written by programs that cannot go back to the header
_MOST_CHUNKS = 1024
_FORMAT = struct.Struct("<HHIIHH")
TAKEN = "WAV, MP3, M4A, MP4, WebM, Matroska, Ogg, Opus, FLAC, AAC, AIFF, CAF, AMR or AU"


def container_of(file: BinaryIO, size: int) -> str:
    """FFmpeg's name of the demuxer. Raises Problem for what is no sound, and for a WAV whose header lies."""
    if size == 0:
        raise invalid("the file is empty")
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    found = _named(head)
    if found is None:
        raise invalid(f"the file is no sound that is read here: {TAKEN} is")
    if found == "wav":
        _check_wav(file, size)
        file.seek(0)
    return found


def _named(head: bytes) -> str | None:
    for name, at, magics in _MAGIC:
        if head[at : at + len(magics[0])] in magics:
            return name
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"


# A demuxer, and the signs by which it is known at a place of the head.
_MAGIC = (
    ("wav", 8, (b"WAVE",)),
    ("mov", 4, (b"ftyp", b"moov", b"mdat", b"wide", b"free")),
    ("aiff", 8, (b"AIFF", b"AIFC")),
    ("flac", 0, (b"fLaC",)),
    ("ogg", 0, (b"OggS",)),
    ("matroska", 0, (b"\x1a\x45\xdf\xa3",)),
    ("caf", 0, (b"caff",)),
    ("au", 0, (b".snd",)),
    ("amr", 0, (b"#!AMR",)),
    ("mp3", 0, (b"ID3",)),
)


def _check_wav(file: BinaryIO, size: int) -> None:
    form, sound = b"", None
    for kind, at, length in _chunks(file, size):
        if kind == b"fmt ":
            file.seek(at)
            form = file.read(_FORMAT.size)
        if kind == b"data":
            sound = (at, length)
            break
    if len(form) < _FORMAT.size or sound is None:
        raise invalid("the WAV holds no sound: its header is damaged")
    _, channels, rate, _, _, bits = _FORMAT.unpack(form)
    if not channels or not rate or not bits:
        raise invalid(f"the WAV's header says {channels} channels, {rate} Hz and {bits} bits, which is no sound")
    at, length = sound
    if length != _UNKNOWN_LENGTH and at + length > size:
        raise invalid(
            f"the WAV's header says {length} bytes of sound and the file has {size - at}: it was cut, or it lies"
        )


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of each chunk, as the header says it."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            return
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        yield kind, at + 8, length
        at += 8 + length + length % 2
