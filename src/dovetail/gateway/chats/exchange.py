"""Conversations to a file and out of one: all of it or nothing, under ids of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

import orjson

from dovetail.core.errors import DiskFull, InvalidRequest
from dovetail.core.request import Json
from dovetail.gateway import wire
from dovetail.gateway.chats import foreign, own_file
from dovetail.gateway.chats.files import kind_of
from dovetail.gateway.chats.own_file import FORMAT
from dovetail.gateway.chats.parts import file_part
from dovetail.gateway.chats.rendering import preset_answer
from dovetail.gateway.chats.shapes import NewPreset
from dovetail.gateway.chats.shelf import MOST_MESSAGES, Shelf, new_id
from dovetail.gateway.chats.tree import Tree, rows
from dovetail.storage import chat_files, chats
from dovetail.storage.chat_files import Attachment
from dovetail.storage.chats import Chat, Connection, Place, Preset

_PAGE = 100


async def exported(
    shelf: Shelf, chat_ids: Sequence[str], presets: Sequence[Preset], *, files: bool
) -> AsyncGenerator[bytes, None]:
    """A `ChatExport`, piece by piece, one file of a conversation in memory. What goes meanwhile is left out."""
    yield orjson.dumps({"format": FORMAT, "version": 1})[:-1] + b',"chats":['
    comma = b""
    for chat_id in chat_ids:
        try:
            chat, messages = await shelf.whole(chat_id)
        except InvalidRequest:
            continue
        yield comma + orjson.dumps(own_file.chat_json(chat, messages))[:-1] + b',"files":{'
        if files:
            async with aclosing(_packed(shelf, chat_id)) as pieces:
                async for piece in pieces:
                    yield piece
        yield b"}}"
        comma = b","
    yield b'],"presets":' + orjson.dumps([preset_answer(preset) for preset in presets]) + b"}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a file holds."""

    trees: Sequence[Tree]
    presets: Mapping[str, NewPreset] = field(default_factory=dict[str, NewPreset])


def read(data: bytes) -> Delivery:
    """What `data` holds: JSON, or lines of it. Blocks. Raises InvalidRequest for what is no file of conversations."""
    try:
        value = _parsed(data)
        if isinstance(value, dict) and value.get("format") == FORMAT:
            return Delivery(*own_file.read(value))
        found = foreign.trees(value)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidRequest(
            f"this is no file of conversations that can be read: {str(error)[:300]}",
            code="invalid_import",
            param="body",
        ) from None
    return Delivery(found)


async def take_in(shelf: Shelf, delivery: Delivery) -> list[Chat]:
    """Stores it, and what is new of presets. Raises InvalidRequest, Busy, DiskFull, and then nothing is there of it.

    Until all is there, each counts as deleted: what is left of an import when the server dies is swept away.
    """
    done: list[Chat] = []

    def finish(c: Connection) -> None:
        there = {preset.id for preset in chats.presets(c, shelf.owner)}
        for name, preset in delivery.presets.items():
            if name not in there:
                shelf.keep_preset(c, name, preset)
        for chat in done:
            chats.show(c, chat.id, shelf.owner)

    try:
        for tree in delivery.trees:
            done.append(await _stored(shelf, tree))  # noqa: PERF401  what is done is undone when the next fails
        await shelf.archive.run(finish)
    except BaseException:
        await shelf.archive.take_back([chat.id for chat in done])
        raise
    return done


async def _stored(shelf: Shelf, tree: Tree) -> Chat:
    if len(tree.nodes) > MOST_MESSAGES:
        raise InvalidRequest(
            f"{tree.title[:64]!r} has more than {MOST_MESSAGES} messages", code="too_many_messages", status=409
        )
    archive, chat_id = shelf.archive, new_id("chat")
    async with archive.storing():
        try:
            kept = await asyncio.to_thread(_attachments, shelf, tree, chat_id)
        except OSError as error:
            raise DiskFull(f"a file could not be stored: {error.strerror or error}") from None
        parts = {name: file_part(found) for name, found in kept.items()}
        chat, messages = await asyncio.to_thread(rows, tree, shelf.owner, chat_id, shelf.now, parts)

        def work(c: Connection) -> Chat:
            shelf.check_count(c)
            more = chats.weight(chat) + sum(map(chats.weight, messages)) + sum(found.size for found in kept.values())
            shelf.check_room(c, more)
            chats.add_chat(c, replace(chat, deleted=shelf.now))
            for found in kept.values():
                chat_files.add(c, found)
            for message in messages:
                chats.add_message(c, message)
            return chat

        return await archive.run(work)


def _attachments(shelf: Shelf, tree: Tree, chat_id: str) -> dict[str, Attachment]:
    """The files of a tree, on disk, by the ids that it names them with; those that no model is given are left out."""
    kept: dict[str, Attachment] = {}
    for name, file in tree.files.items():
        try:
            kind, media_type = kind_of(file.data, called := file.name[:255] or "file")
        except InvalidRequest:
            continue
        digest = shelf.archive.blobs.put(file.data)
        kept[name] = Attachment(new_id("file"), chat_id, digest, kind, called, media_type, len(file.data), shelf.now)
    return kept


async def all_ids(shelf: Shelf) -> list[str]:
    """Of all its conversations."""
    found: list[str] = []
    after: Place | None = None
    while page := (await shelf.page(_PAGE, None, after))[0]:
        found += [chat.id for chat in page]
        after = Place(page[-1].pinned, page[-1].updated, page[-1].id)
    return found


async def _packed(shelf: Shelf, chat_id: str) -> AsyncGenerator[bytes, None]:
    """The members of an object: its files that are there, by their ids."""
    comma = b""
    for name, found in (await shelf.archive.run(lambda c: chat_files.of_chat(c, chat_id))).items():
        try:
            data = await asyncio.to_thread(shelf.archive.blobs.read, found.hash)
        except OSError:
            continue
        yield comma + orjson.dumps(name) + b":" + await asyncio.to_thread(own_file.file_json, found, data)
        comma = b","


def _parsed(data: bytes) -> Json:
    if wire.too_deep(data):
        raise ValueError("its JSON is nested too deep")
    try:
        return cast("Json", orjson.loads(data))
    except orjson.JSONDecodeError:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [cast("Json", orjson.loads(line)) for line in lines]
