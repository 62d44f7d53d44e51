"""Pages of OpenAI's lists: what comes `after` an id, at most `limit`, in one `order` or the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastapi import Request

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject

Order: TypeAlias = Literal["asc", "desc"]
_MOST = 100  # on a page


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins, and how much it holds."""

    after: str | None
    limit: int
    descending: bool

    def page(self, items: Sequence[JsonObject]) -> JsonObject:
        """Of all `items`, oldest first. Raises InvalidRequest for an `after` that is none of them."""
        ordered = items[::-1] if self.descending else items
        ids = [str(item["id"]) for item in ordered]
        if self.after is not None and self.after not in ids:
            raise InvalidRequest("after: no item of that id is in the list", param="after")
        # Clients choose ids, and may have chosen one twice: behind the last, or a page would come again for ever.
        start = 0 if self.after is None else len(ids) - ids[::-1].index(self.after)
        return self.cut(ordered[start : start + self.limit + 1])

    def cut(self, found: Sequence[JsonObject]) -> JsonObject:
        """The page of what comes behind `after`, as far as it was looked for: one more than fits says there is more."""
        page = found[: self.limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        ends: JsonObject = {"first_id": first, "last_id": last}
        return {"object": "list", "data": [*page], **ends, "has_more": len(found) > self.limit}


def cursor(request: Request, order: Order) -> Cursor:
    """What a request asks for; `order` where it does not say. Raises InvalidRequest."""
    asked = request.query_params
    said, limit = asked.get("order", order), asked.get("limit", "20")
    if said not in {"asc", "desc"}:
        raise InvalidRequest("order: asc or desc", param="order")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= _MOST):
        raise InvalidRequest(f"limit: a number from 1 to {_MOST}", param="limit")
    return Cursor(asked.get("after"), int(limit), said == "desc")


def parameters(order: Order) -> list[JsonObject]:
    """What the OpenAPI document says of them."""
    schemas: dict[str, JsonObject] = {
        "after": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": _MOST, "default": 20},
        "order": {"type": "string", "enum": ["asc", "desc"], "default": order},
    }
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in schemas.items()]
