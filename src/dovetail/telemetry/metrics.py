"""What is counted since the start, by model: requests, times, tokens, loads. Bounded: no client invents a label."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dovetail.core.observe import GAPS, Answered, Observer, RequestRecord

# Upper bounds in seconds.
DURATIONS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
FIRST_TOKENS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WAITS = (0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)
LOADS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
MOST_MODELS = 512
MOST_CALLERS = 1000
NONE = ""  # stands for a model that is not known, as one that a client made up
OTHERS = "others"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# The codes of refusals for which a bound is the reason, and nothing that failed.
LIMITS = frozenset(
    {
        "busy", "disk_full", "head_too_large", "insufficient_memory", "insufficient_storage", "queue_full",
        "queue_timeout", "rate_limit_exceeded", "request_timeout", "request_too_large", "too_many_answers",
        "too_many_attempts", "too_many_connections", "too_many_keys", "too_many_logins", "too_many_streams",
    }
)  # fmt: skip
_BASE = re.compile(r"[+:#@]")


class Histogram:
    """How many of what was observed lie at or below each of `bounds`, and in the last class above all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add(self, counts: Sequence[int], total: float) -> None:
        """Takes in what was counted elsewhere, in the same classes; `total` is the sum of the values."""
        self.counts = [a + b for a, b in zip(self.counts, counts, strict=True)]
        self.sum += total

    def quantile(self, q: float) -> float | None:
        """An estimate by straight lines within the classes, as Prometheus makes it; None where nothing was observed."""
        wanted, below, low = q * self.count, 0, 0.0
        if not self.count:
            return None
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= wanted:
                return low + (bound - low) * (wanted - below) / count
            below, low = below + count, bound
        return self.bounds[-1]


def joined(histograms: Iterable[Histogram], bounds: Sequence[float]) -> Histogram:
    """All of them in one."""
    whole = Histogram(bounds)
    for each in histograms:
        whole.add(each.counts, each.sum)
    return whole


@dataclass(slots=True)
class ModelCounts:
    """Of one model with all its adapters and workers. Seconds and tokens.

    requests    by endpoint and status
    cached      prompt tokens that were not computed again, of `prompt`; `hits` requests of `prompts` had some
    prefilled   prompt tokens that were computed, by the workers' own word, in `prefill_seconds`
    longest     tokens of the longest request, prompt and answer
    """

    requests: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    duration: Histogram = field(default_factory=lambda: Histogram(DURATIONS))
    ttft: Histogram = field(default_factory=lambda: Histogram(FIRST_TOKENS))
    queued: Histogram = field(default_factory=lambda: Histogram(WAITS))
    gaps: Histogram = field(default_factory=lambda: Histogram(GAPS))
    loads: Histogram = field(default_factory=lambda: Histogram(LOADS))
    restarts: int = 0
    prompt: int = 0
    cached: int = 0
    generated: int = 0
    prefilled: int = 0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    prompts: int = 0
    hits: int = 0
    longest: int = 0

    @property
    def failed(self) -> int:
        return sum(count for (_, status), count in self.requests.items() if status >= 400)

    def take(self, record: RequestRecord) -> None:
        self.requests[record.endpoint, record.status] += 1
        self.duration.observe(record.duration)
        self.queued.observe(record.queued)
        if record.ttft is not None:
            self.ttft.observe(record.ttft)
        if record.gaps:
            self.gaps.add(record.gaps, record.between)
        used = record.usage
        self.prompt += used.prompt
        self.cached += used.cached
        self.generated += used.completion
        timings = [choice.timings for choice in record.choices]
        self.prefilled += sum(each.prompt_n for each in timings)
        self.prefill_seconds += sum(each.prompt_ms for each in timings) / 1000
        self.decode_seconds += sum(each.predicted_ms for each in timings) / 1000 or record.decode or 0.0
        if record.kind == "generation":  # what is only read has no cache
            self.prompts += used.prompt > 0
            self.hits += used.cached > 0
        self.longest = max(self.longest, used.prompt + used.completion)


@dataclass(slots=True)
class CallerCounts:
    """Of one caller."""

    requests: int = 0
    prompt: int = 0
    generated: int = 0


class Metrics(Observer):
    """Counts; nothing is done for a token. `known` tells whether a model of that id exists, and must not block."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self.models: dict[str, ModelCounts] = {}
        self.callers: dict[str, CallerCounts] = {}
        self.answers: Counter[tuple[str, str, int]] = Counter()  # by method, endpoint and status
        self.limits: Counter[str] = Counter()  # by the refusal's code

    def request_done(self, record: RequestRecord) -> None:
        self._counts(record.model).take(record)
        full = len(self.callers) >= MOST_CALLERS and record.caller.id not in self.callers
        caller = self.callers.setdefault(OTHERS if full else record.caller.id, CallerCounts())
        caller.requests += 1
        caller.prompt += record.usage.prompt
        caller.generated += record.usage.completion

    def model_loaded(self, model: str, seconds: float) -> None:
        self._counts(model).loads.observe(seconds)

    def worker_restarted(self, model: str, reason: str | None) -> None:
        if reason is not None:
            self._counts(model).restarts += 1

    def answered(self, answer: Answered) -> None:
        method = answer.method if answer.method in _METHODS else OTHERS
        self.answers[method, answer.endpoint, answer.status] += 1
        if answer.error is not None and answer.error in LIMITS:
            self.limits[answer.error] += 1

    def _counts(self, model: str) -> ModelCounts:
        name = base(model)
        if name not in self.models and not (self._known(name) and len(self.models) < MOST_MODELS):
            name = NONE
        return self.models.setdefault(name, ModelCounts())


def base(model: str) -> str:
    """The model's id in the name of a worker, or of a model with an adapter."""
    return _BASE.split(model, maxsplit=1)[0]
