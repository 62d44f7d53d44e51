"""The observer that writes log lines."""

from __future__ import annotations

import logging
import re

import structlog

from dovetail.core.model import ModelState
from dovetail.core.observe import RequestRecord

# llama.cpp writes `0.01.234.567 E message`; Python workers write `ERROR: message` or `ERROR message`.
_LLAMA = re.compile(r"^(?:[\d.]+\s+)?([DIWE])\s+(.*)$")
_PYTHON = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[:\s]*(.*)$")
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


class LogObserver:
    """Implements `core.observe.Observer`: model states, workers' own lines and one line for each finished request.

    What a worker calls information is shown only at level debug: engines report every request and every tensor.
    """

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("dovetail")

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        said = {} if reason is None else {"reason": reason}
        self._log.log(logging.ERROR if state == "failed" else logging.INFO, f"model {state}", model=model, **said)

    def worker_line(self, model: str, line: str) -> None:
        level, text = severity(line)
        self._log.log(level, text, model=model)

    def configuration(self, problem: str | None) -> None:
        """Its lines are written where the files are read."""

    def request_done(self, record: RequestRecord) -> None:
        usages = [choice.usage for choice in record.choices]
        facts: dict[str, object] = {
            "id": record.id,
            "model": record.model,
            "caller": record.caller.id,
            "duration_ms": _milliseconds(record.started, record.ended),
            "prompt_tokens": max((usage.prompt for usage in usages), default=0),
            "cached_tokens": max((usage.cached for usage in usages), default=0),
            "completion_tokens": sum(usage.completion for usage in usages),
        }
        if record.first_output is not None:
            facts["ttft_ms"] = _milliseconds(record.started, record.first_output)
        if record.choices:
            facts["finish"] = record.choices[0].reason
        if record.error is not None:
            facts["error"] = record.error
        self._log.log(logging.INFO if record.error is None else logging.WARNING, "request", **facts)


def severity(line: str) -> tuple[int, str]:
    """The level a worker gave its line and the line without it; lines that say no level are information."""
    found = _LLAMA.match(line) or _PYTHON.match(line)
    return (_LEVELS[found[1]], found[2]) if found else (logging.DEBUG, line)


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
