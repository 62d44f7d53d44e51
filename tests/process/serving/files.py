"""Small images and sounds, made by hand."""

import base64
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from dovetail.demo import models_dir

ROOT = Path(__file__).parents[3]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int = 64,
    height: int = 64,
    colour: tuple[int, int, int] = RED,
    *,
    lines: bytes | None = None,
    claimed: tuple[int, int] | None = None,
) -> bytes:
    """An 8-bit RGB image. `lines` instead of its own data, `claimed` instead of its own size."""
    raw = (b"\0" + bytes(colour) * width) * height if lines is None else lines
    size = struct.pack(">IIBBBBB", *(claimed or (width, height)), 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(width: int = 8, height: int = 8, *, frame: int = 0xC0, precision: int = 8, scans: int = 1) -> bytes:
    """A grey image: every table has one code, every block the two bits `00`."""
    blocks = -(-width // 8) * -(-height // 8)
    data = bytes(blocks * 2 // 8) + b"\x3f"
    tables = segment(0xDB, bytes(1) + bytes([1]) * 64)
    code = bytes([1]) + bytes(15) + bytes(1)
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0" + bytes(9)),
            tables,
            segment(frame, struct.pack(">BHHBBBB", precision, height, width, 1, 1, 0x11, 0)),
            segment(0xC4, b"\x00" + code),
            segment(0xC4, b"\x10" + code),
            *[segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + data] * scans,
            b"\xff\xd9",
        ]
    )


def gif(width: int = 1, height: int = 1, *, comment: bytes = b"") -> bytes:
    note = b"\x21\xfe" + bytes([len(comment)]) + comment + b"\0" if comment else b""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    return head + note + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00;"


def wav(seconds: float = 1.0, hertz: int = 440, *, rate: int = 16_000, form: int = 1, bits: int = 16) -> bytes:
    """A square wave."""
    count = int(seconds * rate)
    samples = b"".join(struct.pack("<h", 9000 if i * hertz * 2 // rate % 2 else -9000) for i in range(count))
    return riff(fmt(rate=rate, form=form, bits=bits), chunk_of(b"data", samples))


def fmt(*, rate: int = 16_000, form: int = 1, bits: int = 16, channels: int = 1, more: bytes = b"") -> bytes:
    width = channels * bits // 8
    return chunk_of(b"fmt ", struct.pack("<HHIIHH", form, channels, rate, rate * width, width, bits) + more)


def chunk_of(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def image(data: bytes, media_type: str = "image/png") -> dict[str, Any]:
    """The part of a message."""
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def link(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sound(data: bytes, kind: str = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": kind}}


def make_seeing_model(folder: Path, width: int = 192) -> None:
    """The tiny model, 192 wide, with a projector of random weights beside it: takes images and sounds."""
    folder.mkdir(parents=True)
    shutil.copy(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", folder / "model.gguf")
    make_projector(folder / "mmproj-model.gguf", width)


def make_projector(path: Path, width: int = 192) -> None:
    command = [sys.executable, "-m", "training.projector", str(path), "--width", str(width)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
