"""Chat completions that are stored for their caller, each with the messages that it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import cast

import orjson

from dovetail.core.caller import Caller
from dovetail.core.errors import UnsupportedField
from dovetail.core.events import Event
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.cursor import Cursor
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.dialects.openai_chat.messages import MessageBody, PartBody
from dovetail.gateway.dialects.openai_chat.reply import ChatWhole
from dovetail.gateway.services import Services
from dovetail.gateway.stock import Stock
from dovetail.storage.responses import Item, Stored, Wanted


class Completions:
    """One caller's. Nobody finds another's."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._stock = Stock(services, caller, "chat.completion")

    def keeping(
        self, body: ChatBody, request_id: str, whole: ChatWhole, *, streamed: bool
    ) -> Callable[[AsyncGenerator[Event, None]], AsyncGenerator[Event, None]]:
        """What stores an answer to `body` before its end is told; it fails where that cannot be stored.

        `whole` is told the events here where the answer is `streamed`, else by whoever renders it.
        Raises InvalidRequest for metadata that cannot be kept, and where nothing is kept.
        """
        if not self._stock.keeps:
            raise UnsupportedField("store", "cannot be had: this server keeps no answers (responses.keep)")
        notes: JsonObject = {**body.notes()}
        said: JsonObject = {"request_id": request_id, "metadata": notes, "service_tier": "default", **body.shown()}

        async def kept(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
            async with aclosing(events):
                async for event in events:
                    if streamed:
                        whole.frames(event)
                    yield event
            await self._keep({**whole.whole(), **said}, body.messages)

        return kept

    async def page(self, at: Cursor, model: str | None, metadata: Mapping[str, str]) -> JsonObject:
        """Those of a model, if it is said, and with all of the `metadata`. Raises InvalidRequest."""

        def fits(text: str) -> bool:
            body = cast("JsonObject", orjson.loads(text))
            notes = cast("dict[str, str]", body["metadata"])
            return (model is None or model == body["model"]) and metadata.items() <= notes.items()

        every = model is None and not metadata
        wanted = Wanted(at.limit + 1, at.after, at.descending, *(() if every else (fits,)))
        return at.cut([_whole(stored) for stored in await self._stock.page(wanted)])

    async def completion(self, completion_id: str) -> JsonObject:
        """The whole object. Raises InvalidRequest with 404."""
        return _whole(await self._stock.found(completion_id))

    async def messages(self, completion_id: str) -> list[JsonObject]:
        """Those that it answers. Raises InvalidRequest with 404."""
        return [cast("JsonObject", orjson.loads(item.body)) for item in (await self._stock.found(completion_id)).given]

    async def note(self, completion_id: str, metadata: Mapping[str, str]) -> JsonObject:
        """The whole object, with other metadata. Raises InvalidRequest with 404."""

        def noted(text: str) -> str:
            return orjson.dumps({**cast("JsonObject", orjson.loads(text)), "metadata": metadata}).decode()

        return _whole(await self._stock.rewritten(completion_id, noted))

    async def remove(self, completion_id: str) -> None:
        """Raises InvalidRequest with 404."""
        await self._stock.remove(completion_id)

    async def _keep(self, whole: JsonObject, messages: Sequence[MessageBody]) -> None:
        completion_id, choices = str(whole["id"]), cast("list[Json]", whole.pop("choices"))
        given = [_told(message, f"{completion_id}-{i}") for i, message in enumerate(messages)]
        made = [Item(str(i), orjson.dumps(choice).decode()) for i, choice in enumerate(choices)]
        body = orjson.dumps(whole).decode()
        await self._stock.add(completion_id, body, [Item(str(m["id"]), orjson.dumps(m).decode()) for m in given], made)


def _whole(stored: Stored) -> JsonObject:
    body = cast("JsonObject", orjson.loads(stored.body))
    return {**body, "choices": [orjson.loads(item.body) for item in stored.made]}


def _told(message: MessageBody, message_id: str) -> JsonObject:
    content, parts = message.content, None
    if isinstance(content, list):
        parts = [_part(part) for part in content]
        content = "".join(str(part["text"]) for part in parts if part["type"] == "text") or None
    told: JsonObject = {
        "id": message_id,
        "role": message.role,
        "content": content,
        "refusal": message.refusal,
        "name": message.name,
        "content_parts": None if parts is None else [*parts],
    }
    if message.reasoning_content is not None:
        told["reasoning_content"] = message.reasoning_content
    if message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        told["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls
        ]
    return told


def _part(part: PartBody) -> JsonObject:
    if part.image_url is not None:
        return {"type": "image_url", "image_url": {"url": part.image_url.url}}
    if part.input_audio is not None:
        return {
            "type": "input_audio",
            "input_audio": {"data": part.input_audio.data, "format": part.input_audio.format},
        }
    return {"type": "text", "text": part.text or part.refusal or ""}
