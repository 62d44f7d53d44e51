"""The models that run: started once for many waiters, counted while used, stopped when idle or in the way."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.events import Progress
from dovetail.core.model import LoadOptions, Model, ModelState, Policy, Pooling
from dovetail.core.observe import Observer
from dovetail.core.request import GenerateRequest
from dovetail.fleet.estimate import Estimate
from dovetail.fleet.launch import Launcher
from dovetail.fleet.lease import Lease
from dovetail.fleet.measured import Measured
from dovetail.fleet.places import Places
from dovetail.fleet.process import shutting_down
from dovetail.fleet.props import Props
from dovetail.fleet.replicas import Replicas
from dovetail.fleet.seat import Seat
from dovetail.fleet.seats import Making, Seats
from dovetail.fleet.widths import UNMEASURED, Widths
from dovetail.hardware.gauge import Gauge
from dovetail.settings import FleetSettings

_BEST: tuple[ModelState, ...] = ("ready", "starting", "stopping", "failed", "unloaded")
UNLOAD_WITHIN = 30.0  # seconds that running requests have when their model is unloaded


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A snapshot. Times in seconds on the pool's clock; `context` is tokens for each slot.

    `context` and `slots` are 0 unless it is ready. `model` is the worker's name, `served` the model as it loads it.
    memory         bytes of RAM the worker takes now, None while unknown; `reserved` those that are kept for it
    allocated      bytes that its engine says it holds, which MLX alone does
    device_memory  bytes on GPUs, for `gpu_layers` of its `layers`; 0 layers where they are not counted
    expires_in     seconds until it goes if nobody asks for it, None: it stays, or is used
    progress       of a load, 0 to 1, by the memory that the worker has taken; None while that is not known
    """

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
    calibrating: bool = False
    widths: Widths = UNMEASURED
    served: Model | None = None
    memory: int | None = None
    allocated: int | None = None
    reserved: int = 0
    device_memory: int = 0
    gpu_layers: int = 0
    layers: int = 0
    expires_in: float | None = None
    progress: float | None = None


def together(statuses: Sequence[WorkerStatus]) -> WorkerStatus:
    """What workers that share a model's requests are in one: the state of the best of them, and all they have."""
    best = min(statuses, key=lambda status: _BEST.index(status.state))
    ready = [status for status in statuses if status.state == "ready"]
    if len(statuses) == 1:
        return best
    known = [status.memory for status in ready if status.memory is not None]
    return replace(
        best,
        model=statuses[0].model.partition("#")[0],
        slots=sum(status.slots for status in ready),
        active=sum(status.active for status in statuses),
        waiting=sum(status.waiting for status in statuses),
        memory=sum(known) if known else None,
        reserved=sum(status.reserved for status in ready),
        device_memory=sum(status.device_memory for status in ready),
    )


