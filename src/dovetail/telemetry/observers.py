"""All who are told what happens, as one."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from dovetail.core.model import ModelState
from dovetail.core.observe import Answered, Observer, RequestRecord

log = structlog.stdlib.get_logger(__name__)


class Observers(Observer):
    """Passes everything on to each of `observers`, in order; what one raises is logged and touches nobody else."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        self._tell(lambda observer: observer.model_state(model, state, reason))

    def model_loaded(self, model: str, seconds: float) -> None:
        self._tell(lambda observer: observer.model_loaded(model, seconds))

    def worker_restarted(self, model: str, reason: str | None) -> None:
        self._tell(lambda observer: observer.worker_restarted(model, reason))

    def worker_line(self, model: str, line: str) -> None:
        self._tell(lambda observer: observer.worker_line(model, line))

    def configuration(self, problem: str | None) -> None:
        self._tell(lambda observer: observer.configuration(problem))

    def request_done(self, record: RequestRecord) -> None:
        self._tell(lambda observer: observer.request_done(record))

    def answered(self, answer: Answered) -> None:
        self._tell(lambda observer: observer.answered(answer))

    def _tell(self, fact: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                fact(observer)
            except Exception:
                log.exception("observer_failed", observer=type(observer).__name__)
