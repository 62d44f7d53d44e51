"""A body that is one file, as it is or as the only part of a form: onto the disk within bounds, whatever its size."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from starlette.requests import Request

from dovetail.core.errors import InvalidRequest
from dovetail.gateway import request_body

_BOUNDARY = re.compile(r'boundary="?([^\s";,]{1,70})"?', re.IGNORECASE)
_MAX_HEAD = 8 << 10
_PIECE = 1 << 20


class FormFile:
    """The content of a form's first part, from the form's bytes as they come."""

    def __init__(self, boundary: str) -> None:
        self._end = b"\r\n--" + boundary.encode("latin-1")
        self._inside = False
        self._held = b"\r\n"  # the first boundary may begin the body
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """What of the content is sure now. Raises InvalidRequest for what is no form."""
        if self.complete:
            return b""
        self._held += data
        if not self._inside and not self._opened():
            return b""
        content, end, _ = self._held.partition(self._end)
        if end:
            self.complete, self._held = True, b""
            return content
        keep = len(self._end) - 1
        content, self._held = self._held[:-keep], self._held[-keep:]
        return content

    def _opened(self) -> bool:
        """Whether the part's own head is behind."""
        head, blank, rest = self._held.partition(b"\r\n\r\n")
        if not blank and len(self._held) <= _MAX_HEAD:
            return False
        if not blank or not head.startswith(self._end):
            raise InvalidRequest("the form has no part with a file", param="file")
        self._inside, self._held = True, rest
        return True


async def received(request: Request, target: Path, *, limit: int, within: float) -> None:
    """Writes the file that `request` brings to `target`, which must not exist.

    `within`: seconds in which something has to come. Raises InvalidRequest (413, 408, 400), ClientLeft.
    """
    said = request.headers.get("content-type", "")
    form: FormFile | None = None
    if said.lower().startswith("multipart/"):
        found = _BOUNDARY.search(said)
        if found is None:
            raise InvalidRequest("content-type: the form says no boundary", param="file")
        form = FormFile(found[1])
    size, waiting = 0, bytearray()
    out = await asyncio.to_thread(target.open, "xb")
    try:
        async for data in request_body.pieces(request, within):
            content = data if form is None else form.feed(data)
            size += len(content)
            if size > limit:
                raise InvalidRequest(
                    f"the file has more than {limit} bytes", code="request_too_large", status=413, param="file"
                )
            waiting += content
            if len(waiting) >= _PIECE:
                await asyncio.to_thread(out.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(out.write, bytes(waiting))
    finally:
        await asyncio.to_thread(out.close)
    if form is not None and not form.complete:
        raise InvalidRequest("the form ends in the middle of its file", param="file")
