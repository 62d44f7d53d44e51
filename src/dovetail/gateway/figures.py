"""The shapes of what is told of now: models, requests under way, and all the figures of `/metrics` as JSON."""

from __future__ import annotations

import time

from dovetail.core.model import Model, ModelFormat, ModelState
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.gateway.answers import Answer, Placement
from dovetail.hardware.reading import MachineReading, Unknown, Vendor
from dovetail.serving.requests import Kind, Phase, Ticket


class ModelFigures(Answer):
    """A model that was asked for since the start, with all its workers of one purpose.

    `id` is `model`, with an adapter's name behind a plus and a purpose behind a colon where its workers have one.
    `progress` of a load, 0 to 1, by the memory its worker has taken; `last_used`, and `expires_at`, when it goes if
    nobody asks for it, are in seconds since 1970.
    """

    id: str
    model: str
    format: ModelFormat
    state: ModelState
    reason: str | None
    context: int
    slots: int
    active: int
    waiting: int
    placement: Placement | None
    progress: float | None
    last_used: float | None
    expires_at: float | None


class RequestAnswer(Answer):
    """A request under way.

    `number` is its own, `id` its `x-request-id`, `worker` the worker it waits for or runs on, empty while that is not
    known. `position` and `wait` (seconds, a guess) in line, 0 and null when it is not there. `params` are its fields as
    they were sent; of texts, lists and objects only the length.
    """

    number: int
    id: str
    kind: Kind
    caller: str
    model: str
    worker: str
    phase: Phase
    position: int
    wait: float | None
    prompt_tokens: int
    prefilled_tokens: int
    output_tokens: int
    started: float
    params: dict[str, object]


class RequestFigures(Answer):
    """Requests for answers that run and that wait now; all that have ended since the start, and those that failed."""

    running: int
    waiting: int
    total: int
    failed: int


class SlotFigures(Answer):
    """Slots of the models that are loaded."""

    busy: int
    total: int


class TokenFigures(Answer):
    """Tokens since the start, of requests that have ended: prompts, what of them a cache had, answers."""

    prompt: int
    cached: int
    generated: int


class TokenRates(Answer):
    """Tokens a second now, of all requests together: of prompts that are computed, and pieces of answers."""

    prompt: float
    generated: float


class Quantiles(Answer):
    """Seconds that half, 95 and 99 of a hundred stayed below, since the start."""

    p50: float
    p95: float
    p99: float


class TimeFigures(Answer):
    """Of whole requests, to the first token, from token to token, and in line; null where there were none."""

    duration: Quantiles | None
    first_token: Quantiles | None
    inter_token: Quantiles | None
    queue: Quantiles | None


class MemoryFigures(Answer):
    """Bytes of RAM: what models may take in all, what is kept for those that are loaded, and what these take now."""

    budget: int
    reserved: int
    used: int


class StoreFigures(Answer):
    """Prompt caches on disk: bytes, conversations, and the bytes they may have."""

    bytes: int
    files: int
    limit: int


class UnknownFigure(Answer):
    """Stands where a number would, and says why there is none."""

    unknown: str


class ProcessFigures(Answer):
    """The gateway, or a worker with everything it started: percent of one CPU, bytes of RAM and of GPUs' memory."""

    name: str
    cpu: float | UnknownFigure
    memory: int | UnknownFigure
    vram: int | UnknownFigure


class GpuFigures(Answer):
    """A GPU: percent of the time in which something ran on it, bytes, watts, degrees Celsius.

    `shares`: its memory is the machine's.
    """

    id: str
    vendor: Vendor
    name: str
    source: str
    busy: float | UnknownFigure
    vram_used: int | UnknownFigure
    vram_total: int | UnknownFigure
    power: float | UnknownFigure
    temperature: float | UnknownFigure
    shares: bool


