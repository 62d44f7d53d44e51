"""Reads all figures of now, for `/metrics` in both its forms and for whoever is pushed them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dovetail import __version__, kv_folder
from dovetail.core.observe import GAPS
from dovetail.core.request import JsonObject
from dovetail.fleet.pool import Pool, WorkerStatus, together
from dovetail.gateway import figures
from dovetail.gateway.figures import Quantiles, TokenRates
from dovetail.gateway.streams import Streams
from dovetail.hardware.reading import MachineReading
from dovetail.hardware.sampler import Sampler
from dovetail.serving.requests import Requests
from dovetail.settings import Settings
from dovetail.telemetry.exposition import Exposition
from dovetail.telemetry.metrics import DURATIONS, FIRST_TOKENS, WAITS, Histogram, Metrics, ModelCounts, base, joined
from dovetail.telemetry.standing import ModelNow, Now, Stored

GATEWAY = "gateway"  # the name of this process among those of the models
WAITING = frozenset({"starting", "loading", "queued"})
_SPAN = 0.9  # seconds that rates are told over, at least
_OLD = 10.0
_QUICK = 0.1  # seconds that rates are told over where nobody has looked for long
_STORE_EVERY = 5.0  # seconds between two looks at the folder of prompt caches


class Pulse:
    """How fast tokens go by, from what is counted of requests under way: nothing is done for a token."""

    def __init__(self, counted: Callable[[], Mapping[str, tuple[int, int]]], clock: Callable[[], float]) -> None:
        self._counted = counted
        self._clock = clock
        self._beats: deque[tuple[float, Mapping[str, tuple[int, int]]]] = deque(maxlen=8)

    @property
    def is_old(self) -> bool:
        """Whether nobody has looked for long, so that a rate could not be told."""
        return not self._beats or self._clock() - self._beats[-1][0] > _OLD

    def rates(self, model: str | None) -> TokenRates:
        """Of `model`, or of all, since about a second ago, or since the first look after a long time."""
        if self.is_old:
            self._beats.clear()
        now, counts = self._clock(), self._counted()
        before = next((beat for beat in reversed(self._beats) if now - beat[0] >= _SPAN), None)
        before = before or (self._beats[0] if self._beats else (now, counts))
        if not self._beats or now - self._beats[-1][0] >= _SPAN / 2:
            self._beats.append((now, counts))
        seconds = now - before[0]
        # A prompt that is read again, by another choice or behind a worker that fell, begins anew.
        prompt, generated = (max(0, _sum(counts, model, i) - _sum(before[1], model, i)) for i in (0, 1))
        if seconds < _QUICK / 2:
            return TokenRates(prompt=0.0, generated=0.0)
        return TokenRates(prompt=round(prompt / seconds, 1), generated=round(generated / seconds, 1))


class Panel:
    """One for all who look. What blocks is done beside the event loop; the machine is read once a second at most."""

    def __init__(  # noqa: PLR0917  called once, where the gateway's parts are put together
        self,
        pool: Pool,
        requests: Requests,
        streams: Streams,
        metrics: Metrics,
        sampler: Sampler,
        settings: Callable[[], Settings],
        clock: Callable[[], float] = time.monotonic,
        capturing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool = pool
        self.requests = requests
        self._streams = streams
        self._metrics = metrics
        self._sampler = sampler
        self._settings = settings
        self._clock = clock
        self._capturing = capturing
        self._pulse = Pulse(requests.counted, clock)
        self._exposition = Exposition(metrics)
        self._stored = Stored()
        self._looked: float | None = None

    def models(self, model: str | None = None) -> list[JsonObject]:
        """Every model that was asked for, or that one alone, as `figures.ModelFigures`."""
        return figures.models(self._pool, model)

    async def text(self, *, full: bool, model: str | None = None) -> bytes:
        """In Prometheus' form; `full` with what is about callers."""
        machine, stored = _about(await self._sampler.read(), model), await self._store()
        asked = list(self.requests)
        waiting = sum(ticket.phase in WAITING for ticket in asked)
        now = Now(
            version=__version__,
            models=tuple(_now(name, statuses) for name, statuses in self._by_model().items()),
            running=len(asked) - waiting,
            waiting=waiting,
            budget=self._pool.budget,
            streams=len(self._streams),
            stored=stored,
            machine=machine,
        )
        return await self._exposition.text(now, full=full, model=model)

    async def reading(self, *, ready: bool, model: str | None = None) -> JsonObject:
        """As `figures.Reading`. Takes a moment where nobody has looked for long: rates are told over it."""
        if self._pulse.is_old:
            self._pulse.rates(model)
            await asyncio.sleep(_QUICK)
        machine, stored = _about(await self._sampler.read(), model), await self._store()
        return {
            "at": round(time.time(), 3),
            "model": model,
            "ready": ready,
            "capture": self._capturing(),
            **self._asked(model),
            "tokens_per_second": self._pulse.rates(model).model_dump(),
            **self._counted(model),
            **self._loaded(model),
            "kv_store": {"bytes": stored.bytes, "files": stored.files, "limit": stored.limit},
            "machine": figures.machine(machine),
            "models": [*self.models(model)],
        }

    def _asked(self, model: str | None) -> JsonObject:
        asked = [ticket for ticket in self.requests if model in {None, base(ticket.model)}]
        waiting = sum(ticket.phase in WAITING for ticket in asked)
        counts = self._counts(model)
        return {
            "queue_length": waiting,
            "requests": {
                "running": len(asked) - waiting,
                "waiting": waiting,
                "total": sum(c.requests.total() for c in counts),
                "failed": sum(c.failed for c in counts),
            },
        }

    def _counted(self, model: str | None) -> JsonObject:
        counts = self._counts(model)
        return {
            "tokens": {
                "prompt": sum(c.prompt for c in counts),
                "cached": sum(c.cached for c in counts),
                "generated": sum(c.generated for c in counts),
            },
            "seconds": _seconds(counts),
        }

    def _counts(self, model: str | None) -> list[ModelCounts]:
        return [counts for name, counts in self._metrics.models.items() if model in {None, name}]

    def _loaded(self, model: str | None) -> JsonObject:
        loaded = [_now(name, statuses) for name, statuses in self._by_model().items() if model in {None, name}]
        loaded = [each for each in loaded if each.state == "ready"]
        return {
            "slots": {
                "busy": sum(min(each.active, each.slots) for each in loaded),
                "total": sum(each.slots for each in loaded),
            },
            "memory": {
                "budget": self._pool.budget,
                "reserved": sum(each.reserved for each in loaded),
                "used": sum(each.memory or 0 for each in loaded),
            },
        }

    def _by_model(self) -> dict[str, list[WorkerStatus]]:
        found: dict[str, list[WorkerStatus]] = {}
        for status in self._pool.states():
            if status.served is not None:
                found.setdefault(status.served.id, []).append(status)
        return found

    async def _store(self) -> Stored:
        now, said = self._clock(), self._settings()
        if self._looked is None or now - self._looked >= _STORE_EVERY:
            self._looked = now
            self._stored = await asyncio.to_thread(_look, said.home / "kv", said.kv.max_bytes)
        return self._stored


