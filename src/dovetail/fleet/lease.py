"""A use of a model: from the wish for it to the last event of the last generation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Protocol

from dovetail.core.caller import Caller
from dovetail.core.errors import Busy, EngineFailure, LoadFailed, NoRoom, WorkerCrashed, WorkerStalled
from dovetail.core.events import Event, Loading, Prefill, Progress, Queued
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest, JsonObject
from dovetail.engines.base import Engine, WorkerCall
from dovetail.fleet.booking import Booking
from dovetail.fleet.calibration import Calibration
from dovetail.fleet.client import Stream, WorkerUnreachable
from dovetail.fleet.measured import Measured
from dovetail.fleet.pace import body_tokens
from dovetail.fleet.process import Worker
from dovetail.fleet.queue import Queue
from dovetail.fleet.slots import Hold, Slots
from dovetail.fleet.threads import Threads
from dovetail.fleet.watch import Watch

TELL_EVERY = 1.0  # seconds between two Loading events
PLACE_WITHIN = 120.0  # seconds to wait for a busy model to make room
NOTICED_WITHIN = 1.0  # seconds from a broken socket to the end of its process
UNSEEN = 3  # workers that may die before they see a request


class Seat:
    """One worker's standing in the pool.

    id      the model's, with the pooling behind a colon where the worker is for embeddings
    placed  it has one of the pool's places, which it keeps while it is used or its worker lives
    held    those of its uses that wait for another model to have its room, and do not keep it here
    after   workers that must be gone before its own may start
    options what it is loaded with, but for the threads
    threads how many its worker computes with
    slots   where the worker keeps its conversations
    calibration   what is known of how many requests to run at once
    booking what it takes of the budget, None before it was first reckoned or where memory is not counted
    outdated  it is not what the settings of now would make: it goes when it is idle
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
        self.id = seat_id
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

    def expire_after(self, seconds: float) -> None:
        self.cancel_expiry()
        self._expiry = asyncio.get_running_loop().call_later(seconds, self.worker.begin_stop)

    def cancel_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None


class Placer(Protocol):
    """What a lease needs of `Places`."""

    async def place(self, seat: Seat, within: float) -> bool: ...

    def waiting(self, seat: Seat) -> AbstractContextManager[None]: ...

    def yields(self, seat: Seat) -> bool: ...

    def freed(self) -> None: ...

    async def quiet(self, within: float) -> None: ...

    async def starting(self, seat: Seat) -> None: ...

    async def loaded(self, seat: Seat, seconds: float) -> None: ...

    def back_off(self, seat: Seat, tried: LoadOptions) -> bool: ...

    def no_room(self, seat: Seat) -> NoRoom: ...

    def explained(self, seat: Seat, failure: LoadFailed) -> LoadFailed: ...


