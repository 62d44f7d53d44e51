"""`python -m dovetail.workers.pdf`: the text in a PDF, from standard input to standard output, and no more than that.

A process of its own, bounded in processor time, and on Linux confined and bounded in memory: a PDF is a program that
somebody else wrote. Ends with 0, or with 1 and on standard error what is wrong, to go behind the file's name.
"""

from __future__ import annotations

import io
import logging
import sys

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

from dovetail.workers.confinement import confine
from dovetail.workers.lifeline import die_with_parent

MOST = 2_000_000  # characters
_MEMORY = 2 << 30
_PROCESSOR = 60  # seconds


def main() -> int:
    """The exit status."""
    die_with_parent()
    confine(network=False)
    _bound()
    logging.disable()  # the library's warnings are not what is wrong
    try:
        text = read(sys.stdin.buffer.read())
    except Unreadable as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


class Unreadable(Exception):
    """What is wrong with a PDF."""


def read(data: bytes) -> str:
    """Its pages' text, a blank line between two. Raises Unreadable."""
    try:
        pages = _pages(data)
    except Unreadable:
        raise
    except (FileNotDecryptedError, DependencyError):
        raise Unreadable("it is locked with a password: save it without one") from None
    except LimitReachedError:  # the library's own: of a small file that unpacks to a great one
        raise Unreadable("its pages hold more than is read: attach a part of it, or its text") from None
    except MemoryError:
        raise Unreadable(f"reading it takes more than {_MEMORY >> 30} GiB of memory: attach a part of it") from None
    except Exception as error:  # noqa: BLE001  whatever the library makes of what is no sound PDF
        raise Unreadable(f"it is damaged ({type(error).__name__}): save it anew, or attach its text") from None
    if not pages:
        raise Unreadable("it holds no text: its pages are pictures; attach them as images")
    return "\n\n".join(pages)


def _pages(data: bytes) -> list[str]:
    """Those that hold text."""
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise FileNotDecryptedError
    pages: list[str] = []
    room = MOST
    for page in reader.pages:
        text = page.extract_text().strip()
        room -= len(text)
        if room < 0:
            raise Unreadable(f"it holds more than {MOST:,} characters of text: attach a part of it")
        if text:
            pages.append(text)
    return pages


def _bound() -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR))
    if sys.platform == "linux":  # elsewhere it bounds nothing, or cannot be set
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    sys.exit(main())
