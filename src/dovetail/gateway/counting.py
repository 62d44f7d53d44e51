"""The observer that also counts requests against their callers."""

from __future__ import annotations

from dovetail.access.access import Access
from dovetail.core.model import ModelState
from dovetail.core.observe import Observer, RequestRecord


class Counting:
    """Passes everything on to `observer`; finished requests go to `access` first."""

    def __init__(self, observer: Observer, access: Access) -> None:
        self._observer = observer
        self._access = access

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        self._observer.model_state(model, state, reason)

    def worker_line(self, model: str, line: str) -> None:
        self._observer.worker_line(model, line)

    def configuration(self, problem: str | None) -> None:
        self._observer.configuration(problem)

    def request_done(self, record: RequestRecord) -> None:
        self._access.request_done(record)
        self._observer.request_done(record)
