"""The figures of now: how the models stand, what is asked of them and how fast they answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dovetail.core.model import Model, ModelFormat, ModelState
from dovetail.core.request import JsonObject
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.gateway.answers import Answer, Placement
from dovetail.serving.requests import Kind, Phase, Requests, Ticket

WAITING = frozenset({"starting", "loading", "queued"})
_SPAN = 1.5  # seconds that a rate is told over, where figures are read often enough
_OLD = 10.0


class ModelFigures(Answer):
    """A model that was asked for since the start, with all its workers of one purpose.

    `id` is `model`, with an adapter's name behind a plus and a purpose behind a colon where its workers have one.
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
    """Requests for answers that run and that wait now."""

    running: int
    waiting: int


class SlotFigures(Answer):
    """Slots of the models that are loaded."""

    busy: int
    total: int


class TokenRates(Answer):
    """Tokens a second, of all requests together: of prompts that were computed, and pieces of answers."""

    prompt: float
    generated: float


class MemoryFigures(Answer):
    """Bytes: what models may take in all, what is kept for those that are loaded, and what these take now."""

    budget: int
    reserved: int
    used: int


class Reading(Answer):
    """The figures of now; `at` is in seconds since 1970, `queue_length` what waits, as `requests.waiting` is."""

    at: float
    ready: bool
    queue_length: int
    requests: RequestFigures
    slots: SlotFigures
    tokens_per_second: TokenRates
    memory: MemoryFigures
    models: list[ModelFigures]


@dataclass(frozen=True, slots=True)
class Beat:
    """What had been counted at a moment, on the monotonic clock."""

    at: float
    prompt: int
    generated: int


class Pulse:
    """How fast tokens go by, from what is counted of requests under way: nothing is done for a token."""

    def __init__(self) -> None:
        self._beats: deque[Beat] = deque(maxlen=16)

    @property
    def is_fresh(self) -> bool:
        """Whether a rate can be told that is of now."""
        return bool(self._beats) and time.monotonic() - self._beats[-1].at < _OLD

    def beat(self, requests: Requests) -> TokenRates:
        """The rates since about a second ago; 0 where nothing was looked at for long."""
        prompt, generated = requests.counted()
        now = Beat(time.monotonic(), prompt, generated)
        recent = [beat for beat in self._beats if now.at - beat.at < _SPAN] or list(self._beats)[-1:]
        self._beats.append(now)
        if not recent or now.at - recent[0].at > _OLD or now.at == recent[0].at:
            return TokenRates(prompt=0.0, generated=0.0)
        seconds = now.at - recent[0].at
        return TokenRates(
            prompt=round((now.prompt - recent[0].prompt) / seconds, 1),
            generated=round((now.generated - recent[0].generated) / seconds, 1),
        )


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


def models(pool: Pool) -> list[JsonObject]:
    """Every model that was asked for, as `ModelFigures`."""
    return [_model(status, status.served) for status in pool.models() if status.served is not None]


def reading(pool: Pool, requests: Requests, rates: TokenRates, *, ready: bool) -> JsonObject:
    """The figures of now, as `Reading`."""
    loaded = [status for status in pool.models() if status.state == "ready"]
    asked = _requests(list(requests))
    return {
        "at": round(time.time(), 3),
        "ready": ready,
        "queue_length": asked.waiting,
        "requests": asked.model_dump(),
        "slots": {
            "busy": sum(min(status.active, status.slots) for status in loaded),
            "total": sum(status.slots for status in loaded),
        },
        "tokens_per_second": rates.model_dump(),
        "memory": {
            "budget": pool.budget,
            "reserved": sum(status.reserved for status in loaded),
            "used": sum(status.memory or 0 for status in loaded),
        },
        "models": [*models(pool)],
    }


def _requests(tickets: Sequence[Ticket]) -> RequestFigures:
    waiting = sum(ticket.phase in WAITING for ticket in tickets)
    return RequestFigures(running=len(tickets) - waiting, waiting=waiting)


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
    }
