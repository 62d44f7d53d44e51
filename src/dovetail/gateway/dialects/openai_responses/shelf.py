"""Responses that are kept for their caller: what a next one goes on from, and what can be read and removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import orjson
import structlog

from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.dialects.openai_responses.items import ItemBody
from dovetail.gateway.dialects.openai_responses.output import Output, new_id
from dovetail.gateway.services import Services
from dovetail.gateway.stock import Stock
from dovetail.storage.responses import Item

log = structlog.stdlib.get_logger(__name__)
_PREFIXES = {"function_call": "fc", "reasoning": "rs", "function_call_output": "fco"}


class Shelf:
    """One caller's responses. Nobody finds another's."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._stock = Stock(services, caller, "response")

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._stock.keeps

    async def conversation(self, response_id: str) -> list[ItemBody]:
        """What a response was given and answered, behind all that it goes on from. Raises InvalidRequest."""
        found = await self._stock.conversation(response_id)
        if found is None:
            raise InvalidRequest(
                f"no response {response_id[:64]!r} is kept here, or one before it is not: send the whole input",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        return [ItemBody.model_validate(orjson.loads(body)) for body in found]

    async def referenced(self, items: Sequence[ItemBody]) -> dict[str, ItemBody]:
        """The items that references among `items` name, as far as they are kept."""
        wanted = {item.id for item in items if item.kind == "item_reference" and item.id}
        if not wanted:
            return {}
        found = await self._stock.items(wanted)
        return {name: ItemBody.model_validate(orjson.loads(body)) for name, body in found.items()}

    async def keep(self, output: Output, given: Sequence[ItemBody], previous: str | None) -> None:
        """Stores a response that has ended; one that could not be stored says so in its `store`."""
        response = output.response(output.status)
        made = [_item(item) for item in cast("list[JsonObject]", response.pop("output"))]
        body = orjson.dumps(response).decode()
        try:
            await self._stock.add(str(response["id"]), body, [_item(_told(item)) for item in given], made, previous)
        except DovetailError as failure:
            output.kept = False
            log.warning("response_not_kept", reason=failure.message)

    async def response(self, response_id: str) -> JsonObject:
        """The whole object. Raises InvalidRequest with 404."""
        stored = await self._stock.found(response_id)
        body = cast("JsonObject", orjson.loads(stored.body))
        return {**body, "output": [orjson.loads(item.body) for item in stored.made]}

    async def given(self, response_id: str) -> list[JsonObject]:
        """The input items of a response, without those of the ones before it. Raises InvalidRequest with 404."""
        return [cast("JsonObject", orjson.loads(item.body)) for item in (await self._stock.found(response_id)).given]

    async def remove(self, response_id: str) -> None:
        """Raises InvalidRequest with 404."""
        await self._stock.remove(response_id)


def _told(item: ItemBody) -> JsonObject:
    """An input item with all that a listing has of it."""
    said = cast("JsonObject", item.model_dump(mode="json", exclude_unset=True, by_alias=True))
    kind = item.kind
    if kind == "message" and isinstance(item.content, str):
        text = "output_text" if item.role == "assistant" else "input_text"
        content: Json = [{"type": text, "text": item.content}]
        said["content"] = content
    return {**said, "type": kind, "id": item.id or new_id(_PREFIXES.get(kind, "msg")), "status": "completed"}


def _item(told: JsonObject) -> Item:
    return Item(str(told["id"]), orjson.dumps(told).decode())