class MachineFigures(Answer):
    """Percent of all CPUs that may be used, how many those are, and bytes of RAM."""

    cpu: float | UnknownFigure
    cpus: float
    memory_total: int | UnknownFigure
    memory_used: int | UnknownFigure
    processes: list[ProcessFigures]
    gpus: list[GpuFigures]


class Reading(Answer):
    """The figures of now, of one `model` where it was asked for by name; the machine's and the store's are all's.

    `at` is in seconds since 1970; `queue_length` is what waits, as in `requests.waiting`; `capture`
    is whether prompts and replies are being written to a file.
    """

    at: float
    model: str | None
    ready: bool
    capture: bool
    queue_length: int
    requests: RequestFigures
    slots: SlotFigures
    tokens: TokenFigures
    tokens_per_second: TokenRates
    seconds: TimeFigures
    memory: MemoryFigures
    kv_store: StoreFigures
    machine: MachineFigures
    models: list[ModelFigures]


def request_answer(ticket: Ticket) -> JsonObject:
    """A request as `RequestAnswer`."""
    queued = ticket.phase == "queued"
    return {
        "number": ticket.number,
        "id": ticket.id,
        "kind": ticket.kind,
        "caller": ticket.caller.id,
        "model": ticket.model,
        "worker": ticket.worker,
        "phase": ticket.phase,
        "position": ticket.position if queued else 0,
        "wait": ticket.wait if queued else None,
        "prompt_tokens": ticket.prompt,
        "prefilled_tokens": ticket.prefilled,
        "output_tokens": ticket.tokens,
        "started": ticket.began,
        "params": ticket.params,
    }


def placement(status: WorkerStatus) -> Placement | None:
    """Where a model is, None where it is not loaded."""
    if status.state != "ready":
        return None
    return Placement(
        memory=status.memory,
        reserved=status.reserved,
        device_memory=status.device_memory,
        gpu_layers=status.gpu_layers,
        layers=status.layers,
    )


def models(pool: Pool, model: str | None = None) -> list[JsonObject]:
    """Every model that was asked for, or that one alone, as `ModelFigures`."""
    served = [(status, status.served) for status in pool.models() if status.served is not None]
    return [_model(status, each) for status, each in served if model in {None, each.id}]


def _model(status: WorkerStatus, served: Model) -> JsonObject:
    placed = placement(status)
    return {
        "id": status.model,
        "model": served.id,
        "format": served.format,
        "state": status.state,
        "reason": status.reason,
        "context": status.context,
        "slots": status.slots,
        "active": status.active,
        "waiting": status.waiting,
        "placement": None if placed is None else placed.model_dump(),
        "progress": status.progress,
        "last_used": None if status.last_used is None else round(time.time() - time.monotonic() + status.last_used, 1),
        "expires_at": None if status.expires_in is None else round(time.time() + status.expires_in),
    }


def machine(reading: MachineReading) -> JsonObject:
    """As `MachineFigures`."""
    processes: list[Json] = [
        {"name": each.name, "cpu": _said(each.cpu), "memory": _said(each.memory), "vram": _said(each.vram)}
        for each in reading.processes
    ]
    gpus: list[Json] = [
        {
            "id": gpu.id,
            "vendor": gpu.vendor,
            "name": gpu.name,
            "source": gpu.source,
            "busy": _said(gpu.busy),
            "vram_used": _said(gpu.vram_used),
            "vram_total": _said(gpu.vram_total),
            "power": _said(gpu.power),
            "temperature": _said(gpu.temperature),
            "shares": gpu.shares,
        }
        for gpu in reading.devices
    ]
    return {
        "cpu": _said(reading.cpu),
        "cpus": reading.cpus,
        "memory_total": _said(reading.memory_total),
        "memory_used": _said(reading.memory_used),
        "processes": processes,
        "gpus": gpus,
    }


def _said(figure: float | Unknown) -> Json:
    if isinstance(figure, Unknown):
        return {"unknown": figure.reason}
    return figure if isinstance(figure, int) else round(figure, 2)
