"""The observer that writes log lines."""

from __future__ import annotations

import logging
import re

import structlog

from dovetail.core.model import ModelState
from dovetail.core.observe import Answered, Observer, RequestRecord

# llama.cpp writes `0.01.234.567 E message`; Python workers write `ERROR: message` or `ERROR message`.
_LLAMA = re.compile(r"^(?:[\d.]+\s+)?([DIWE])\s+(.*)$")
_PYTHON = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[:\s]*(.*)$")
# Warned of each time that a whole prompt was in the cache.
_USUAL = ("need to evaluate at least 1 token", "n_past was set to")
_LEVELS = {
    "D": logging.DEBUG,
    "I": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.DEBUG,
    "W": logging.WARNING,
    "WARNING": logging.WARNING,
    "E": logging.ERROR,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.ERROR,
}


class LogObserver(Observer):
    """Model states, workers' own lines and one line for each finished request.

    Shown only at level debug: what a worker calls information, for engines report every request and every tensor, and
    every answer, those that were refused among them.
    """

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("dovetail")

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        said = {} if reason is None else {"reason": reason}
        self._log.log(logging.ERROR if state == "failed" else logging.INFO, f"model {state}", model=model, **said)

    def worker_line(self, model: str, line: str) -> None:
        level, text = severity(line)
        self._log.log(level, text, model=model, source="worker")

    def worker_restarted(self, model: str, reason: str | None) -> None:
        if reason is not None:
            self._log.warning("worker started again", model=model, reason=reason)

    def request_done(self, record: RequestRecord) -> None:
        usage = record.usage
        facts: dict[str, object] = {
            "id": record.id,
            "model": record.model,
            "caller": record.caller.id,
            "endpoint": record.endpoint,
            "status": record.status,
            "duration_ms": _milliseconds(record.duration),
            "prompt_tokens": usage.prompt,
            "cached_tokens": usage.cached,
            "completion_tokens": usage.completion,
        }
        if record.ttft is not None:
            facts["ttft_ms"] = _milliseconds(record.ttft)
        if record.queued:
            facts["queue_ms"] = _milliseconds(record.queued)
        if record.loading:
            facts["load_ms"] = _milliseconds(record.loading)
        if record.choices:
            facts["finish"] = record.choices[0].reason
        if record.error is not None:
            facts["error"] = record.error
        self._log.log(logging.INFO if record.error is None else logging.WARNING, "request", **facts)

    def answered(self, answer: Answered) -> None:
        if self._log.isEnabledFor(logging.DEBUG):
            said = {} if answer.error is None else {"error": answer.error}
            self._log.debug(
                "answer",
                method=answer.method,
                endpoint=answer.endpoint,
                status=answer.status,
                duration_ms=_milliseconds(answer.seconds),
                **said,
            )


def severity(line: str) -> tuple[int, str]:
    """The level a worker gave its line and the line without it; lines that say no level are information."""
    found = _LLAMA.match(line) or _PYTHON.match(line)
    if found is None or any(usual in line for usual in _USUAL):
        return logging.DEBUG, line
    return _LEVELS[found[1]], found[2]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
