"""The text in a PDF, read by a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from dovetail.core.errors import Busy, InvalidRequest
from dovetail.fleet.launch import worker_environment

WITHIN = 90.0
_AT_ONCE = 2
_GAVE_UP = "reading it took too much time or memory: attach a part of it, or its text"


def is_pdf(data: bytes) -> bool:
    return data[:64].lstrip().startswith(b"%PDF-")


class PdfReader:
    """Reads a few at once, each `within` so many seconds; others wait so long and no longer, `waiting` seconds."""

    def __init__(self, within: float = WITHIN, waiting: float = WITHIN) -> None:
        self._within = within
        self._waiting = waiting
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def text(self, data: bytes, name: str) -> bytes:
        """In UTF-8. Cancelling ends the process. Raises InvalidRequest, and Busy while others are read."""
        try:
            async with asyncio.timeout(self._waiting):
                await self._room.acquire()
        except TimeoutError:
            raise Busy(
                f"{_AT_ONCE} other PDFs are being read; attach {name} again in a moment", retry_after=10
            ) from None
        try:
            return await self._read(data, name)
        finally:
            self._room.release()

    async def _read(self, data: bytes, name: str) -> bytes:
        argv = [sys.executable, "-m", "dovetail.workers.pdf"]
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=worker_environment(os.environ), start_new_session=True
        )
        try:
            async with asyncio.timeout(self._within):
                text, said = await process.communicate(data)
        except TimeoutError:
            raise unread(name, f"reading it takes longer than {self._within:g} seconds: attach a part of it") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return text
        lines = said.decode("utf-8", "replace").splitlines()
        raise unread(name, lines[-1] if process.returncode == 1 and lines else _GAVE_UP)


def unread(name: str, reason: str) -> InvalidRequest:
    """The refusal of a file that no model can be given."""
    return InvalidRequest(f"{name}: {reason}", code="invalid_media", param="body")
