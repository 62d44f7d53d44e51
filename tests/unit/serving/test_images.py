"""What may be decoded: image files by their structure, and the decoded size they promise."""

import random
import struct
import zlib

import pytest

from dovetail.serving import images
from dovetail.serving.images import BadImage, Picture

from ...process.serving.files import chunk, gif, jpeg, png, segment  # noqa: TID252  the same files everywhere

PNG = b"\x89PNG\r\n\x1a\n"


def interlaced(width: int, height: int) -> bytes:
    """The seven passes of an 8-bit grey image."""
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
    lines = b""
    for x, dx, y, dy in passes:
        columns, rows = len(range(x, width, dx)), len(range(y, height, dy))
        lines += (b"\0" + bytes(columns)) * rows if columns else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


GOOD: dict[str, tuple[bytes, Picture]] = {
    "png": (png(5, 3), Picture("image/png", 5, 3)),
    "interlaced png": (interlaced(9, 13), Picture("image/png", 9, 13)),
    "png of one pixel": (png(1, 1), Picture("image/png", 1, 1)),
    "baseline jpeg": (jpeg(16, 24), Picture("image/jpeg", 16, 24)),
    "jpeg with fill bytes": (jpeg().replace(b"\xff\xc0", b"\xff\xff\xff\xc0"), Picture("image/jpeg", 8, 8)),
    "extended jpeg": (jpeg(frame=0xC1), Picture("image/jpeg", 8, 8)),
    "progressive jpeg": (jpeg(frame=0xC2, scans=10), Picture("image/jpeg", 8, 8)),
    "gif": (gif(1, 1), Picture("image/gif", 1, 1)),
    "gif with a comment": (gif(1, 1, comment=b"hello"), Picture("image/gif", 1, 1)),
    "old gif": (gif().replace(b"GIF89a", b"GIF87a"), Picture("image/gif", 1, 1)),
}


@pytest.mark.parametrize(("data", "picture"), GOOD.values(), ids=GOOD.keys())
def test_images_are_known_with_their_size(data: bytes, picture: Picture) -> None:
    assert images.read(data) == picture


def idat(body: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "text": (b"hello world", "not an image"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", "a WebP image"),
    "avif": (b"\0\0\0\x20ftypavif", "an AVIF image"),
    "bmp": (b"BM" + bytes(60), "a BMP image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "html": (b"<!DOCTYPE html><html>", "HTML"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not an image"),
    "png of 30000 x 30000": (png(claimed=(30_000, 30_000)), "30000 x 30000"),
    "png of 4 billion": (png(claimed=(0xFFFFFFFF, 1)), "4294967295 x 1"),
    "png of 0": (png(claimed=(0, 5)), "no size"),
    "png whose data are more than its pixels": (png(4, 4, lines=bytes(50 << 20)), "more than its size"),
    "png whose data are less": (png(4, 4, lines=bytes(20)), "cut short"),
    "png whose data are no stream": (idat(b"hello world"), "damaged"),
    "png without a header": (PNG + chunk(b"IDAT", b""), "no header"),
    "png of a colour there is not": (PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 5, 0, 0, 0)), "damaged"),
    "jpeg of 30000 x 30000": (jpeg(8, 8).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 30000, 30000)), "30000"),
    "jpeg of nothing but fill": (b"\xff\xd8" + b"\xff" * 2_000_000, "cut short"),
    "jpeg of a million segments": (b"\xff\xd8" + b"\xff\xe0\0\2" * 1_000_000, "4096 segments"),
    "jpeg with a thousand scans": (jpeg(scans=1000), "32 scans"),
    "arithmetic jpeg": (jpeg(frame=0xC9), "kind"),
    "12-bit jpeg": (jpeg(precision=12), "kind"),
    "jpeg without a picture": (b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"\xff\xd9", "no picture"),
    "gif of 65535 x 65535": (gif(65_535, 65_535), "65535 x 65535"),
    "gif without a picture": (gif()[:19] + b";", "no picture"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "why"), BAD.values(), ids=BAD.keys())
def test_what_may_not_be_decoded_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadImage, match=why):
        images.read(data)


@pytest.mark.parametrize("data", [png(9, 9), jpeg(16, 16), gif(comment=b"abc")], ids=["png", "jpeg", "gif"])
def test_every_cut_is_noticed(data: bytes) -> None:
    whole = len(data) - (1 if data.startswith(b"GIF") else 0)  # nobody needs a GIF's last byte
    for size in range(whole):
        with pytest.raises(BadImage):
            images.read(data[:size])


def test_a_thumbnail_inside_a_jpeg_is_not_its_size() -> None:
    thumbnail = segment(0xE1, b"Exif\0\0" + jpeg(32, 32))
    assert images.read(b"\xff\xd8" + thumbnail + jpeg(8, 8)[2:]) == Picture("image/jpeg", 8, 8)


def test_random_damage_is_refused_or_changes_nothing_that_counts() -> None:
    """A size beyond the bounds never comes out, and nothing but BadImage is raised."""
    random_bytes = random.Random(3)
    for data in (png(40, 30), jpeg(32, 32), gif(comment=b"abc")):
        for _ in range(500):
            damaged = bytearray(data)
            for _ in range(3):
                damaged[random_bytes.randrange(len(damaged))] = random_bytes.randrange(256)
            try:
                picture = images.read(bytes(damaged))
            except BadImage:
                continue
            assert picture.pixels <= images.MAX_PIXELS
