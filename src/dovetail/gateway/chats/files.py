"""Files in conversations: what they are, and what stands for them in a prompt."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence

from dovetail.core.errors import DiskFull, InvalidRequest
from dovetail.core.request import Json
from dovetail.gateway.chats.pdf import is_pdf, unread
from dovetail.gateway.chats.shelf import Shelf, missing, new_id
from dovetail.serving import images, sounds
from dovetail.storage import chat_files, chats
from dovetail.storage.chat_files import Attachment, Kind


def kind_of(data: bytes, name: str) -> tuple[Kind, str]:
    """Whether it is an image, a sound or a text, and its media type; takes milliseconds a megabyte.

    Raises InvalidRequest for what no model is given.
    """
    try:
        return "image", images.read(data).media_type
    except images.BadImage as error:
        reason = str(error)
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        try:
            sounds.check(data)
        except sounds.BadSound as error:
            raise _unread(name, str(error)) from None
        return "audio", "audio/wav"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _unread(name, reason) from None
    if not text.strip() or "\0" in text:
        raise _unread(name, "it holds no text")
    return "file", "text/plain; charset=utf-8"


async def add(shelf: Shelf, chat_id: str, name: str, data: bytes) -> Attachment:
    """A file of a conversation, of a PDF its text: whole and listed, or neither.

    Raises InvalidRequest, Busy, DiskFull.
    """
    archive = shelf.archive
    if is_pdf(data):
        data, name = await archive.pdf.text(data, name), f"{name[:251]}.txt"
    kind, media_type = await asyncio.to_thread(kind_of, data, name)

    def check(c: chats.Connection) -> None:
        shelf.one(c, chat_id)
        shelf.check_room(c, len(data))

    async with archive.storing():
        await archive.run(check)
        try:
            digest = await asyncio.to_thread(archive.blobs.put, data)
        except OSError as error:
            raise DiskFull(f"the file could not be stored: {error.strerror or error}") from None
        made = Attachment(new_id("file"), chat_id, digest, kind, name, media_type, len(data), shelf.now)

        def work(c: chats.Connection) -> None:
            check(c)
            chat_files.add(c, made)

        await archive.run(work)
    return made


async def content(shelf: Shelf, file_id: str) -> tuple[Attachment, bytes]:
    """A file of the owner's. Raises InvalidRequest with 404."""
    found = await shelf.archive.run(lambda c: chat_files.one(c, shelf.owner, file_id))
    if found is not None:
        try:
            return found, await asyncio.to_thread(shelf.archive.blobs.read, found.hash)
        except OSError:
            pass
    raise missing("file", code="file_not_found", name=file_id)


async def in_prompt(shelf: Shelf, file_ids: Sequence[str]) -> dict[str, Json]:
    """The content part of a chat completion that stands for each; those that are gone are left out."""
    parts: dict[str, Json] = {}
    for file_id in file_ids:
        try:
            found, data = await content(shelf, file_id)
        except InvalidRequest:
            continue
        parts[file_id] = await asyncio.to_thread(_part, found, data)
    return parts


def _part(found: Attachment, data: bytes) -> Json:
    if found.kind == "file":
        return {"type": "text", "text": f"{found.name}:\n\n{data.decode(errors='replace')}"}
    base64 = b64encode(data).decode("ascii")
    if found.kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": base64, "format": "wav"}}
    return {"type": "image_url", "image_url": {"url": f"data:{found.media_type};base64,{base64}"}}


def _unread(name: str, reason: str) -> InvalidRequest:
    return unread(name, f"{reason}; a file is an image (PNG, JPEG, GIF), a sound (WAV), a PDF or text in UTF-8")
