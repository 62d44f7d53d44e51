"""The models that run: started once for many waiters, counted while used, stopped when idle or in the way."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.events import Progress
from dovetail.core.model import Model, ModelState, Policy, Pooling
from dovetail.core.observe import Observer
from dovetail.fleet.launch import Launcher
from dovetail.fleet.lease import Lease, Seat
from dovetail.fleet.measured import Measured
from dovetail.fleet.places import Places
from dovetail.fleet.process import Props, shutting_down
from dovetail.fleet.seats import Making, Seats
from dovetail.fleet.widths import UNMEASURED, Widths
from dovetail.hardware.gauge import Gauge
from dovetail.settings import FleetSettings

UNLOAD_WITHIN = 30.0  # seconds that running requests have when their model is unloaded


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A snapshot. Times in seconds on the pool's clock; `context` is tokens for each slot, 0 while unknown.

    `model` is the worker's name, `served` the model as it loads it.
    memory         bytes of RAM the worker takes now, None while unknown; `reserved` those that are kept for it
    device_memory  bytes on GPUs, for `gpu_layers` of its `layers`; 0 layers where they are not counted
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
    reserved: int = 0
    device_memory: int = 0
    gpu_layers: int = 0
    layers: int = 0


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
        seat = self._seats.find(model, pooling)
        seat.take()
        for other in self._seats:
            other.calibration.interrupt()
        self._places.stir()
        try:
            yield Lease(self._places, seat, caller)
        finally:
            self._give_back(seat)

    async def load(self, model: Model, tell: Callable[[Progress], None] = lambda _: None) -> None:
        """Returns when `model` is ready, tries again even if it has just failed. Raises LoadFailed or NoRoom."""
        async with self.lease(model, model.pooling) as lease:
            lease.worker.forget_failure()
            if lease.worker.state == "ready":
                return
            async for progress in lease.ready():
                tell(progress)

    async def unload(self, model_id: str, adapter: str | None = None) -> bool:
        """Stops a model when its requests are done, or after a while all the same; False if it is not loaded.

        With `adapter` its worker for that adapter alone, where it has one.
        """
        seats = [
            seat
            for seat in self._seats.of(model_id)
            if seat.worker.alive and (adapter is None or seat.model.name == f"{model_id}+{adapter}")
        ]
        await self._quiet(seats, UNLOAD_WITHIN)
        for seat in seats:
            seat.calibration.interrupt()
            await seat.worker.stop()
        return bool(seats)

    def reconfigure(self, making: Making, settings: FleetSettings) -> None:
        """Loads models by `making` from now on; a worker that was loaded otherwise goes when its last request ends.

        Whoever asks for its model meanwhile waits for the next one. What is idle and too many goes as well.
        """
        self._settings = settings
        self._seats.reconfigure(making, settings)
        for seat in self._seats:
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

    def states(self) -> list[WorkerStatus]:
        """Every worker that was ever asked for."""
        return [self._status(seat) for seat in self._seats]

    def status(self, model_id: str, adapter: str | None = None) -> WorkerStatus:
        """Of the worker that generates, or of one for embeddings where that alone lives.

        With `adapter` of one that requests for it get: where each adapter takes a worker of its own, that one.
        """
        seats = sorted(self._seats.of(model_id, adapter), key=lambda seat: (not seat.worker.alive, seat.id))
        if not seats:
            return WorkerStatus(model_id)
        status, seat = self._status(seats[0]), seats[0]
        apart = status.model != seat.model.name if adapter else status.model != model_id
        unknown = apart and seat.model.pooling is None
        return replace(status, model=model_id, context=0 if unknown else status.context)

    def props(self, model_id: str, adapter: str | None = None) -> Props | None:
        """What such a ready worker says of itself, the one that generates first; None where none is ready."""
        ready = [seat for seat in self._seats.of(model_id, adapter) if seat.worker.state == "ready"]
        return min(ready, key=lambda seat: seat.id).worker.props if ready else None

    def _give_back(self, seat: Seat) -> None:
        seat.uses -= 1
        seat.last_used = self._clock()
        if not seat.uses:
            self._rest(seat)
            self._calibrate()
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
        if seat.outdated:
            seat.worker.begin_stop()
        elif ttl and not policy.pin and seat.worker.alive:
            seat.expire_after(max(0.0, ttl - (self._clock() - seat.last_used)))

    async def _quiet(self, seats: list[Seat], within: float) -> None:
        deadline = self._clock() + within
        while any(seat.uses for seat in seats) and (left := deadline - self._clock()) > 0:
            await self._places.quiet(left)

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
            calibrating=seat.calibration.running,
            widths=seat.calibration.widths,
            served=seat.model,
            **self._places.told(seat),
        )
