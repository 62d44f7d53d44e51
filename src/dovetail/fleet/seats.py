"""The seats of all models: found by model, made when first asked for, made anew when what they were made by changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import structlog

from dovetail.core.errors import DovetailError, LoadFailed
from dovetail.core.model import LoadOptions, Model, ModelFormat, Pooling
from dovetail.core.observe import Observer
from dovetail.engines.base import Engine, Machine
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.cores import Cores
from dovetail.fleet.crowd import Crowd
from dovetail.fleet.launch import Launched, Launcher
from dovetail.fleet.measured import Measured
from dovetail.fleet.process import Worker
from dovetail.fleet.prompt_store import PromptStore, Shelf
from dovetail.fleet.queue import Bounds, Queue
from dovetail.fleet.remote import reach
from dovetail.fleet.seat import Seat
from dovetail.fleet.slots import Slots
from dovetail.fleet.threads import Threads
from dovetail.settings import FleetSettings

_DEFAULT_SLOTS = 1

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Making:
    """What seats are made by; `options` raises LoadFailed for settings that a model cannot have."""

    engines: Mapping[ModelFormat, Engine]
    options: Callable[[Model], LoadOptions]
    machine: Machine
    store: PromptStore | None = None
    measured: Measured | None = None

    def engine(self, model: Model) -> Engine:
        """Raises LoadFailed where there is none."""
        engine = self.engines.get(model.format)
        if engine is None:
            raise LoadFailed(f"{model.id} cannot be loaded: no engine for {model.format.upper()} models is configured")
        return engine

    def resolved(self, model: Model, engine: Engine, pooling: Pooling | None) -> LoadOptions:
        """The options of a load now."""
        return engine.resolve(model, replace(self.options(model), pooling=pooling), self.machine)

    def on_cores(self, model: Model, options: LoadOptions) -> bool:
        """Whether a worker loaded by `options` computes on this machine's processor."""
        return model.remote is None and (not self.machine.gpu or options.gpu_layers == 0)

    def threads(self, model: Model, options: LoadOptions) -> Threads:
        """Those of `options`, with a thread for each core to be tried where nobody has said how many."""
        usual, cores = options.threads, self.machine.cores
        open_to_try = model.format == "gguf" and self.on_cores(model, options) and self.options(model).threads is None
        return Threads(usual, cores if open_to_try and usual is not None and usual < cores else None)


