"""One worker's standing in the pool."""

from __future__ import annotations

import asyncio

from dovetail.core.model import LoadOptions, Model
from dovetail.engines.base import Engine
from dovetail.fleet.booking import Booking
from dovetail.fleet.calibration import Calibration
from dovetail.fleet.measured import Measured
from dovetail.fleet.process import Worker
from dovetail.fleet.queue import Queue
from dovetail.fleet.slots import Slots
from dovetail.fleet.threads import Threads
from dovetail.fleet.watch import Watch


class Seat:
    """One worker's standing in the pool.

    id      the model's, with the pooling behind a colon where the worker is for embeddings
    group   the id without the `number`, which is behind a # from 2 on: several seats share a model's requests
    placed  it has one of the pool's places, which it keeps while it is used or its worker lives
    held    those of its uses that wait for another model to have its room, and do not keep it here
    after   workers that must be gone before its own may start
    options what it is loaded with, but for the threads
    threads how many its worker computes with
    slots   where the worker keeps its conversations
    calibration   what is known of how many requests to run at once
    booking what it takes of the budget, None before it was first reckoned or where memory is not counted
    outdated  it is not what the settings of now would make: it goes when it is idle
    keep      seconds it stays when it is idle, by a client's last word, until it goes; None: as the settings say
    """

    def __init__(  # noqa: PLR0917  called once, by the pool
        self,
        seat_id: str,
        model: Model,
        engine: Engine,
        options: LoadOptions,
        worker: Worker,
        queue: Queue,
        now: float,
        slots: Slots,
        threads: Threads,
        measured: Measured | None = None,
    ) -> None:
        self.id = self.group = seat_id
        self.number = 1
        self.model = model
        self.engine = engine
        self.options = options
        self.worker = worker
        self.queue = queue
        self.slots = slots
        self.threads = threads
        self.uses = 0
        self.held = 0
        self.last_used = now
        self.placed = False
        self.outdated = False
        self.keep: float | None = None
        self.booking: Booking | None = None
        self.after: tuple[Worker, ...] = ()
        self.calibration = Calibration(self, measured)
        self.watch = Watch(self)
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def resident(self) -> bool:
        return self.placed and (self.uses > 0 or self.worker.alive)

    @property
    def loading(self) -> LoadOptions:
        """The options of a load now, with the layers on GPUs that fit."""
        return self.options if self.booking is None else self.booking.options

    def take(self) -> None:
        self.placed = self.resident
        self.uses += 1
        self.cancel_expiry()

    def leave(self) -> None:
        """Its worker goes; what was said of how long it stays is of that one."""
        self.cancel_expiry()
        self.keep = None
        self.worker.begin_stop()

    def expire_after(self, seconds: float) -> None:
        self.cancel_expiry()
        self._expiry = asyncio.get_running_loop().call_later(seconds, self.leave)

    @property
    def expires_in(self) -> float | None:
        """Seconds until it goes, if nobody asks for it; None: it stays, or is used."""
        if self._expiry is None:
            return None
        return max(0.0, self._expiry.when() - asyncio.get_running_loop().time())

    def cancel_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