class Pool:
    """Owns every worker. `aclose` ends them all; nothing is leased after `drain` has begun."""

    def __init__(  # noqa: PLR0917  called once, where the gateway's parts are put together
        self,
        making: Making,
        launcher: Launcher,
        settings: FleetSettings,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        policy_for: Callable[[Model], Policy] = lambda _model: Policy(),
        gauge: Gauge | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._policy_for = policy_for
        self._seats = Seats(making, launcher, settings, observer, clock)
        self._places = Places(self._seats, making.machine, settings, policy_for, making.measured or Measured(), gauge)
        self._replicas = Replicas()
        self._draining = False

    @asynccontextmanager
    async def lease(
        self,
        model: Model,
        pooling: Pooling | None = None,
        caller: Caller = LOCAL,
        request: GenerateRequest | None = None,
    ) -> AsyncGenerator[Lease, None]:
        """`caller`'s use of `model` until the context is left; entered at once, the model is loaded by `Lease.ready`.

        With `pooling` for embeddings, on engines that take a worker of its own for them. Of several workers that of
        `request`'s conversation is taken, or the one with least to do.
        """
        seat = self._replicas.find(self._seats_of(model, pooling), request)
        async with self._leased(Lease(self._places, seat, caller, self._another)) as lease:
            yield lease

    async def load(
        self, model: Model, tell: Callable[[Progress], None] = lambda _: None, caller: Caller = LOCAL
    ) -> None:
        """Returns when all workers of `model` are ready, tries again even if one has just failed.

        Raises LoadFailed, or NoRoom in words for `caller`.
        """
        for seat in self._seats_of(model, model.pooling):
            async with self._leased(Lease(self._places, seat, caller)) as lease:
                seat.worker.forget_failure()
                if seat.worker.state == "ready":
                    continue
                async for progress in lease.ready():
                    tell(progress)

    async def unload(self, model_id: str, adapter: str | None = None) -> bool:
        """Stops a model when its requests are done, or after a while all the same; False if it is not loaded.

        With `adapter` its worker for that adapter alone, where it has one; else the one that applies it.
        """
        seats = [seat for seat in self._seats.of(model_id, adapter) if seat.worker.alive]
        await self._quiet(seats, UNLOAD_WITHIN)
        for seat in seats:
            seat.calibration.interrupt()
            seat.leave()
        for seat in seats:
            await seat.worker.gone()
        return bool(seats)

    async def estimate(self, model: Model, options: LoadOptions, engine_key: str, caller: Caller) -> Estimate:
        """What a load of `model` with resolved `options` would take, and whether it fits; loads nothing.

        Of what is in the way it names what `caller` may use.
        """
        return await self._places.estimate(model, options, engine_key, caller)

    def keep(self, model: Model, pooling: Pooling | None, seconds: float) -> None:
        """Whenever `model` is idle it goes after so long, whatever the settings say, until it has gone or is told anew.

        At once for 0, never for infinity; a pinned model stays, and what is in the way of others goes all the same.
        """
        for seat in self._seats_of(model, pooling):
            seat.keep = seconds

    def reconfigure(self, making: Making, settings: FleetSettings) -> None:
        """Loads models by `making` from now on; a worker that was loaded otherwise goes when its last request ends.

        Whoever asks for its model meanwhile waits for the next one. What is idle and too many goes as well.
        """
        self._settings = settings
        self._seats.reconfigure(making, settings)
        for seat in self._seats:
            seat.outdated = seat.outdated or seat.number > self._policy_for(seat.model).replicas
            if not seat.uses:
                self._rest(seat)
        self._places.settings = settings
        self._places.shrink()
        self._places.freed()

    async def drain(self, within: float) -> None:
        """Takes no more leases, and returns when the last is given back or after `within` seconds."""
        self._draining = True
        await self._quiet(list(self._seats), within)

    async def aclose(self) -> None:
        """Ends every worker, for good; a request that still runs or waits fails."""
        self._draining = True
        for seat in self._seats:
            seat.cancel_expiry()
            seat.calibration.interrupt()
            seat.worker.retire()
        for seat in self._seats:
            await seat.calibration.ended()
            await seat.worker.gone()
        await self._places.aclose()

    @property
    def budget(self) -> int:
        """Bytes of RAM that models may take in all."""
        return self._places.budget

    def states(self) -> list[WorkerStatus]:
        """Every worker that was ever asked for."""
        return [self._status(seat) for seat in self._seats]

    def models(self) -> list[WorkerStatus]:
        """The same, those that share a model's requests in one."""
        groups = dict.fromkeys(seat.group for seat in self._seats)
        return [together([self._status(s) for s in self._seats if s.group == group]) for group in groups]

    def status(self, model_id: str, adapter: str | None = None) -> WorkerStatus:
        """Of the workers that generate, or of those for embeddings where they alone live.

        With `adapter` of one that requests for it get: where each adapter takes a worker of its own, that one.
        """
        seats = sorted(self._seats.of(model_id, adapter), key=lambda seat: (not seat.worker.alive, seat.id))
        if not seats:
            return WorkerStatus(model_id)
        seat = seats[0]
        status = together([self._status(each) for each in seats if each.group == seat.group])
        apart = status.model != seat.model.name if adapter else status.model != model_id
        unknown = apart and seat.model.pooling is None
        return replace(status, model=model_id, context=0 if unknown else status.context)

    def props(self, model_id: str, adapter: str | None = None) -> Props | None:
        """What such a ready worker says of itself, the one that generates first; None where none is ready."""
        ready = [seat for seat in self._seats.of(model_id, adapter) if seat.worker.state == "ready"]
        return min(ready, key=lambda seat: seat.id).worker.props if ready else None

    def _seats_of(self, model: Model, pooling: Pooling | None) -> list[Seat]:
        """Those that share the requests for `model`, made if need be."""
        if self._draining:
            raise shutting_down()
        count = self._policy_for(model).replicas
        return [self._seats.find(model, pooling, number) for number in range(1, count + 1)]

    @asynccontextmanager
    async def _leased(self, lease: Lease) -> AsyncGenerator[Lease, None]:
        self._take(lease.seats[0])
        try:
            yield lease
        finally:
            for seat in lease.seats:
                self._give_back(seat)

    def _take(self, seat: Seat) -> None:
        seat.take()
        for other in self._seats:
            other.calibration.interrupt()
        self._places.stir()

    def _another(self, seat: Seat) -> Seat | None:
        """Takes a seat that can stand in for `seat`: of the same model, and its worker is ready."""
        ready = [
            each
            for each in self._seats
            if each.group == seat.group and each is not seat and each.worker.state == "ready" and not each.outdated
        ]
        if not ready:
            return None
        other = self._replicas.find(ready)
        self._take(other)
        return other

    def _give_back(self, seat: Seat) -> None:
        seat.uses -= 1
        seat.last_used = self._clock()
        if not seat.uses:
            self._rest(seat)
            self._calibrate()
        self._places.stir()
        self._places.freed()

    def _calibrate(self) -> None:
        """Lets one model measure itself, when nobody uses any: two would measure each other."""
        if not self._draining and not any(seat.uses or seat.calibration.running for seat in self._seats):
            any(seat.worker.state == "ready" and seat.calibration.begin() for seat in self._seats)

    def _rest(self, seat: Seat) -> None:
        """What becomes of a worker that nobody uses now."""
        seat.cancel_expiry()
        policy = self._policy_for(seat.model)
        ttl = self._settings.idle_ttl if policy.ttl is None else policy.ttl
        if not seat.worker.alive:
            seat.keep = None
        if seat.keep is not None:
            ttl = 0.0 if math.isinf(seat.keep) else seat.keep
        if seat.outdated or (seat.keep == 0 and not policy.pin):
            seat.leave()
        elif ttl and not policy.pin and seat.worker.alive:
            seat.expire_after(max(0.0, ttl - (self._clock() - seat.last_used)))

    async def _quiet(self, seats: list[Seat], within: float) -> None:
        deadline = self._clock() + within
        while any(seat.uses for seat in seats) and (left := deadline - self._clock()) > 0:
            await self._places.quiet(left)

    def _status(self, seat: Seat) -> WorkerStatus:
        worker = seat.worker
        props = worker.props if worker.state == "ready" else None  # those of one that has gone are not the next one's
        return WorkerStatus(
            model=seat.id,
            state=worker.state,
            pid=worker.pid,
            context=0 if props is None else props.context,
            slots=seat.queue.slots if worker.state == "ready" else 0,
            active=seat.queue.active,
            waiting=len(seat.queue),
            loaded_at=worker.loaded_at,
            last_used=seat.last_used,
            reason=worker.reason,
            calibrating=seat.calibration.running,
            widths=seat.calibration.widths,
            served=seat.model,
            allocated=worker.allocated,
            expires_in=seat.expires_in,
            **self._places.told(seat),
        )
