"""Pages of lists, by `after`, `limit` and `order`."""

from urllib.parse import urlencode

import pytest
from fastapi import Request

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.cursor import Cursor, Order, cursor


def asked(query: dict[str, str], unsaid: Order = "asc") -> Cursor:
    return cursor(Request({"type": "http", "query_string": urlencode(query).encode(), "headers": []}), unsaid)


def test_pages_of_items_end_even_where_ids_come_twice() -> None:
    items: list[JsonObject] = [{"id": name} for name in ("a", "b", "b", "b", "c")]
    seen: list[Json] = []
    after: dict[str, str] = {}
    for _ in range(6):
        page = asked({"limit": "1", **after}).page(items)
        seen.append(page["first_id"])
        after = {"after": str(page["last_id"])}
        if not page["has_more"]:
            break
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ({}, "abc", False),
        ({"limit": "2"}, "ab", True),
        ({"limit": "3"}, "abc", False),
        ({"order": "desc", "limit": "2"}, "cb", True),
        ({"order": "desc", "after": "b"}, "a", False),
        ({"after": "c"}, "", False),
    ],
)
def test_a_page(query: dict[str, str], ids: str, more: bool) -> None:
    page = asked(query).page([{"id": name} for name in "abc"])
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    data = [{"id": name} for name in ids]
    assert page == {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more}


@pytest.mark.parametrize(
    ("query", "param"),
    [({"order": "up"}, "order"), ({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "٣"}, "limit"),
     ({"after": "x"}, "after")],
)  # fmt: skip
def test_what_is_no_page_is_named(query: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked(query).page([{"id": "a"}])
    assert refused.value.param == param


def test_the_order_that_a_list_has_unless_it_is_said() -> None:
    assert asked({}, "desc").descending
    assert not asked({"order": "asc"}, "desc").descending
