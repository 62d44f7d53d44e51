"""The observer that counts requests against their callers."""

from __future__ import annotations

from dovetail.access.access import Access
from dovetail.core.observe import Observer, RequestRecord


class Counting(Observer):
    """Finished requests go to `access`."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def request_done(self, record: RequestRecord) -> None:
        self._access.request_done(record)
