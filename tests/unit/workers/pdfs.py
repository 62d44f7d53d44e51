"""PDFs, written by hand as ISO 32000 has them: a font, and pages with lines of text or with nothing."""

import io
import re
import zlib

from pypdf import PdfReader, PdfWriter


def pdf(*pages: str) -> bytes:
    """One page each; a page without a text draws nothing."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids: list[str] = []
    for text in pages:
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.split("\n") if line)
        content = f"BT /F1 12 Tf 72 720 Td {lines}ET".encode("latin-1")
        objects.append(b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content))
        resources = "/Resources<</Font<</F1 3 0 R>>>>"
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]{resources}/Contents {len(objects)} 0 R>>"
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    out, places = bytearray(b"%PDF-1.7\n"), list[int]()
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def packed(data: bytes, size: int) -> bytes:
    """The same, with so many bytes of nothing in the place of its first page's lines, packed to few."""
    pack = zlib.compressobj()
    nothing = b"".join(pack.compress(bytes(1 << 20)) for _ in range(size >> 20)) + pack.flush()
    stream = b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(nothing), nothing)
    return re.sub(rb"<</Length \d+>>\nstream\n.*?\nendstream", lambda _: stream, data, count=1, flags=re.DOTALL)


def locked(data: bytes, password: str, owner: str = "owner") -> bytes:
    """The same behind a password, which may be empty."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(password, owner, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
