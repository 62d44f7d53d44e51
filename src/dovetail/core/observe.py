"""What the working layers report and telemetry listens to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dovetail.core.caller import Caller
from dovetail.core.events import Finished, Usage
from dovetail.core.model import ModelState


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One finished request: seconds on the monotonic clock, `error` is an error's code or None.

    unfinished  tokens of what was computed beside `choices` for a request that was left or failed
    """

    id: str
    caller: Caller
    model: str
    started: float
    first_output: float | None
    ended: float
    choices: tuple[Finished, ...]
    error: str | None
    unfinished: Usage | None = None


class Observer(Protocol):
    """Receives facts as they happen; must not block and must not raise."""

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None: ...

    def worker_line(self, model: str, line: str) -> None: ...

    def configuration(self, problem: str | None) -> None:
        """The files of the configuration were read again: `problem` is why they are not in force, None if they are."""
        ...

    def request_done(self, record: RequestRecord) -> None: ...