def _about(machine: MachineReading, model: str | None) -> MachineReading:
    """Without the processes of other models than `model`."""
    if model is None:
        return machine
    meant = tuple(each for each in machine.processes if base(each.name) in {GATEWAY, model})
    return replace(machine, processes=meant)


def _look(folder: Path, limit: int) -> Stored:
    entries = kv_folder.entries(folder)
    return Stored(sum(entry.size for entry in entries), len(entries), limit)


def _now(name: str, statuses: Sequence[WorkerStatus]) -> ModelNow:
    whole = together(statuses)
    return ModelNow(
        id=name,
        format=whole.served.format if whole.served else "gguf",
        state=whole.state,
        slots=whole.slots,
        active=whole.active,
        waiting=whole.waiting,
        memory=whole.memory,
        reserved=whole.reserved,
        device_memory=whole.device_memory,
    )


def _seconds(counts: Sequence[ModelCounts]) -> JsonObject:
    found = {
        "duration": joined((c.duration for c in counts), DURATIONS),
        "first_token": joined((c.ttft for c in counts), FIRST_TOKENS),
        "inter_token": joined((c.gaps for c in counts), GAPS),
        "queue": joined((c.queued for c in counts), WAITS),
    }
    return {name: _quantiles(histogram) for name, histogram in found.items()}


def _quantiles(histogram: Histogram) -> JsonObject | None:
    p50, p95, p99 = (histogram.quantile(q) for q in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Quantiles(p50=round(p50, 6), p95=round(p95, 6), p99=round(p99, 6)).model_dump()


def _sum(counts: Mapping[str, tuple[int, int]], model: str | None, which: int) -> int:
    return sum(each[which] for name, each in counts.items() if model in {None, base(name)})
