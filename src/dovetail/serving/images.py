"""Image files, as far as they must be understood before a decoder may see them: what they are and how large they get.

A decoder allocates what a file's header promises and, of a PNG, whatever its data inflate to; it also tries to read
what is no image at all. The formats: PNG (ISO/IEC 15948), JPEG (ITU-T T.81), GIF89a; what is read is what llama.cpp
decodes (stb_image), and no more: it would hand the rest to an ffmpeg.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAX_SIDE = 16_384
MAX_PIXELS = 32_000_000  # of one image; three bytes each when decoded, up to 16 on the way (progressive, 16 bits)
MAX_SCANS = 32  # of a progressive JPEG: each is a walk over the whole picture
MAX_SEGMENTS = 4096  # of a JPEG: each costs as much here as a few kilobytes of data

_INFLATED = 256 << 10
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Mapping[int, int] = MappingProxyType({0: 1, 2: 3, 3: 1, 4: 2, 6: 4})
# The last fill byte (`\xff+` would make fill alone quadratic) and a marker that is neither a stuffed byte nor a restart
# in the middle of a scan.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # tables and an extension, among the numbers of frames
_END, _SCAN = 0xD9, 0xDA
_EXTENSION, _PICTURE = 0x21, 0x2C
# What else people send, by its first bytes.
_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "a WebP image"),
    (re.compile(rb"....ftyp(avif|avis)", re.DOTALL), "an AVIF image"),
    (re.compile(rb"....ftyp(hei|mif)", re.DOTALL), "a HEIC image"),
    (re.compile(rb"BM"), "a BMP image"),
    (re.compile(rb"II\*\0|MM\0\*"), "a TIFF image"),
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"\s*(<\?xml|<svg)"), "an SVG or XML file"),
    (re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE), "an HTML page"),
)


class BadImage(Exception):
    """Not an image that may be decoded; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image's media type and its size in pixels."""

    media_type: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def read(data: bytes) -> Picture:
    """What `data` is. Inflates a PNG to nowhere, so it takes milliseconds a megabyte. Raises BadImage."""
    for magic, reader in _READERS:
        if data.startswith(magic):
            try:
                return reader(data)
            except (struct.error, IndexError):
                raise BadImage("the file is cut short") from None
    found = next((name for pattern, name in _OTHERS if pattern.match(data)), "not an image" if data else "empty")
    raise BadImage(f"the file is {found}; PNG, JPEG and GIF are read")


def _picture(media_type: str, width: int, height: int) -> Picture:
    if not width or not height:
        raise BadImage("the image has no size")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadImage(
            f"the image is {width} x {height} pixels; at most {MAX_SIDE} a side "
            f"and {MAX_PIXELS // 10**6} million in all are taken"
        )
    return Picture(media_type, width, height)


# PNG


def _png(data: bytes) -> Picture:
    chunks = _chunks(data)
    kind, header = next(chunks)
    if kind != b"IHDR":
        raise BadImage("the PNG has no header")
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    picture = _picture("image/png", width, height)
    if colour not in _CHANNELS or depth not in {1, 2, 4, 8, 16}:
        raise BadImage("the PNG's header is damaged")
    whole = width * height * depth * _CHANNELS[colour] // 8
    # A byte for each line's filter and one for its last bits; interlaced, there are at most twice the lines.
    _check_inflated((body for kind, body in chunks if kind == b"IDAT"), whole, whole + 4 * height + 64)
    return picture


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    at, view = len(_PNG), memoryview(data)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + length + 12 > len(data):
            raise BadImage("the file is cut short")
        yield kind, view[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        at += length + 12


def _check_inflated(parts: Iterator[memoryview], least: int, most: int) -> None:
    inflater, size = zlib.decompressobj(), 0
    try:
        for part in parts:
            rest: bytes | memoryview = part
            while rest and not inflater.eof:
                size += len(inflater.decompress(rest, _INFLATED))
                rest = inflater.unconsumed_tail
                if size > most:
                    raise BadImage("the PNG holds more than its size in pixels")
        size += len(inflater.flush())
    except zlib.error:
        raise BadImage("the PNG's data are damaged") from None
    if size < least:
        raise BadImage("the PNG's data are cut short")


# JPEG


def _jpeg(data: bytes) -> Picture:
    picture: Picture | None = None
    scans, at = 0, 2
    for _ in range(MAX_SEGMENTS):
        if (found := _MARKER.search(data, at)) is None:
            raise BadImage("the file is cut short")
        marker, at = found[1][0], found.end()
        if marker == _END:
            if picture is None or not scans:
                raise BadImage("the JPEG holds no picture")
            return picture
        (length,) = struct.unpack_from(">H", data, at)
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            picture = picture or _frame(marker, data, at)
        elif marker == _SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise BadImage(f"the JPEG has more than {MAX_SCANS} scans")
        at += length
    raise BadImage(f"the JPEG has more than {MAX_SEGMENTS} segments")


def _frame(marker: int, data: bytes, at: int) -> Picture:
    precision, height, width = struct.unpack_from(">BHH", data, at + 2)
    if marker not in {_BASELINE, _EXTENDED, _PROGRESSIVE} or precision != 8:
        raise BadImage("the JPEG is of a kind that is not read: baseline and progressive ones with 8 bits are")
    return _picture("image/jpeg", width, height)


# GIF


def _gif(data: bytes) -> Picture:
    """Its first picture is the one that is seen, and has to be whole."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    picture = _picture("image/gif", width, height)
    at = 13 + _colours(packed)
    while (block := data[at]) == _EXTENSION:
        at = _after_pieces(data, at + 2)
    if block != _PICTURE:
        raise BadImage("the GIF holds no picture")
    _after_pieces(data, at + 11 + _colours(data[at + 9]))
    return picture


def _colours(packed: int) -> int:
    """Bytes of a table of colours, from the byte that says whether there is one."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _after_pieces(data: bytes, at: int) -> int:
    while size := data[at]:
        at += size + 1
    return at + 1


_READERS: tuple[tuple[bytes, Callable[[bytes], Picture]], ...] = (
    (_PNG, _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
)
