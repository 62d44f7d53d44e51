"""What may be decoded: WAV files by their structure, and the length they promise."""

import random
import struct

import pytest

from dovetail.serving import sounds
from dovetail.serving.sounds import BadSound

from ...process.serving.files import chunk_of, fmt, riff, wav  # noqa: TID252  the same files everywhere

SECOND = chunk_of(b"data", bytes(32_000))
EXTENDED = fmt(form=0xFFFE, more=struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14))


@pytest.mark.parametrize(
    "data",
    [
        wav(1.0),
        wav(0.1),
        riff(EXTENDED, SECOND),
        riff(chunk_of(b"LIST", b"odd"), fmt(channels=2), SECOND, chunk_of(b"LIST", b"x")),
        riff(fmt(bits=24, rate=192_000, channels=1), chunk_of(b"data", bytes(192_000))),
    ],
    ids=["a second", "the shortest", "extensible", "stereo among other chunks", "24 bits"],
)
def test_sounds_are_known(data: bytes) -> None:
    sounds.check(data)


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not a WAV"),
    "html": (b"<!DOCTYPE html>", "not a WAV"),
    "mp3": (b"ID3\x04" + bytes(99), "not a WAV"),
    "flac": (b"fLaC" + bytes(99), "not a WAV"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", "not a WAV"),
    "no chunks": (riff(), "no sound"),
    "no data": (riff(fmt()), "no sound"),
    "a header cut short": (riff(chunk_of(b"fmt ", b"\1\0"), SECOND), "damaged"),
    "rate 0": (riff(fmt(rate=0), SECOND), "kind"),
    "rate 1": (riff(fmt(rate=1), SECOND), "kind"),
    "no channels": (riff(fmt(channels=0), SECOND), "kind"),
    "channels 65535": (riff(chunk_of(b"fmt ", struct.pack("<HHIIHH", 1, 65535, 16000, 0, 2, 16)), SECOND), "kind"),
    "bits 0": (riff(fmt(bits=0), SECOND), "kind"),
    "floats": (riff(fmt(form=3, bits=32), SECOND), "kind"),
    "ADPCM": (riff(fmt(form=2), SECOND), "kind"),
    "extensible ADPCM": (riff(fmt(form=0xFFFE, more=struct.pack("<HHIH", 22, 16, 4, 2) + bytes(14)), SECOND), "kind"),
    "4 GB by the header": (riff(fmt(), b"data" + struct.pack("<I", 0xFFFFFFF0) + bytes(99)), "shorter"),
    "a sample": (wav(0.0001), "0.1 to 600 s"),
    "chunks without end": (riff(*[chunk_of(b"%4d" % n, b"") for n in range(2000)], fmt(), SECOND), "1024 chunks"),
    "two sounds": (riff(fmt(), SECOND, chunk_of(b"data", b"")), "two sounds"),
    "eleven minutes": (riff(fmt(rate=8000, bits=8), chunk_of(b"data", bytes(8000 * 660))), "660 s"),
}


@pytest.mark.parametrize(("data", "why"), BAD.values(), ids=BAD.keys())
def test_what_may_not_be_decoded_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadSound, match=why):
        sounds.check(data)


def test_random_damage_raises_nothing_else() -> None:
    damage = random.Random(5)
    for _ in range(1000):
        damaged = bytearray(wav(0.1))
        for _ in range(3):
            damaged[damage.randrange(48)] = damage.randrange(256)
        try:
            sounds.check(bytes(damaged))
        except BadSound:
            continue
