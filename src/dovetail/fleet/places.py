"""Who may run: every seat's share of the budget, given out before its worker starts and watched while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import structlog

from dovetail.core.caller import Caller
from dovetail.core.errors import LoadFailed, NoRoom
from dovetail.core.model import LoadOptions, Model, Policy
from dovetail.engines.base import Machine
from dovetail.fleet import budget
from dovetail.fleet.booking import MEMORY, Booking, Files, said
from dovetail.fleet.estimate import Estimate, Wanted, estimate
from dovetail.fleet.guidance import Shortage, changes, crowded, size
from dovetail.fleet.measured import Measured
from dovetail.fleet.placement import Claim, Line, Load, Refuse, Resident, Room, decide, in_turn, yielding
from dovetail.fleet.reading import Placement, Reading, free_on
from dovetail.fleet.seat import Seat
from dovetail.fleet.seats import Seats
from dovetail.hardware.gauge import Gauge
from dovetail.settings import FleetSettings

SAMPLE_EVERY = 1.0  # seconds between two looks at workers that are in use
_BACK_OFF = 8  # a load that failed for memory is tried again with this part of the layers fewer
_SPARE = 0.05  # of a GPU's free memory, left to what the arithmetic does not know

_GB = 1_000_000_000
log = structlog.stdlib.get_logger(__name__)


class Places:
    """Owns the budget of a pool: `seats` are all there are. Without a gauge memory is not counted, only models are.

    Whatever frees room calls `freed`. `aclose` ends the watching.
    """

    def __init__(  # noqa: PLR0917  called once, by the pool
        self,
        seats: Seats,
        machine: Machine,
        settings: FleetSettings,
        policy_for: Callable[[Model], Policy],
        measured: Measured,
        gauge: Gauge | None = None,
    ) -> None:
        self.settings = settings
        self._seats = seats
        self._machine = machine
        self._policy_for = policy_for
        self._measured = measured
        self._gauge = gauge
        self._changed = asyncio.Event()
        self._waiting: dict[Seat, tuple[float, int]] = {}  # since when, and how many
        self._trying: set[Seat] = set()
        self._stirred = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._reading = Reading()

    @property
    def budget(self) -> int:
        """Bytes that models may take in all, by the last look at the machine."""
        return self._room().memory or self._machine.memory

    def freed(self) -> None:
        """Lets those who wait for room look again."""
        self._changed.set()

    async def quiet(self, within: float) -> None:
        """Returns when something has changed, or after `within` seconds."""
        self._changed.clear()
        await _wait(self._changed, within)

    @contextmanager
    def waiting(self, seat: Seat) -> Generator[None]:
        """One waits for a place for `seat`, until the context is left."""
        since, count = self._waiting.get(seat, (seat.worker.clock(), 0))
        self._waiting[seat] = since, count + 1
        try:
            yield
        finally:
            since, count = self._waiting.pop(seat)
            if count > 1:
                self._waiting[seat] = since, count - 1
            else:
                self.freed()

    def yields(self, seat: Seat) -> bool:
        """Whether new requests to `seat` wait, for the sake of a model that has waited for its room."""
        if not self._waiting or not seat.placed or seat.outdated:  # the last goes when its requests have ended
            return False
        line, resident, room = self._line(seat), self._resident(), self._room()
        others = {each.id for each in self._waiting if each.group != seat.group}
        return any(
            seat.id in yielding(claim, resident, room, line) for claim in line.claims if claim.wanted.id in others
        )

    async def place(self, seat: Seat, within: float, caller: Caller) -> bool:
        """Tries to find room for a seat, waiting at most `within` seconds; False while what is in the way is busy.

        Memory is read again each time. Raises NoRoom, in words for `caller`, when waiting would not help, LoadFailed
        for want of a GPU.
        """
        if seat.placed or seat.model.remote is not None:  # what runs elsewhere takes no room here
            return True
        if seat in self._trying:  # one looks, for all who wait for the same model
            await self.quiet(within)
            return seat.placed
        self._trying.add(seat)
        try:
            self._changed.clear()
            if await self._try(seat, caller):
                self.freed()  # the others may go on
                return True
            await _wait(self._changed, within)
        finally:
            self._trying.discard(seat)
        return False

    async def starting(self, seat: Seat) -> None:
        """Its worker is about to start, and those that made room have gone: notes what is free on GPUs."""
        booking = seat.booking
        if booking is not None:
            booking.loading = None
        if booking is not None and booking.need.device and self._gauge is not None and not seat.worker.alive:
            booking.free_before = free_on(await asyncio.to_thread(self._gauge.devices))

    async def loaded(self, seat: Seat, seconds: float) -> None:
        """A worker has just become ready, `seconds` after its start. Raises LoadFailed: it was to be on a GPU only."""
        booking, pid = seat.booking, seat.worker.pid
        if booking is None or self._gauge is None or pid is None or booking.loaded_at == seat.worker.loaded_at:
            return
        booking.loaded_at = seat.worker.loaded_at
        booking.loading = None
        booking.seconds = max(seconds, 0.01)
        booking.see(await asyncio.to_thread(self._gauge.usage, pid), loaded=True)
        if booking.need.device and not booking.need.kv_grows:  # else most of it is taken later
            free = free_on(await asyncio.to_thread(self._gauge.devices))
            if booking.free_before - free < booking.need.device // 2:
                await self._not_on_gpu(seat, booking)
        await self._measured.put(booking.key, MEMORY, booking.facts)

    def back_off(self, seat: Seat, tried: LoadOptions) -> bool:
        """After a load with `tried` that failed for want of memory: whether to try again, with fewer layers on GPUs."""
        booking = seat.booking
        layers = (booking.options.gpu_layers or 0) if booking else 0
        if booking is None or layers <= 0 or seat.options.gpu_layers not in (None, -1) or seat.options.gpu_only:
            return False
        if booking.options == tried:
            fewer = max(0, layers - max(1, len(seat.model.weights.layers) // _BACK_OFF))
            log.warning("fewer_layers_on_gpu", model=seat.id, layers=fewer)
            self._book(seat, replace(booking.options, gpu_layers=fewer), booking.files, booking.free_before)
        return True

    def told(self, seat: Seat) -> Placement:
        """What a seat whose worker lives takes, and where its layers are."""
        booking = seat.booking
        if booking is None or not seat.worker.alive:
            return {}
        layers = len(seat.model.weights.layers)
        return {
            "memory": booking.now,
            "reserved": booking.memory,
            "device_memory": booking.need.device,
            "gpu_layers": min(max(booking.options.gpu_layers or 0, 0), layers),
            "layers": layers,
            "progress": booking.progress if seat.worker.state == "starting" else None,
        }

    def no_room(self, seat: Seat, caller: Caller) -> NoRoom:
        """Why `seat` has no place, with what would give it one; names no model that `caller` may not use."""
        others = [each for each in self._resident() if each.id != seat.id and (each.busy or each.pinned)]
        room, hidden = self._room(), self._hidden(caller)
        if seat.booking is None or room.memory is None or len(others) >= room.models:
            why = crowded(room.models, others, hidden)
        else:
            free = room.memory - sum(each.memory for each in others)
            shortage = Shortage(seat.model, seat.booking.options, seat.booking.memory, free, others, hidden)
            numbers = f"{size(shortage.needed)}, {size(max(free, 0))} free of {size(room.memory)}"
            why = f"it needs {numbers}: {changes(shortage, self._needs(seat))}"
        return NoRoom(f"{seat.model.id} cannot be loaded: {why}", retry_after=10.0)

    def explained(self, seat: Seat, failure: LoadFailed) -> LoadFailed:
        """A load that failed for want of memory, with what would make it take a quarter less."""
        booking = seat.booking
        if booking is None:
            return failure
        less = changes(
            Shortage(seat.model, booking.options, booking.memory, booking.memory * 3 // 4), self._needs(seat)
        )
        message = f"{failure.message} (it was to take {size(booking.memory)}; to take a quarter less, {less})"
        return LoadFailed(message, log_tail=failure.log_tail, code="insufficient_memory", status=507)

    async def estimate(self, model: Model, options: LoadOptions, engine_key: str, caller: Caller) -> Estimate:
        """What a load of `model` with resolved `options` would take beside what runs now; `engine_key` is the cache's.

        Memory is read again, nothing is kept free. Names no model that `caller` may not use.
        """
        files = Files()
        if self._gauge is not None:
            self._reading, files = await asyncio.to_thread(self._read, self._gauge, model, options, engine_key)
        own = {seat.id for seat in self._seats if seat.model.id == model.id}
        resident = [each for each in self._resident() if each.id not in own]
        known = self._measured.get(f"{files.key} {said(options)}", MEMORY)
        wanted = Wanted(model, options, files, known)
        return estimate(wanted, self._machine, resident, self._room(), self._hidden(caller))

    def shrink(self) -> None:
        """Lets idle models go that are too many, or take too much, for what may be taken now."""
        room, resident = self._room(), self._resident()
        decision = decide(Resident(""), resident, replace(room, models=room.models + 1))
        idle = tuple(each.id for each in resident if not each.busy and not each.pinned)
        self._evict(decision.evict if isinstance(decision, Load) else idle)

    def stir(self) -> None:
        """A worker begins or ends to be used: it is looked at, now and while it is used."""
        self._stirred.set()
        if self._watching is None and self._gauge is not None:
            self._watching = asyncio.create_task(self._watch(self._gauge), name="memory of workers")

    async def aclose(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def _try(self, seat: Seat, caller: Caller) -> bool:
        if self._gauge is not None:
            self._reading, files = await asyncio.to_thread(
                self._read, self._gauge, seat.model, seat.options, seat.engine.cache_key(seat.options)
            )
            if not seat.placed:
                self._plan(seat, files)
        # From here on without an await: no other request can decide on the same facts.
        if seat.placed:
            return True
        line = self._line(seat)
        claim = next((each for each in line.claims if each.wanted.id == seat.id), Claim(self._wanted(seat), line.now))
        match in_turn(claim, self._beside(seat.group), self._room(), line):
            case Load(evict):
                seat.placed = True
                self._evict(evict)
                leaving = [each.worker for each in self._seats if each is not seat and not each.resident]
                seat.after += tuple(worker for worker in leaving if worker.alive)
                return True
            case Refuse():
                raise self.no_room(seat, caller)
            case _:
                return False

    def _read(self, gauge: Gauge, model: Model, options: LoadOptions, engine_key: str) -> tuple[Reading, Files]:
        return self._look(gauge), Files.of(self._measured.key(model, engine_key), model, options)

    def _look(self, gauge: Gauge) -> Reading:
        total, available = gauge.memory()
        pids = [pid for each in list(self._seats) if (pid := each.worker.pid) is not None]
        return Reading(total, available, gauge.devices(), tuple(gauge.usage(pid) for pid in pids))

    def _plan(self, seat: Seat, files: Files) -> None:
        """Reckons what a seat takes, with as many layers on GPUs as fit beside what cannot go."""
        options, room = seat.options, self._room()
        everything = len(seat.model.weights.layers) + 1
        if options.gpu_only and (not self._machine.gpu or options.gpu_layers == 0):
            why = (
                "its engine computes on the processor: see dovetail doctor"
                if self._machine.gpu
                else "no GPU is known here"
            )
            raise LoadFailed(f"{seat.model.id} cannot be loaded: gpu_only is set, and {why}", status=422)
        if room.device is not None and everything > 1 and options.gpu_layers in (None, -1):
            staying = sum(each.device for each in self._resident() if each.busy or each.pinned)
            layers = budget.most_layers(seat.model, options, self._machine, room.device - staying)
            options = replace(options, gpu_layers=layers)
            if options.gpu_only and layers < everything:
                whole = budget.need(seat.model, replace(options, gpu_layers=everything), self._machine).device
                raise NoRoom(
                    f"{seat.model.id} cannot be loaded: gpu_only is set, and it needs {size(whole)} of GPU memory, "
                    f"{size(max(room.device - staying, 0))} free of {size(room.device)}: lower context or parallel, "
                    f"or allow layers on the CPU (gpu_only = false)"
                )
        self._book(seat, options, files)

    def _book(self, seat: Seat, options: LoadOptions, files: Files, free: int = 0) -> None:
        key = f"{files.key} {said(options)}"
        known = seat.booking if seat.booking is not None and seat.booking.key == key else None
        need = self._need(seat, options, files)
        seat.booking = known or Booking(key, files, options, need, self._machine, free_before=free)
        seat.booking.know(self._measured.get(key, MEMORY))

    def _need(self, seat: Seat, options: LoadOptions, files: Files) -> budget.Need:
        beside = {"projector": files.projector, "adapter": files.adapter, "draft": files.draft}
        return budget.need(seat.model, options, self._machine, **beside)

    def _needs(self, seat: Seat) -> Callable[[LoadOptions], int]:
        """Bytes by options, as far off as the reckoning was of those that were tried."""
        booking = seat.booking
        files = booking.files if booking else Files()
        off = max(0, booking.memory - booking.need.ram) if booking else 0
        return lambda options: self._need(seat, options, files).ram + off

    async def _not_on_gpu(self, seat: Seat, booking: Booking) -> None:
        """The engine was told of layers for GPUs, and none of their memory went: it can use none."""
        if booking.options.gpu_only:
            await seat.worker.stop()
            raise LoadFailed(
                f"{seat.model.id} cannot be loaded: gpu_only is set, and its engine used no GPU", status=422
            )
        log.warning("engine_without_gpu", model=seat.id)
        booking.options = replace(booking.options, gpu_layers=0)
        booking.need = self._need(seat, booking.options, booking.files)

    def _wanted(self, seat: Seat) -> Resident:
        booking = seat.booking
        policy = self._policy_for(seat.model)
        return Resident(
            seat.id,
            busy=seat.uses > seat.held
            or seat.outdated,  # what is on its way out already cannot be asked to go once more
            last_used=seat.last_used,
            memory=booking.memory if booking else 0,
            device=booking.need.device if booking else 0,
            pinned=policy.pin and not seat.outdated,
            priority=policy.priority,
            reload=booking.reload if booking else 0.0,
            since=seat.worker.clock() if seat.worker.loaded_at is None else seat.worker.loaded_at,
            size=seat.model.size // _GB if self.settings.evict == "size" else None,
        )

    def _line(self, seat: Seat) -> Line:
        claims = [Claim(self._wanted(each), since) for each, (since, _) in self._waiting.items() if not each.placed]
        return Line(claims, seat.worker.clock(), self.settings.max_hold)

    def _beside(self, group: str) -> list[Resident]:
        """As `_resident`, for a seat of `group`: one worker of a model is not stopped for another of it."""
        own = {each.id for each in self._seats if each.group == group}
        return [replace(each, pinned=each.pinned or each.id in own) for each in self._resident()]

    def _hidden(self, caller: Caller) -> frozenset[str]:
        return frozenset(each.id for each in self._seats if not caller.may_use(each.model.id))

    def _resident(self) -> list[Resident]:
        return [self._wanted(seat) for seat in self._seats if seat.resident]

    def _room(self) -> Room:
        """By the last reading: the setting, and never more than there is; what the workers have counts as there."""
        reading = self._reading
        usable = reading.available + reading.private()
        if not reading.total or not usable:
            return Room(self.settings.max_models)
        ready = [seat.booking.need.device for seat in self._seats if seat.booking and seat.worker.state == "ready"]
        device = int((free_on(reading.devices) + sum(ready)) * (1 - _SPARE))
        return Room(
            self.settings.max_models,
            min(usable, budget.limit(self.settings.memory, reading.total, usable)),
            device if reading.devices else None,
        )

    def _evict(self, seat_ids: Sequence[str]) -> None:
        for seat_id in seat_ids:
            evicted = self._seats[seat_id]
            evicted.placed = False
            evicted.leave()

    async def _watch(self, gauge: Gauge) -> None:
        """Looks at the workers while any is used, and once more when none is any longer; never oftener than that."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await self._sample(gauge)
            await asyncio.sleep(SAMPLE_EVERY)
            if any(seat.uses for seat in self._seats):
                self._stirred.set()

    async def _sample(self, gauge: Gauge) -> None:
        loading = [(seat.booking, seat.worker.pid) for seat in self._seats if seat.worker.state == "starting"]
        for booking, pid in loading:
            if booking is not None and pid is not None:
                booking.loading = (await asyncio.to_thread(gauge.usage, pid)).memory
        running = [(seat.booking, seat.worker.pid) for seat in self._seats if seat.worker.state == "ready"]
        grown = False
        for booking, pid in running:
            if booking is not None and pid is not None and booking.see(await asyncio.to_thread(gauge.usage, pid)):
                grown = True
                await self._measured.put(booking.key, MEMORY, booking.facts)
        if grown:
            self._reading = await asyncio.to_thread(self._look, gauge)
            self.shrink()


async def _wait(event: asyncio.Event, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        pass
