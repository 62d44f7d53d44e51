"""A use of a model: from the wish for it to the last event of the last generation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Protocol, TypeVar

import structlog

from dovetail.core.caller import Caller
from dovetail.core.errors import Busy, EngineFailure, LoadFailed, NoRoom, WorkerCrashed, WorkerStalled
from dovetail.core.events import Event, Loading, Prefill, Progress, Queued
from dovetail.core.model import LoadOptions
from dovetail.core.request import GenerateRequest, JsonObject
from dovetail.engines.base import Decoder, WorkerCall
from dovetail.fleet.pace import body_tokens
from dovetail.fleet.process import Worker
from dovetail.fleet.run import Run, explained
from dovetail.fleet.seat import Seat

TELL_EVERY = 1.0  # seconds between two Loading events
PLACE_WITHIN = 120.0  # seconds to wait for a busy model to make room

EventT = TypeVar("EventT")

log = structlog.stdlib.get_logger(__name__)


class Placer(Protocol):
    """What a lease needs of `Places`."""

    async def place(self, seat: Seat, within: float, caller: Caller) -> bool: ...

    def waiting(self, seat: Seat) -> AbstractContextManager[None]: ...

    def yields(self, seat: Seat) -> bool: ...

    def freed(self) -> None: ...

    async def quiet(self, within: float) -> None: ...

    async def starting(self, seat: Seat) -> None: ...

    async def loaded(self, seat: Seat, seconds: float) -> None: ...

    def back_off(self, seat: Seat, tried: LoadOptions) -> bool: ...

    def no_room(self, seat: Seat, caller: Caller) -> NoRoom: ...

    def explained(self, seat: Seat, failure: LoadFailed) -> LoadFailed: ...


class Lease:
    """Handed out by `Pool.lease`, which counts it."""

    def __init__(
        self, places: Placer, seat: Seat, caller: Caller, other: Callable[[Seat], Seat | None] = lambda _: None
    ) -> None:
        """`other`: takes another seat of the model, whose worker is ready, where there is one."""
        self.seats = [seat]  # all that it has, the one in use last
        self._places = places
        self._caller = caller
        self._other = other
        self._begun = False
        self._entered = False

    @property
    def _seat(self) -> Seat:
        return self.seats[-1]

    def _moved(self) -> bool:
        """Whether another worker of the model is ready, which is used from now on."""
        other = self._other(self._seat)
        if other is not None:
            self.seats.append(other)
        return other is not None

    def _healthy(self) -> Seat:
        if self._seat.worker.state != "ready":
            self._moved()
        return self._seat

    @property
    def worker(self) -> Worker:
        """Ready once `ready` has ended."""
        return self._seat.worker

    async def ready(self) -> AsyncGenerator[Progress, None]:
        """Yields at least once a second until the model is ready. Raises LoadFailed, NoRoom, QueueFull or Busy."""
        seat = self._healthy() if self._begun else self._seat  # at first it may have been chosen to be started
        self._begun = True
        await seat.calibration.ended()
        if seat.worker.state == "ready" and (self._entered or not self._places.yields(seat)):
            self._entered = True
            return
        seat.model.check_sound()
        with seat.queue.loading(self._caller):
            if not self._entered:
                async with aclosing(self._held(seat)) as waiting:
                    async for progress in waiting:
                        yield progress
            self._entered = True  # some of its answers may run: from here on it counts as a use
            async with aclosing(self._loaded(seat)) as waiting:
                async for progress in waiting:
                    yield progress

    async def _held(self, seat: Seat) -> AsyncGenerator[Progress, None]:
        """Waits while this model is to make room for one that has waited for it."""
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

    async def _loaded(self, seat: Seat) -> AsyncGenerator[Progress, None]:
        """Returns when the worker is ready, or another that can take its place."""
        try:
            async with aclosing(self._loading(seat)) as waiting:
                async for progress in waiting:
                    yield progress
        except (LoadFailed, NoRoom) as failure:
            if not self._moved():
                raise
            log.warning("another_worker_takes_it", model=seat.id, reason=failure.message)

    async def _loading(self, seat: Seat) -> AsyncGenerator[Progress, None]:
        yield Loading(seat.model.id)
        deadline = time.monotonic() + PLACE_WITHIN
        with self._places.waiting(seat):
            while not await self._places.place(seat, TELL_EVERY, self._caller):
                if self._moved():
                    return
                if time.monotonic() > deadline:
                    raise self._places.no_room(seat, self._caller)
                yield Loading(seat.model.id)
        start = asyncio.create_task(self._start(seat), name=f"start of {seat.model.id}")
        try:
            while not (await asyncio.wait({start}, timeout=TELL_EVERY))[0]:
                yield Loading(seat.model.id, None if seat.booking is None else seat.booking.progress)
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
        run = Run(self._healthy(), self._caller, request, index, ahead=ahead, cold=cold)
        try:
            while run.stream is None:
                async with aclosing(self._admitted(run)) as waiting:
                    async for progress in waiting:
                        yield progress
            with run.stream as stream:
                while batch := await stream.read():
                    run.note(batch)
                    for event in batch:
                        yield event
        except WorkerCrashed as error:
            raise await explained(run.seat, error) from error
        except WorkerStalled:
            run.leave()  # the canary needs a slot
            await run.seat.watch.examine()
            raise
        except EngineFailure:
            run.seat.watch.suspect()
            raise
        finally:
            run.leave()

    async def _admitted(self, run: Run) -> AsyncGenerator[Progress, None]:
        """Tries to hand the request to its worker, when it is its turn; where that has died, to another."""
        while position := run.turn.position:
            yield Queued(position, run.turn.wait)
            await run.turn.moved()
        if run.seat.worker.state != "ready" and self._healthy() is run.seat:  # it has died meanwhile
            async with aclosing(self._loaded(run.seat)) as waiting:
                async for progress in waiting:
                    yield progress
        if run.seat is self._seat or run.seat.worker.state == "ready":
            await run.open()
        else:
            run.move(self._seat)

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
        seat = self._healthy()
        turn = seat.queue.enter(self._caller, body_tokens(call.body), ahead=ahead)
        try:
            while position := turn.position:
                tell(Queued(position, turn.wait))
                await turn.moved()
            tell(Prefill(turn.cost, 0, 0))
            answer = await seat.worker.client.post(call.path, call.body, within=within)
        except WorkerCrashed as error:
            raise await explained(seat, error) from error
        except WorkerStalled:
            turn.leave()
            await seat.watch.examine()
            raise
        else:
            turn.used = turn.cost
            return answer
        finally:
            turn.leave()

    async def stream(
        self, call: WorkerCall, decoder: Decoder[EventT], cost: int, *, ahead: bool = False
    ) -> AsyncGenerator[Progress | EventT, None]:
        """The events of a call that is no generation, of about `cost` tokens: Queued first, while it is not its turn.

        `ahead` of all who wait. Closing the generator ends it at once. Raises QueueFull, or as WorkerClient does.
        """
        seat = self._healthy()
        turn = seat.queue.enter(self._caller, cost, ahead=ahead)
        try:
            while position := turn.position:
                yield Queued(position, turn.wait)
                await turn.moved()
            with await seat.worker.client.listen(call, decoder) as answer:
                while batch := await answer.read():
                    for event in batch:
                        yield event
            turn.used = turn.cost
        except WorkerCrashed as error:
            raise await explained(seat, error) from error
        except WorkerStalled:
            turn.leave()
            await seat.watch.examine()
            raise
        finally:
            turn.leave()

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]:
        """Ids of a text without those that open one; with `special` a special token's name in it is that token."""
        asked: JsonObject = {"content": text, "add_special": False, "parse_special": special}
        found = (await self._healthy().worker.client.post("/tokenize", asked)).get("tokens")
        if not isinstance(found, list):
            raise EngineFailure("the worker's answer to /tokenize does not follow the protocol")
        return tuple(token for token in found if isinstance(token, int))

    async def rendered(self, request: GenerateRequest) -> str:
        """The prompt that the model's template makes of a conversation."""
        call = self._seat.engine.encode(request)
        prompt = (await self._healthy().worker.client.post("/apply-template", call.body)).get("prompt")
        if not isinstance(prompt, str):
            raise EngineFailure("the worker's answer to /apply-template does not follow the protocol")
        return prompt

    async def _load(self, seat: Seat) -> None:
        """Tries again with fewer layers on GPUs while memory is what is wanting, and they are ours to choose."""
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

    async def _start(self, seat: Seat) -> None:
        for worker in seat.after:
            await worker.gone()
        seat.after = ()
        await seat.calibration.recall()
        await self._places.starting(seat)
        began = time.monotonic()
        await self._load(seat)
        await self._places.loaded(seat, time.monotonic() - began)
        if (props := seat.worker.props) is not None and props.slots:
            seat.queue.resize(props.slots)
