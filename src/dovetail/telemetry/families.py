"""The table of every figure that `/metrics` has: its name, what it means, and where its values come from.

`llama_*` are the names of an older server's document, `llamacpp:*` those of llama-server, `dovetail_*` our own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dovetail.core.model import ModelState
from dovetail.hardware.reading import GpuReading, MachineReading, ProcessReading, Unknown
from dovetail.telemetry.metrics import DURATIONS, Histogram, Metrics, ModelCounts, base, joined
from dovetail.telemetry.standing import ModelNow, Now

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Sample: TypeAlias = tuple[tuple[str, ...], "float | Histogram"]
STATES: tuple[ModelState, ...] = ("unloaded", "starting", "ready", "stopping", "failed")


@dataclass(frozen=True, slots=True)
class Told:
    """What values are taken from: counts by model, and how these models stand."""

    metrics: Metrics
    now: Now
    models: Mapping[str, ModelCounts]
    standing: tuple[ModelNow, ...]

    @property
    def counts(self) -> Iterable[ModelCounts]:
        return self.models.values()

    @property
    def gpus(self) -> tuple[GpuReading, ...]:
        return self.now.machine.devices if self.now.machine else ()

    @property
    def processes(self) -> tuple[ProcessReading, ...]:
        return self.now.machine.processes if self.now.machine else ()


Values: TypeAlias = Callable[[Told], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class Family:
    """One name. `admin`: it is about callers, and shown to admins alone."""

    name: str
    kind: Kind
    help: str
    values: Values
    labels: tuple[str, ...] = ()
    admin: bool = False


def _one(value: Callable[[Told], float | Histogram]) -> Values:
    return lambda told: [((), value(told))]


def _by_model(value: Callable[[ModelCounts], float | Histogram]) -> Values:
    return lambda told: [((name,), value(counts)) for name, counts in told.models.items()]


def _standing(value: Callable[[ModelNow], float | None]) -> Values:
    def values(told: Told) -> Iterable[Sample]:
        known = ((model.id, value(model)) for model in told.standing)
        return [((name,), found) for name, found in known if found is not None]

    return values


def _of_gpus(value: Callable[[GpuReading], float | Unknown]) -> Values:
    def values(told: Told) -> Iterable[Sample]:
        known = (((gpu.id, gpu.name), value(gpu)) for gpu in told.gpus)
        return [(labels, found) for labels, found in known if not isinstance(found, Unknown)]

    return values


def _of_machine(value: Callable[[MachineReading], float | Unknown]) -> Values:
    def values(told: Told) -> Iterable[Sample]:
        found = Unknown("") if told.now.machine is None else value(told.now.machine)
        return [] if isinstance(found, Unknown) else [((), found)]

    return values


def _of_processes(value: Callable[[ProcessReading], float | Unknown]) -> Values:
    def values(told: Told) -> Iterable[Sample]:
        sums: dict[str, float] = {}
        for process in told.processes:
            if not isinstance(found := value(process), Unknown):
                sums[base(process.name)] = sums.get(base(process.name), 0) + found
        return [((name,), found) for name, found in sums.items()]

    return values


def _endpoints(told: Told) -> Iterable[Sample]:
    found = Counter[str]()
    for counts in told.counts:
        for (endpoint, _), count in counts.requests.items():
            found[endpoint] += count
    return [((endpoint,), count) for endpoint, count in found.items()]


def _requests(told: Told) -> Iterable[Sample]:
    return [
        ((endpoint, model, str(status)), count)
        for model, counts in told.models.items()
        for (endpoint, status), count in counts.requests.items()
    ]


def _states(told: Told) -> Iterable[Sample]:
    return [((m.id, m.format, state), float(m.state == state)) for m in told.standing for state in STATES]


def _answers(told: Told) -> Iterable[Sample]:
    return [((m, endpoint, str(status)), n) for (m, endpoint, status), n in told.metrics.answers.items()]


def _cache(told: Told) -> Iterable[Sample]:
    for model, counts in told.models.items():
        yield (model, "hit"), counts.hits
        yield (model, "miss"), counts.prompts - counts.hits


def _limits(told: Told) -> Iterable[Sample]:
    return [((code,), count) for code, count in told.metrics.limits.items()]


def _callers(told: Told) -> Iterable[Sample]:
    return [((caller,), counts.requests) for caller, counts in told.metrics.callers.items()]


def _caller_tokens(told: Told) -> Iterable[Sample]:
    for caller, counts in told.metrics.callers.items():
        yield (caller, "prompt"), counts.prompt
        yield (caller, "generated"), counts.generated


def _durations(told: Told) -> Histogram:
    return joined((counts.duration for counts in told.counts), DURATIONS)


def _sum(value: Callable[[ModelCounts], float]) -> Values:
    return _one(lambda told: sum(map(value, told.counts)))


def _rate(tokens: Callable[[ModelCounts], float], seconds: Callable[[ModelCounts], float]) -> Values:
    def rate(told: Told) -> float:
        took = sum(map(seconds, told.counts))
        return sum(map(tokens, told.counts)) / took if took else 0.0

    return _one(rate)


def _active(told: Told) -> float:
    return sum(min(model.active, model.slots) for model in told.standing)


def _waiting(told: Told) -> float:
    return sum(model.waiting for model in told.standing)


_MODEL = ("model",)
_GPU = ("gpu", "name")

OLDER: tuple[Family, ...] = (
    Family(
        "llama_requests_total",
        "counter",
        "Requests for answers that have ended; of a list of prompts each.",
        _endpoints,
        ("endpoint",),
    ),
    Family("llama_request_duration_seconds", "histogram", "How long they took.", _one(_durations)),
    Family("llama_tokens_generated_total", "counter", "Tokens generated.", _sum(lambda m: m.generated)),
    Family("llama_slots_processing", "gauge", "Slots at work.", _one(_active)),
)
LLAMA_SERVER: tuple[Family, ...] = (
    Family("llamacpp:prompt_tokens_total", "counter", "Prompt tokens computed.", _sum(lambda m: m.prefilled)),
    Family("llamacpp:prompt_tokens_cached_total", "counter", "Prompt tokens a cache had.", _sum(lambda m: m.cached)),
    Family("llamacpp:prompt_seconds_total", "counter", "Seconds spent on prompts.", _sum(lambda m: m.prefill_seconds)),
    Family("llamacpp:tokens_predicted_total", "counter", "Tokens generated.", _sum(lambda m: m.generated)),
    Family(
        "llamacpp:tokens_predicted_seconds_total", "counter", "Seconds spent on them.", _sum(lambda m: m.decode_seconds)
    ),
    Family(
        "llamacpp:n_tokens_max",
        "gauge",
        "Tokens of the longest request, prompt and answer.",
        _one(lambda told: max((counts.longest for counts in told.counts), default=0)),
    ),
    Family(
        "llamacpp:prompt_tokens_seconds",
        "gauge",
        "Prompt tokens computed in a second, on average.",
        _rate(lambda m: m.prefilled, lambda m: m.prefill_seconds),
    ),
    Family(
        "llamacpp:predicted_tokens_seconds",
        "gauge",
        "Tokens that a request gets in a second, on average.",
        _rate(lambda m: m.generated, lambda m: m.decode_seconds),
    ),
    Family("llamacpp:requests_processing", "gauge", "Requests at work.", _one(_active)),
    Family("llamacpp:requests_deferred", "gauge", "Requests in line.", _one(_waiting)),
)
REQUESTS: tuple[Family, ...] = (
    Family(
        "dovetail_requests_total",
        "counter",
        "Requests for a model that have ended, of a list of prompts each; without a model those that named none.",
        _requests,
        ("endpoint", "model", "status"),
    ),
    Family(
        "dovetail_request_duration_seconds",
        "histogram",
        "From a request's arrival to the end of its answer.",
        _by_model(lambda m: m.duration),
        _MODEL,
    ),
    Family(
        "dovetail_time_to_first_token_seconds",
        "histogram",
        "From a request's arrival to the first piece of its answer, waiting and loading included.",
        _by_model(lambda m: m.ttft),
        _MODEL,
    ),
    Family(
        "dovetail_inter_token_seconds",
        "histogram",
        "From one piece of an answer to the next.",
        _by_model(lambda m: m.gaps),
        _MODEL,
    ),
    Family("dovetail_queue_seconds", "histogram", "Time in line for a slot.", _by_model(lambda m: m.queued), _MODEL),
    Family("dovetail_prompt_tokens_total", "counter", "Tokens of prompts.", _by_model(lambda m: m.prompt), _MODEL),
    Family(
        "dovetail_cached_tokens_total",
        "counter",
        "Those of them that a prompt cache had, in memory or on disk.",
        _by_model(lambda m: m.cached),
        _MODEL,
    ),
    Family("dovetail_generated_tokens_total", "counter", "Tokens generated.", _by_model(lambda m: m.generated), _MODEL),
    Family(
        "dovetail_prompt_cache_requests_total",
        "counter",
        "Requests by whether a prompt cache had some of the prompt.",
        _cache,
        ("model", "result"),
    ),
    Family(
        "dovetail_limits_hit_total",
        "counter",
        "Requests and connections turned away by a bound, by its code.",
        _limits,
        ("code",),
    ),
    Family(
        "dovetail_http_requests_total",
        "counter",
        "Answers to HTTP requests of every kind; without an endpoint those to unknown addresses.",
        _answers,
        ("method", "endpoint", "status"),
    ),
    Family("dovetail_requests_running", "gauge", "Requests at work now.", _one(lambda told: told.now.running)),
    Family("dovetail_requests_waiting", "gauge", "Requests that wait now.", _one(lambda told: told.now.waiting)),
    Family("dovetail_event_streams", "gauge", "Open streams of events.", _one(lambda told: told.now.streams)),
    Family(
        "dovetail_caller_requests_total", "counter", "Requests that have ended, by caller.", _callers, ("caller",), True
    ),
    Family("dovetail_caller_tokens_total", "counter", "Their tokens.", _caller_tokens, ("caller", "kind"), True),
)
MODELS: tuple[Family, ...] = (
    Family(
        "dovetail_model_state", "gauge", "1 for the state that a model is in.", _states, ("model", "format", "state")
    ),
    Family("dovetail_slots", "gauge", "Slots.", _standing(lambda m: m.slots), _MODEL),
    Family("dovetail_slots_busy", "gauge", "Those at work.", _standing(lambda m: min(m.active, m.slots)), _MODEL),
    Family("dovetail_queue_depth", "gauge", "Requests in line.", _standing(lambda m: m.waiting), _MODEL),
    Family("dovetail_model_load_seconds", "histogram", "Loading times.", _by_model(lambda m: m.loads), _MODEL),
    Family(
        "dovetail_worker_restarts_total",
        "counter",
        "Workers started again after they fell.",
        _by_model(lambda m: m.restarts),
        _MODEL,
    ),
    Family("dovetail_memory_budget_bytes", "gauge", "RAM that models may take.", _one(lambda told: told.now.budget)),
    Family(
        "dovetail_memory_reserved_bytes",
        "gauge",
        "What of it is kept for the models that are loaded.",
        _one(lambda told: sum(model.reserved for model in told.now.models)),
    ),
    Family(
        "dovetail_model_memory_reserved_bytes", "gauge", "The same by model.", _standing(lambda m: m.reserved), _MODEL
    ),
    Family("dovetail_model_memory_bytes", "gauge", "RAM as measured.", _standing(lambda m: m.memory), _MODEL),
    Family(
        "dovetail_model_device_memory_bytes", "gauge", "Memory of GPUs.", _standing(lambda m: m.device_memory), _MODEL
    ),
    Family("dovetail_kv_store_bytes", "gauge", "Prompt caches on disk.", _one(lambda told: told.now.stored.bytes)),
    Family("dovetail_kv_store_limit_bytes", "gauge", "What they may take.", _one(lambda told: told.now.stored.limit)),
    Family("dovetail_kv_store_files", "gauge", "Conversations in them.", _one(lambda told: told.now.stored.files)),
)
MACHINE: tuple[Family, ...] = (
    Family(
        "dovetail_info",
        "gauge",
        "The version that runs; always 1.",
        lambda told: [((told.now.version,), 1)],
        ("version",),
    ),
    Family("dovetail_cpu_percent", "gauge", "Of all CPUs that may be used.", _of_machine(lambda m: m.cpu)),
    Family(
        "dovetail_memory_total_bytes", "gauge", "RAM, or the container's limit.", _of_machine(lambda m: m.memory_total)
    ),
    Family("dovetail_memory_used_bytes", "gauge", "What of it is used.", _of_machine(lambda m: m.memory_used)),
    Family(
        "dovetail_process_cpu_percent",
        "gauge",
        "Of one CPU, by process: the gateway, or a model with all its workers.",
        _of_processes(lambda p: p.cpu),
        ("process",),
    ),
    Family(
        "dovetail_process_memory_bytes", "gauge", "RAM by process.", _of_processes(lambda p: p.memory), ("process",)
    ),
    Family(
        "dovetail_process_vram_bytes", "gauge", "GPU memory by process.", _of_processes(lambda p: p.vram), ("process",)
    ),
    Family(
        "dovetail_gpu_busy_percent", "gauge", "Time in which something ran on it.", _of_gpus(lambda g: g.busy), _GPU
    ),
    Family("dovetail_gpu_memory_used_bytes", "gauge", "Its memory in use.", _of_gpus(lambda g: g.vram_used), _GPU),
    Family("dovetail_gpu_memory_total_bytes", "gauge", "Its memory.", _of_gpus(lambda g: g.vram_total), _GPU),
    Family("dovetail_gpu_power_watts", "gauge", "Power it draws.", _of_gpus(lambda g: g.power), _GPU),
    Family("dovetail_gpu_temperature_celsius", "gauge", "Its temperature.", _of_gpus(lambda g: g.temperature), _GPU),
)
FAMILIES: tuple[Family, ...] = (*OLDER, *LLAMA_SERVER, *REQUESTS, *MODELS, *MACHINE)
