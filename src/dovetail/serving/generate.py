"""The one path a generation takes, whatever its dialect: resolve, lease, wait until ready, stream, record."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import Protocol

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import ContextTooLong
from dovetail.core.events import Event, Loading, Prefill, Progress, Queued
from dovetail.core.model import Adapter, Model
from dovetail.core.observe import Observer
from dovetail.core.request import GenerateRequest, Sampling
from dovetail.serving.advice import advised, bounded
from dovetail.serving.course import Course
from dovetail.serving.fill import filled
from dovetail.serving.limits import check_length, check_request, prompt_field
from dovetail.serving.media import Gate
from dovetail.serving.merge import merged
from dovetail.serving.opening import opened
from dovetail.serving.replay import Replay
from dovetail.serving.requests import Ticket
from dovetail.serving.thinking import named, settled

_PROGRESS = (Queued, Loading, Prefill)


class Models(Protocol):
    """Names to models; `catalog.Catalog` is one."""

    def find(self, name: str, adapter: Adapter | None = None, caller: Caller = LOCAL) -> Model:
        """May read the disk. Raises ModelNotFound, or what is wrong with the adapter."""
        ...

    def known(self, name: str) -> Model | None:
        """What `find` gives where that takes no look at the disk."""
        ...


class Props(Protocol):
    """What a loaded model says of itself."""

    @property
    def context(self) -> int:
        """Tokens a slot has; 0 when unknown."""
        ...


class Worker(Protocol):
    """A model's process; `fleet.process.Worker` is one."""

    @property
    def model(self) -> str:
        """The name of the worker."""
        ...

    @property
    def props(self) -> Props | None: ...


class Lease(Protocol):
    """One use of a model; `fleet.lease.Lease` is one."""

    @property
    def worker(self) -> Worker:
        """Loaded once `ready` has ended."""
        ...

    def ready(self) -> AsyncGenerator[Progress, None]: ...

    def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]: ...

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]: ...

    async def rendered(self, request: GenerateRequest) -> str: ...


class Leases(Protocol):
    """Where leases come from; `fleet.pool.Pool` is one."""

    def lease(
        self, model: Model, *, caller: Caller, request: GenerateRequest | None = None
    ) -> AbstractAsyncContextManager[Lease]: ...


class Generator:
    """Runs generations. One instance serves every request."""

    def __init__(
        self,
        catalog: Models,
        pool: Leases,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        *,
        share: bool = True,
        media: Gate | None = None,
        replay_limit: int = 8192,
    ) -> None:
        self._media = media or Gate()
        self._catalog = catalog
        self._pool = pool
        self._observer = observer
        self._clock = clock
        self._share = share
        self._replay_limit = replay_limit

    def reconfigure(self, *, share: bool, media: Gate, replay_limit: int) -> None:
        """Other settings, for requests that come from now on."""
        self._share, self._media, self._replay_limit = share, media, replay_limit

    async def run(
        self, request: GenerateRequest, caller: Caller, ticket: Ticket | None = None
    ) -> AsyncGenerator[Event, None]:
        """Events of `request`, one Finished for each of its `n` choices; `ticket` is told them too.

        Closing the generator stops the work and frees the slot. Raises `core.errors`; nothing is yielded after
        a failure. One record is reported when it ends, however it ends.
        """
        name = request.model
        ticket = ticket or Ticket("generation", caller, name)
        course = Course(request.id, ticket, self._clock)
        if not self._share and caller.key is not None:  # prompt caches are the caller's own
            request = replace(request, space=caller.id)
        try:
            model, request = await self._find(request, caller)
            name = ticket.model = model.name
            sampling = _seeded(advised(request.sampling, model))
            request = replace(bounded(request, model), adapter=model.adapter, sampling=sampling)
            request = await self._media.passed(request)
            async with (
                self._pool.lease(model, caller=caller, request=request) as lease,
                aclosing(self._events(lease, model, request, course)) as events,
            ):
                ticket.worker = lease.worker.model
                async for event in events:
                    ticket.note(event)
                    course.note(event)
                    yield event
        except BaseException as error:
            course.failed(error)
            raise
        finally:
            ticket.record = course.record(name)
            self._observer.request_done(ticket.record)

    async def check(self, request: GenerateRequest, caller: Caller) -> None:
        """Raises what `run` would find wrong before it waits for anything."""
        await self._find(request, caller)

    async def run_all(
        self, requests: Sequence[GenerateRequest], caller: Caller, ticket: Ticket | None = None
    ) -> AsyncGenerator[Event, None]:
        """Events of several requests at once; the choices of each follow those of the one before it."""
        if len(requests) == 1:
            source = self.run(requests[0], caller, ticket)
        else:
            offsets = [sum(r.n for r in requests[:i]) for i in range(len(requests))]
            source = merged(
                [_shifted(self.run(r, caller, ticket), offset) for r, offset in zip(requests, offsets, strict=True)]
            )
        async with aclosing(source) as events:
            async for event in events:
                yield event

    async def _find(self, request: GenerateRequest, caller: Caller) -> tuple[Model, GenerateRequest]:
        by_name: bool | None = None
        model = self._catalog.known(request.model) if request.adapter is None else None
        if model is None or not caller.may_use(model.id):
            model, by_name = await asyncio.to_thread(named, self._catalog.find, request, caller)
        model.check_sound()
        check_request(request, model)
        return model, settled(request, model, by_name)

    def _run(self, lease: Lease, request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        return Replay(lease, request, index, self._replay_limit).events()

    async def _events(
        self, lease: Lease, model: Model, request: GenerateRequest, course: Course
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(lease.ready()) as waiting:
            async for progress in waiting:
                yield progress
        course.ready()
        props = lease.worker.props
        check_length(request, props.context if props else 0)
        request = await opened(await filled(request, model, lease), lease)
        if request.n == 1:
            source = self._run(lease, request, 0)
        else:
            source = merged([self._run(lease, request, index) for index in range(request.n)])
        try:
            async with aclosing(source) as events:
                async for event in events:
                    yield event
        except ContextTooLong as error:  # the worker knows no dialect's fields
            raise error.naming(prompt_field(request)) from error


def _seeded(sampling: Sampling) -> Sampling:
    """With a seed, so that the same request can be run again."""
    return sampling if sampling.seed is not None else replace(sampling, seed=secrets.randbits(31))


async def _shifted(source: AsyncGenerator[Event, None], offset: int) -> AsyncGenerator[Event, None]:
    async with aclosing(source) as events:
        async for event in events:
            yield event if isinstance(event, _PROGRESS) else replace(event, index=event.index + offset)
