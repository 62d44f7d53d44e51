"""The models that run: started once for many waiters, counted while used, stopped when idle or in the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import LoadFailed, NoRoom
from dovetail.core.model import LoadOptions, Model, ModelFormat, ModelState, Policy, Pooling
from dovetail.core.observe import Observer
from dovetail.engines.base import Engine, Machine
from dovetail.fleet.launch import Launched, Launcher
from dovetail.fleet.lease import Lease, Seat
from dovetail.fleet.placement import Load, Resident, decide
from dovetail.fleet.process import Props, Worker, shutting_down
from dovetail.fleet.prompt_store import PromptStore, Shelf
from dovetail.fleet.queue import Queue
from dovetail.fleet.slots import Slots
from dovetail.settings import FleetSettings

UNLOAD_WITHIN = 30.0  # seconds that running requests have when their model is unloaded
_DEFAULT_SLOTS = 1

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A snapshot. Times in seconds on the pool's clock; `context` is tokens for each slot, 0 while unknown."""

    model: str
    state: ModelState = "unloaded"
    pid: int | None = None
    context: int = 0
    slots: int = 0
    active: int = 0
    waiting: int = 0
    loaded_at: float | None = None
    last_used: float | None = None
    reason: str | None = None


class Pool:
    """Owns every worker. `aclose` ends them all; nothing is leased after `drain` has begun."""

    def __init__(  # noqa: PLR0917  called once, where the gateway's parts are put together
        self,
        engines: Mapping[ModelFormat, Engine],
        launcher: Launcher,
        options_for: Callable[[Model], LoadOptions],
        machine: Machine,
        settings: FleetSettings,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        store: PromptStore | None = None,
        policy_for: Callable[[Model], Policy] = lambda _model: Policy(),
    ) -> None:
        self._engines = engines
        self._launcher = launcher
        self._options_for = options_for
        self._machine = machine
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._store = store
        self._policy_for = policy_for
        self._seats: dict[str, Seat] = {}
        self._changed = asyncio.Event()
        self._draining = False

    @asynccontextmanager
    async def lease(
        self, model: Model, pooling: Pooling | None = None, caller: Caller = LOCAL
    ) -> AsyncGenerator[Lease, None]:
        """`caller`'s use of `model` until the context is left; entered at once, the model is loaded by `Lease.ready`.

        With `pooling` for embeddings, on engines that take a worker of its own for them.
        """
        if self._draining:
            raise shutting_down()
        seat = self._seat(model, pooling)
        seat.take()
        try:
            yield Lease(self, seat, caller)
        finally:
            self._give_back(seat)

    async def load(self, model: Model) -> None:
        """Returns when `model` is ready, tries again even if it has just failed. Raises LoadFailed or NoRoom."""
        async with self.lease(model, model.pooling) as lease:
            lease.worker.forget_failure()
            async for _ in lease.ready():
                pass

    async def unload(self, model_id: str, adapter: str | None = None) -> bool:
        """Stops a model when its requests are done, or after a while all the same; False if it is not loaded.

        With `adapter` its worker for that adapter alone, where it has one.
        """
        seats = [
            seat
            for seat in self._of(model_id)
            if seat.worker.alive and (adapter is None or seat.model.name == f"{model_id}+{adapter}")
        ]
        await self._quiet(seats, UNLOAD_WITHIN)
        for seat in seats:
            await seat.worker.stop()
        return bool(seats)

    async def drain(self, within: float) -> None:
        """Takes no more leases, and returns when the last is given back or after `within` seconds."""
        self._draining = True
        await self._quiet(list(self._seats.values()), within)

    async def aclose(self) -> None:
        """Ends every worker, for good; a request that still runs or waits fails."""
        self._draining = True
        for seat in self._seats.values():
            seat.cancel_expiry()
            seat.worker.retire()
        for seat in self._seats.values():
            await seat.worker.gone()

    def states(self) -> list[WorkerStatus]:
        """Every worker that was ever asked for."""
        return [self._status(seat) for seat in self._seats.values()]

    def status(self, model_id: str) -> WorkerStatus:
        """Of the worker that generates, or of one for embeddings where that alone lives."""
        seats = sorted(self._of(model_id), key=lambda seat: (not seat.worker.alive, seat.id))
        if not seats:
            return WorkerStatus(model_id)
        status, model = self._status(seats[0]), seats[0].model
        apart = status.model != model_id and model.pooling is None
        return replace(status, model=model_id, context=0 if apart else status.context)

    def props(self, model_id: str) -> Props | None:
        """What a ready worker says of itself, the one that generates first; None where none is ready."""
        ready = [seat for seat in self._of(model_id) if seat.worker.state == "ready"]
        return min(ready, key=lambda seat: seat.id).worker.props if ready else None

    async def place(self, seat: Seat, within: float) -> bool:
        """Tries to find a place for a model, waiting at most `within` seconds; False when every place is still busy."""
        if not seat.placed:
            self._changed.clear()
            if not self._try_place(seat):
                await _wait(self._changed, within)
                return self._try_place(seat)
        return True

    def no_room(self, seat: Seat) -> NoRoom:
        others = sorted(s.id for s in self._seats.values() if s.resident)
        return NoRoom(
            f"{seat.model.id} cannot be loaded: all {self._settings.max_models} places are taken by models in use "
            f"({', '.join(others)}); unload one, or raise fleet.max_models",
            retry_after=10.0,
        )

    def _try_place(self, seat: Seat) -> bool:
        resident = [Resident(s.id, s.uses > 0, s.last_used) for s in self._seats.values() if s.resident]
        decision = decide(seat.id, resident, self._settings.max_models)
        if not isinstance(decision, Load):
            return False
        # Decided and done without an await: no other request can decide on the same facts.
        leaving = [self._seats[seat_id] for seat_id in decision.evict]
        for evicted in leaving:
            evicted.placed = False
            evicted.worker.begin_stop()
        seat.placed = True
        seat.after = tuple(evicted.worker for evicted in leaving)
        return True

    def _of(self, model_id: str) -> list[Seat]:
        return [seat for seat in self._seats.values() if seat.model.id == model_id]

    def _seat(self, model: Model, pooling: Pooling | None) -> Seat:
        engine = self._engines.get(model.format)
        if engine is None:
            raise LoadFailed(f"{model.id} cannot be loaded: no engine for {model.format.upper()} models is configured")
        apart = pooling if engine.embeds_apart else None
        model = served(model, engine, apart)
        seat_id = _seat_id(model, apart)
        seat = self._seats.get(seat_id)
        if seat is None or (seat.model != model and not seat.uses and not seat.worker.alive):
            self._forget_scaled()
            seat = self._seats[seat_id] = self._new_seat(seat_id, model, engine, apart)
        return seat

    def _forget_scaled(self) -> None:
        """Scales are the clients' to choose, without end: of a worker that had one nothing is kept when it has gone."""
        scaled = [seat for seat in self._seats.values() if seat.model.adapter and seat.model.adapter.scale != 1]
        for seat in scaled:
            if not seat.uses and not seat.worker.alive:
                del self._seats[seat.id]

    def _new_seat(self, seat_id: str, model: Model, engine: Engine, pooling: Pooling | None) -> Seat:
        wanted = replace(self._options_for(model), pooling=pooling)
        options = engine.resolve(model, wanted, self._machine)
        slots = Slots(numbered=engine.numbered_slots and pooling is None)

        async def launch(on_line: Callable[[str], None]) -> Launched:
            shelf = await self._shelf(model, engine, options)
            slots.shelf = shelf
            placed = replace(options, kv_folder=shelf.folder, kv_bytes=shelf.max_bytes) if shelf else options
            return await self._launcher.launch(
                seat_id, lambda endpoint: engine.command(model, placed, endpoint), on_line
            )

        worker = Worker(seat_id, launch, self._settings, self._observer, self._clock, slots.save_all)
        return Seat(seat_id, model, engine, worker, Queue(options.parallel or _DEFAULT_SLOTS), self._clock(), slots)

    async def _shelf(self, model: Model, engine: Engine, options: LoadOptions) -> Shelf | None:
        """Where a worker about to start keeps its prompt caches; llama.cpp saves none with a projector or to embed."""
        if self._store is None or options.mmproj is not None or options.pooling is not None:
            return None
        try:
            return await asyncio.to_thread(self._store.shelf, model, engine.cache_key(options))
        except OSError as error:
            log.warning("prompt_caches_off", model=model.id, reason=error.strerror)
            return None

    def _give_back(self, seat: Seat) -> None:
        seat.uses -= 1
        seat.last_used = self._clock()
        policy = self._policy_for(seat.model)
        ttl = self._settings.idle_ttl if policy.ttl is None else policy.ttl
        if not seat.uses and ttl and not policy.pin and seat.worker.alive:
            seat.expire_after(ttl)
        self._changed.set()

    async def _quiet(self, seats: list[Seat], within: float) -> None:
        deadline = self._clock() + within
        while any(seat.uses for seat in seats) and (left := deadline - self._clock()) > 0:
            self._changed.clear()
            await _wait(self._changed, left)

    def _status(self, seat: Seat) -> WorkerStatus:
        worker, props = seat.worker, seat.worker.props
        return WorkerStatus(
            model=seat.id,
            state=worker.state,
            pid=worker.pid,
            context=0 if props is None else props.context,
            slots=seat.queue.slots,
            active=seat.queue.active,
            waiting=len(seat.queue),
            loaded_at=worker.loaded_at,
            last_used=seat.last_used,
            reason=worker.reason,
        )


def served(model: Model, engine: Engine, pooling: Pooling | None = None) -> Model:
    """`model` as a worker loads it: without the adapter, or the scale, that each request brings."""
    if model.adapter is None:
        return model
    if not engine.adapters_apart:
        return replace(model, adapter=None)
    return model if pooling else replace(model, adapter=replace(model.adapter, scale=1.0))


def _seat_id(model: Model, pooling: Pooling | None) -> str:
    scale = f"@{model.adapter.scale!r}" if model.adapter is not None and pooling else ""
    return f"{model.name}{scale}:{pooling}" if pooling else model.name


async def _wait(event: asyncio.Event, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        pass
