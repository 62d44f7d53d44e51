"""Whether a worker that is ready does its work: heartbeats, a canary where it is in doubt, and what it weighs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from dovetail.core.errors import DovetailError, EngineFailure, WorkerStalled
from dovetail.core.events import Prefill
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest, Sampling, TextPrompt
from dovetail.engines.base import Engine
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.process import Worker
from dovetail.fleet.queue import Queue
from dovetail.fleet.slots import Slots
from dovetail.hardware.usage import usage

MISSED = 3  # heartbeats without an answer that a worker does not survive
EXAMINED_WITHIN = 5.0  # seconds a worker that stalled has to answer anything at all
CANARY_WITHIN = 20.0  # seconds it then has to generate one token, and to find a slot for it
IDLE_CANARY = 300.0  # seconds without work after which it is asked whether it still could
WEIGHED_EVERY = 60.0  # seconds

log = structlog.stdlib.get_logger(__name__)


class Post(Protocol):
    """What is watched; `fleet.seat.Seat` is one."""

    @property
    def model(self) -> Model: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def options(self) -> LoadOptions: ...
    @property
    def worker(self) -> Worker: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def slots(self) -> Slots: ...
    @property
    def last_used(self) -> float: ...


class Watch:
    """Looks after one seat's worker, whichever process that is. What it finds ill is asked to leave, for the next."""

    def __init__(
        self,
        post: Post,
        weigh: Callable[[int], int | None] = lambda pid: usage(pid).memory,
    ) -> None:
        self._post = post
        self._clock = post.worker.clock
        self._weigh = weigh
        self._examining = asyncio.Lock()
        self._proved_at = self._clock()
        self._suspected = False

    def suspect(self) -> None:
        """Something went wrong that a healthy worker may have done too: it is examined at the next heartbeat."""
        self._suspected = True

    async def keep(self, client: WorkerClient) -> None:
        """Watches the worker that `client` speaks with until it has to leave, or until cancelled."""
        answered = self._proved_at = self._clock()
        scales = _Scales(self._clock())
        self._suspected = False
        while True:
            beat = self._post.worker.settings.heartbeat
            began = self._clock()
            if await client.health(within=beat):
                answered = self._clock()
            elif self._clock() - answered >= MISSED * beat:
                self._post.worker.give_up(client, f"it did not answer for {MISSED * beat:g} s")
                return
            if self._suspected or self._long_idle():
                self._suspected = False
                await self.examine()
            await self._weighed(client, scales)
            await asyncio.sleep(max(0.0, beat - (self._clock() - began)))

    async def examine(self) -> None:
        """Replaces a worker that does not answer within 5 s, or generates nothing within 20; takes no longer.

        Of several who doubt at once, one asks.
        """
        doubted = self._clock()
        async with self._examining:
            worker = self._post.worker
            if self._proved_at > doubted or worker.state != "ready":
                return
            client = worker.client
            if not await client.health(within=EXAMINED_WITHIN):
                worker.give_up(client, "it no longer answered")
            elif not await self._generates(client):
                worker.give_up(client, "it answered, and generated nothing")
            else:
                self._proved_at = self._clock()

    def _long_idle(self) -> bool:
        post = self._post
        since = max(post.last_used, self._proved_at)
        # One that embeds or hears has no cheap question to be asked while nobody does; somebody else's may cost money.
        asked = post.options.pooling is None and post.model.remote is None and not post.model.hears
        idle = not post.queue.active and self._clock() - since > IDLE_CANARY
        return asked and idle and post.slots.spare

    async def _generates(self, client: WorkerClient) -> bool:
        """Whether one token comes. True where there is no telling: no slot is free, or the worker is gone."""
        post = self._post
        if post.options.pooling is not None or post.model.hears:
            return False  # asked only after a call was silent for minutes, and it makes one at a time
        try:
            turn = post.queue.enter(cost=2)
        except DovetailError:
            return True
        hold = post.slots.hold()
        try:
            async with asyncio.timeout(CANARY_WITHIN):
                while turn.position:
                    await turn.moved()
        except (TimeoutError, DovetailError):
            turn.leave()
            return True
        request = _canary(post.model)
        try:
            async with asyncio.timeout(CANARY_WITHIN):
                call = await hold.take(client, post.queue.slots, post.engine.encode(request), request.space)
                with await client.open(post.engine, request, 0, call) as stream:
                    while batch := await stream.read():
                        hold.note(batch)
                        if any(not isinstance(event, Prefill) for event in batch):
                            break
        except (TimeoutError, WorkerStalled):
            return False
        except DovetailError as error:
            return type(error) is not EngineFailure
        finally:
            hold.leave()
            turn.leave()
        return True

    async def _weighed(self, client: WorkerClient, scales: _Scales) -> None:
        """Replaces a worker that has grown without bound, while it is idle."""
        worker, limit = self._post.worker, self._post.worker.settings.max_growth
        if not limit or worker.pid is None or self._post.queue.active or not scales.due(self._clock()):
            return
        memory = await asyncio.to_thread(self._weigh, worker.pid)
        if memory is None:
            return
        grown = memory - scales.first(memory)
        # Weights are mapped, and count when they are first touched.
        allowed = limit + (self._post.options.cache_ram or 0) + self._post.model.size
        if grown > allowed and not self._post.queue.active:
            log.warning("worker_grew", model=self._post.model.name, bytes=memory, grown=grown, allowed=allowed)
            worker.give_up(client, f"it grew by {grown / 1e9:.1f} GB since it was loaded")


class _Scales:
    """When a worker is weighed, and what it weighed at first."""

    def __init__(self, now: float) -> None:
        self._next = now
        self._first: int | None = None

    def due(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + WEIGHED_EVERY
        return True

    def first(self, memory: int) -> int:
        if self._first is None:
            self._first = memory
        return self._first


def _canary(model: Model) -> GenerateRequest:
    request = GenerateRequest("canary", model.id, TextPrompt(("a",)), Sampling(temperature=0), max_tokens=1)
    return replace(request, adapter=model.adapter)  # unsaid, its scale would be another's
