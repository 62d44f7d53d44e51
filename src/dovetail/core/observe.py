"""What the working layers report and telemetry listens to."""

from __future__ import annotations

from dataclasses import dataclass

from dovetail.core.caller import Caller
from dovetail.core.events import Finished, Usage
from dovetail.core.model import ModelState

# Upper bounds in seconds of the classes that gaps between pieces of an answer are counted in; one more has no bound.
GAPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One finished request: seconds on the monotonic clock, `error` is an error's code or None.

    model       by its name; what was asked for, whatever that says, where there is none of that name
    id          the answer's own; `request_id` is the one of `x-request-id`, which several records may share
    unfinished  tokens of what was computed beside `choices` for a request that was left or failed
    kind        generation, embedding or ranking
    endpoint    the route's path as it is registered, empty where no route asked
    began       when it came, in seconds since the epoch
    trace       the client's `traceparent`, empty where it sent none
    status      what its answer has or would have had: 499 for a client that left
    queued, loading   seconds in line for a slot, and until the model was ready
    gaps        how many gaps between two pieces of one choice fell into each class of `GAPS`; empty where none did
    between     seconds of all these gaps together
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
    kind: str = "generation"
    endpoint: str = ""
    request_id: str = ""
    trace: str = ""
    began: float = 0.0
    status: int = 200
    streamed: bool = False
    queued: float = 0.0
    loading: float = 0.0
    gaps: tuple[int, ...] = ()
    between: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.ended - self.started

    @property
    def ttft(self) -> float | None:
        """Seconds to the first output."""
        return None if self.first_output is None else self.first_output - self.started

    @property
    def prefill(self) -> float | None:
        """Seconds that the worker took for the prompt, by its own clock; the longest of its choices'."""
        return max((c.timings.prompt_ms / 1000 for c in self.choices if c.timings.prompt_n), default=None)

    @property
    def decode(self) -> float | None:
        """Seconds of writing: by the worker's clock where it has told, else from the first output to the end."""
        told = max((c.timings.predicted_ms / 1000 for c in self.choices if c.timings.predicted_n), default=None)
        return self.ended - self.first_output if told is None and self.first_output is not None else told

    @property
    def prompt_speed(self) -> float | None:
        """Prompt tokens a second, of those that were computed."""
        times = [choice.timings for choice in self.choices]
        return _speed(sum(t.prompt_n for t in times), sum(t.prompt_ms for t in times) / 1000)

    @property
    def speed(self) -> float | None:
        """Tokens a second of one choice while it was written."""
        times = [choice.timings for choice in self.choices]
        told = _speed(sum(t.predicted_n for t in times), sum(t.predicted_ms for t in times) / 1000)
        return _speed(self.usage.completion, self.decode or 0.0) if told is None else told

    @property
    def usage(self) -> Usage:
        """Tokens of its prompt, once whatever its choices, and of all that was generated, to its end or not."""
        usages = [choice.usage for choice in self.choices]
        if self.unfinished is not None:
            usages.append(self.unfinished)
        return Usage(
            prompt=max((u.prompt for u in usages), default=0),
            completion=sum(u.completion for u in usages),
            cached=max((u.cached for u in usages), default=0),
        )


def _speed(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens and seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Answered:
    """One HTTP answer that has ended, whatever it was about: `endpoint` as in a record, `error` the code of a refusal.

    Limits that were hit are the codes of statuses 413, 429, 431, 503 and 507.
    """

    method: str
    endpoint: str
    status: int
    seconds: float
    error: str | None = None


class Observer:
    """Receives facts as they happen, on the event loop; a method must not block. Each does nothing here."""

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        """A worker, by its name, has another state."""

    def model_loaded(self, model: str, seconds: float) -> None:
        """A worker is ready, so long after its process was started."""

    def worker_restarted(self, model: str, reason: str | None) -> None:
        """A worker is started again behind one that fell, or, without a reason, that left to come back."""

    def worker_line(self, model: str, line: str) -> None:
        """A worker has written a line; of a flood a part is passed on."""

    def configuration(self, problem: str | None) -> None:
        """The files of the configuration were read again: `problem` is why they are not in force, None if they are."""

    def request_done(self, record: RequestRecord) -> None:
        """A request for a model has ended, however it did."""

    def answered(self, answer: Answered) -> None:
        """An HTTP answer has ended; that of a request that reached a model comes behind its record."""