class Lease:
    """Handed out by `Pool.lease`, which counts it."""

    def __init__(self, places: Placer, seat: Seat, caller: Caller) -> None:
        self._places = places
        self._seat = seat
        self._caller = caller
        self._admitted = False

    @property
    def worker(self) -> Worker:
        """Ready once `ready` has ended."""
        return self._seat.worker

    async def ready(self) -> AsyncGenerator[Progress, None]:
        """Yields at least once a second until the model is ready. Raises LoadFailed, NoRoom, QueueFull or Busy."""
        seat = self._seat
        await seat.calibration.ended()
        if seat.worker.state == "ready" and (self._admitted or not self._places.yields(seat)):
            self._admitted = True
            return
        if seat.model.invalid is not None:
            raise LoadFailed(
                f"{seat.model.id} cannot be loaded: {seat.model.invalid}", code="invalid_model_file", status=422
            )
        with seat.queue.loading(self._caller):
            if not self._admitted:
                async with aclosing(self._held()) as waiting:
                    async for progress in waiting:
                        yield progress
            self._admitted = True  # some of its answers may run: from here on it counts as a use
            async with aclosing(self._loaded()) as waiting:
                async for progress in waiting:
                    yield progress

    async def _held(self) -> AsyncGenerator[Progress, None]:
        """Waits while this model is to make room for one that has waited for it."""
        seat = self._seat
        deadline, told = time.monotonic() + seat.queue.bounds.timeout, float("-inf")
        seat.held += 1
        self._places.freed()
        try:
            while seat.worker.state == "ready" and self._places.yields(seat):
                if time.monotonic() > deadline:
                    raise Busy(
                        f"{seat.model.id} makes room for another model, and had none again within "
                        f"{seat.queue.bounds.timeout:g} s: try again later",
                        code="queue_timeout",
                        retry_after=seat.queue.retry_after(),
                    )
                if time.monotonic() - told >= TELL_EVERY:
                    told = time.monotonic()
                    yield Loading(seat.model.id)
                await self._places.quiet(TELL_EVERY)
        finally:
            seat.held -= 1

    async def _loaded(self) -> AsyncGenerator[Progress, None]:
        seat = self._seat
        yield Loading(seat.model.id)
        deadline = time.monotonic() + PLACE_WITHIN
        with self._places.waiting(seat):
            while not await self._places.place(seat, TELL_EVERY):
                if time.monotonic() > deadline:
                    raise self._places.no_room(seat)
                yield Loading(seat.model.id)
        start = asyncio.create_task(self._start(), name=f"start of {seat.model.id}")
        try:
            while not (await asyncio.wait({start}, timeout=TELL_EVERY))[0]:
                yield Loading(seat.model.id)
            start.result()
        finally:
            start.cancel()
            await asyncio.wait({start})
            if not start.cancelled():
                start.exception()  # retrieved, whether or not anybody is left to hear it

    async def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]:
        """The events of choice `index`: Queued while every slot is taken, then the worker's.

        `ahead` of all who wait; `cold`: without a cached prompt. Closing the generator frees the slot or the place in
        line at once. Raises QueueFull, or as WorkerClient does.
        """
        seat = self._seat
        turn = seat.queue.enter(self._caller, seat.queue.pace.cost(request), ahead=ahead)
        hold = seat.slots.hold()
        run = _Run(request, index, cold)
        try:
            while position := turn.position:
                yield Queued(position, turn.wait)
                await turn.moved()
            stream = None
            while stream is None:
                if seat.worker.state != "ready":  # it has died while this one stood in line
                    async with aclosing(self._loaded()) as waiting:
                        async for progress in waiting:
                            yield progress
                stream = await self._open(run, hold)
            with stream:
                while batch := await stream.read():
                    hold.note(batch)
                    turn.note(batch)
                    for event in batch:
                        yield event
        except WorkerCrashed as error:
            raise await self._explained(error) from error
        except WorkerStalled:
            hold.leave()
            turn.leave()  # the canary needs a slot
            await seat.watch.examine()
            raise
        except EngineFailure:
            seat.watch.suspect()
            raise
        finally:
            hold.leave()
            turn.leave()

    @property
    def one_by_one(self) -> bool:
        """Whether the worker has one slot: then whatever it is asked stands in the one line."""
        return self._seat.queue.slots == 1

    async def call(
        self,
        call: WorkerCall,
        within: float,
        *,
        ahead: bool = False,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> JsonObject:
        """The whole answer to a call that is not streamed, within seconds of the slot it waits for.

        `ahead` of all who wait; `tell` hears Queued, and Prefill of about as many tokens as there are once it runs.
        Cancelling it frees the slot or the place in line at once. Raises QueueFull, or as WorkerClient does.
        """
        seat = self._seat
        turn = seat.queue.enter(self._caller, body_tokens(call.body), ahead=ahead)
        try:
            while position := turn.position:
                tell(Queued(position, turn.wait))
                await turn.moved()
            tell(Prefill(turn.cost, 0, 0))
            answer = await seat.worker.client.post(call.path, call.body, within=within)
        except WorkerCrashed as error:
            raise await self._explained(error) from error
        except WorkerStalled:
            turn.leave()
            await seat.watch.examine()
            raise
        else:
            turn.used = turn.cost
            return answer
        finally:
            turn.leave()

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]:
        """Ids of a text without those that open one; with `special` a special token's name in it is that token."""
        asked: JsonObject = {"content": text, "add_special": False, "parse_special": special}
        found = (await self._seat.worker.client.post("/tokenize", asked)).get("tokens")
        if not isinstance(found, list):
            raise EngineFailure("the worker's answer to /tokenize does not follow the protocol")
        return tuple(token for token in found if isinstance(token, int))

    async def rendered(self, request: GenerateRequest) -> str:
        """The prompt that the model's template makes of a conversation."""
        call = self._seat.engine.encode(request)
        prompt = (await self._seat.worker.client.post("/apply-template", call.body)).get("prompt")
        if not isinstance(prompt, str):
            raise EngineFailure("the worker's answer to /apply-template does not follow the protocol")
        return prompt

    async def _explained(self, error: WorkerCrashed) -> WorkerCrashed:
        worker = self._seat.worker
        known = await worker.fallen(NOTICED_WITHIN)
        why = worker.reason or ("it was stopped" if known else "why is not known")
        return WorkerCrashed(f"{error.message} ({why})")

    async def _open(self, run: _Run, hold: Hold) -> Stream | None:
        """None when the worker turns out to be dead and has seen nothing of the request."""
        seat, worker = self._seat, self._seat.worker
        call = seat.engine.encode(run.request, run.index)
        if run.cold:
            call.body["cache_prompt"] = False
        try:
            client = worker.client
            call = await hold.take(client, seat.queue.slots, call, run.request.space)
            return await client.open(seat.engine, run.request, run.index, call)
        except WorkerUnreachable:
            run.unseen += 1
            if run.unseen >= UNSEEN or not await worker.fallen(NOTICED_WITHIN):
                raise
            return None

    async def _load(self) -> None:
        """Tries again with fewer layers on GPUs while memory is what is wanting, and they are ours to choose."""
        seat = self._seat
        while True:
            tried = seat.loading
            try:
                await seat.worker.ensure_ready()
            except LoadFailed as failure:
                if failure.code != NoRoom.code:
                    raise
                if not self._places.back_off(seat, tried):
                    raise self._places.explained(seat, failure) from failure
                seat.worker.forget_failure()
            else:
                return

    async def _start(self) -> None:
        for worker in self._seat.after:
            await worker.gone()
        self._seat.after = ()
        await self._seat.calibration.recall()
        await self._places.starting(self._seat)
        began = time.monotonic()
        await self._load()
        await self._places.loaded(self._seat, time.monotonic() - began)
        if (props := self._seat.worker.props) is not None and props.slots:
            self._seat.queue.resize(props.slots)


class _Run:
    """One generation on its way into a worker; `unseen` counts workers that died before they saw it."""

    def __init__(self, request: GenerateRequest, index: int, cold: bool) -> None:
        self.request = request
        self.index = index
        self.cold = cold
        self.unseen = 0