class Seats:
    """Every seat there is; those that were made by other settings go when their last request has ended."""

    def __init__(
        self,
        making: Making,
        launcher: Launcher,
        settings: FleetSettings,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self._making = making
        self._launcher = launcher
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._crowd = Crowd(settings.caller_concurrency)
        self._cores = Cores(making.machine.cores)
        self._seats: dict[str, Seat] = {}
        self._leaving: list[Seat] = []

    def __iter__(self) -> Iterator[Seat]:
        yield from self._seats.values()
        yield from (seat for seat in self._leaving if not self._rests(seat))

    def __getitem__(self, seat_id: str) -> Seat:
        """The one that requests of now get."""
        return self._seats[seat_id]

    def of(self, model_id: str, adapter: str | None = None) -> list[Seat]:
        """Those of a model that requests of now get, for whatever purpose; with `adapter` those that apply it."""
        seats = [seat for seat in self._seats.values() if seat.model.id == model_id]
        named = f"{model_id}+{adapter}"
        return [s for s in seats if adapter is None or not s.engine.adapters_apart or s.model.name == named]

    def find(self, model: Model, pooling: Pooling | None, number: int = 1) -> Seat:
        """Seat `number` of `model`, made if need be. Raises LoadFailed when it could not be loaded at all."""
        engine = self._making.engine(model)
        apart = pooling if engine.embeds_apart else None
        model = served(model, engine, apart)
        group = _seat_id(model, apart)
        seat_id = group if number == 1 else f"{group}#{number}"
        seat = self._seats.get(seat_id)
        # Another model has its name now, or something else guesses ahead of it.
        if seat is not None and _kind(seat.model) != _kind(model):
            seat.outdated = True
            if not seat.uses:
                seat.worker.begin_stop()
        if seat is None or seat.outdated or (self._rests(seat) and (seat.model != model or not self._current(seat))):
            made = self._new(seat_id, model, engine, apart)
            made.group, made.number = group, number
            if seat is not None:
                self._leaving.append(seat)
                made.after = (*seat.after, seat.worker)
            self._forget_gone()
            self._seats[seat_id] = seat = made
        return seat

    def reconfigure(self, making: Making, settings: FleetSettings) -> None:
        """Makes seats by `making` from now on; those that it would make otherwise get no more requests."""
        self._making, self._settings = making, settings
        self._crowd.cap = settings.caller_concurrency
        for seat in self:
            seat.worker.reconfigure(settings)
            seat.queue.rebound(_bounds(settings))
            seat.outdated = seat.outdated or not self._current(seat)

    @staticmethod
    def _rests(seat: Seat) -> bool:
        return not seat.uses and not seat.worker.alive

    def _current(self, seat: Seat) -> bool:
        """Also an engine that was compiled since may take other options, as layers on a GPU."""
        try:
            engine = self._making.engine(seat.model)
            options = self._making.resolved(seat.model, engine, seat.options.pooling)
        except DovetailError:  # said again, to whom it concerns, when the model is next asked for
            return False
        return engine is seat.engine and options == seat.options

    def _forget_gone(self) -> None:
        """Scales are the clients' to choose, without end: of a worker that had one nothing is kept when it has gone."""
        self._leaving = [seat for seat in self._leaving if not self._rests(seat)]
        scaled = [seat for seat in self._seats.values() if seat.model.adapter and seat.model.adapter.scale != 1]
        for seat in scaled:
            if self._rests(seat):
                del self._seats[seat.id]

    def _new(self, seat_id: str, model: Model, engine: Engine, pooling: Pooling | None) -> Seat:
        options = self._making.resolved(model, engine, pooling)
        slots = Slots(numbered=engine.numbered_slots and pooling is None)
        threads = self._making.threads(model, options)

        async def launch(on_line: Callable[[str], None]) -> Launched:
            if model.remote is not None:
                return await reach(model.id, model.remote, os.environ)
            shelf = await self._shelf(model, engine, options)
            slots.shelf = shelf
            if model.code:
                log.warning("remote_code_runs", model=model.id, folder=str(model.path))
            placed = replace(seat.loading, threads=threads.start())
            if threads.running is not None and competes:
                queue.compete(self._cores, threads.running)
            if shelf is not None:
                placed = replace(placed, kv_folder=shelf.folder, kv_bytes=shelf.max_bytes)
            return await self._launcher.launch(
                seat_id, lambda endpoint: engine.command(model, placed, endpoint), on_line
            )

        async def watch(client: WorkerClient) -> None:
            await seat.watch.keep(client)

        put_away, allowed = slots.save_all, lambda: _allowance(seat)
        worker = Worker(
            seat_id, launch, self._settings, self._observer, self._clock, put_away, watch, allowance=allowed
        )
        queue = Queue(options.parallel or _DEFAULT_SLOTS, _bounds(self._settings), self._crowd, self._clock)
        competes = self._making.on_cores(model, options)
        if competes:
            queue.compete(self._cores, options.threads or 1)
        writes = model.remote is None and not model.hears
        measured = self._making.measured if self._settings.calibrate and writes else None
        seat = Seat(seat_id, model, engine, options, worker, queue, self._clock(), slots, threads, measured)
        return seat

    async def _shelf(self, model: Model, engine: Engine, options: LoadOptions) -> Shelf | None:
        """Where a worker about to start keeps its prompt caches; llama.cpp saves none with a projector or to embed.

        Nor of a draft model: what is restored would be the big one's alone, and the next request fail.
        """
        store = self._making.store
        if (
            store is None
            or model.hears
            or options.pooling is not None
            or options.mmproj is not None
            or options.draft is not None
        ):
            return None
        try:
            return await asyncio.to_thread(store.shelf, model, engine.cache_key(options))
        except OSError as error:
            log.warning("prompt_caches_off", model=model.id, reason=error.strerror)
            return None


def _allowance(seat: Seat) -> int | None:
    """Bytes of its own that a seat's worker may take while it loads: weights are held twice while they are arranged."""
    growth = seat.worker.settings.max_growth
    return 2 * seat.booking.memory + growth if seat.booking is not None and growth else None


def _kind(model: Model) -> tuple[object, ...]:
    """What a worker cannot change while it lives."""
    return model.path, model.draft, model.ngram, model.remote


def served(model: Model, engine: Engine, pooling: Pooling | None = None) -> Model:
    """`model` as a worker loads it: without the adapter, or the scale, that each request brings."""
    if model.adapter is None:
        return model
    if not engine.adapters_apart:
        return replace(model, adapter=None)
    return model if pooling else replace(model, adapter=replace(model.adapter, scale=1.0))


def _bounds(settings: FleetSettings) -> Bounds:
    return Bounds(settings.max_waiting, settings.max_hold, settings.queue_timeout)


def _seat_id(model: Model, pooling: Pooling | None) -> str:
    scale = f"@{model.adapter.scale!r}" if model.adapter is not None and pooling else ""
    return f"{model.name}{scale}:{pooling}" if pooling else model.name
