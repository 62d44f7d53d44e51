"""The one path of recordings: resolve, lease, wait until ready, write down segment after segment, record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import Protocol

import structlog

from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest, WorkerCrashed
from dovetail.core.events import Progress
from dovetail.core.model import Model
from dovetail.core.observe import Observer
from dovetail.core.speech import Recording, Segment, SpeechEvent, TranscribeRequest
from dovetail.engines.base import Decoder, WorkerCall
from dovetail.engines.whisper import SpeechDecoder, transcription
from dovetail.serving.course import Course
from dovetail.serving.generate import Models, Worker
from dovetail.serving.requests import Ticket

TRIES = 3  # workers that one recording may outlive
COST = 1500  # tokens of a window, before it is known how many there are

log = structlog.stdlib.get_logger(__name__)


class Lease(Protocol):
    """One use of a model; `fleet.lease.Lease` is one."""

    @property
    def worker(self) -> Worker:
        """Loaded once `ready` has ended."""
        ...

    def ready(self) -> AsyncGenerator[Progress, None]: ...

    def stream(
        self, call: WorkerCall, decoder: Decoder[SpeechEvent], cost: int, *, ahead: bool = False
    ) -> AsyncGenerator[SpeechEvent, None]: ...


class Leases(Protocol):
    """Where leases come from; `fleet.pool.Pool` is one."""

    def lease(self, model: Model, *, caller: Caller) -> AbstractAsyncContextManager[Lease]: ...


class Transcriber:
    """Writes recordings down. One instance serves every request."""

    def __init__(
        self, catalog: Models, pool: Leases, observer: Observer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._catalog = catalog
        self._pool = pool
        self._observer = observer
        self._clock = clock

    async def run(
        self, request: TranscribeRequest, caller: Caller, ticket: Ticket | None = None
    ) -> AsyncGenerator[SpeechEvent, None]:
        """One Recording, then segments with Prefill between them, then Finished; `ticket` is told them too.

        Closing the generator ends the work within a window of 30 seconds. When the worker dies its successor goes on
        behind the last segment. Raises `core.errors`; one record is reported when it ends, however it ends.
        """
        name = request.model
        ticket = ticket or Ticket("transcription", caller, name)
        course = Course(request.id, ticket, self._clock)
        try:
            model = await asyncio.to_thread(self._catalog.find, name, None, caller)
            name = ticket.model = model.name
            check_hears(model)
            async with (
                self._pool.lease(model, caller=caller) as lease,
                aclosing(self._events(lease, request)) as events,
            ):
                ticket.worker = lease.worker.model
                async for event in events:
                    if not isinstance(event, Recording | Segment):
                        ticket.note(event)
                        course.note(event)
                    yield event
        except BaseException as error:
            course.failed(error)
            raise
        finally:
            self._observer.request_done(course.record(name))

    async def _events(self, lease: Lease, request: TranscribeRequest) -> AsyncGenerator[SpeechEvent, None]:
        opened = False
        for left in reversed(range(TRIES)):
            try:
                async with aclosing(lease.ready()) as waiting:
                    async for progress in waiting:
                        yield progress
                call = transcription(request)
                async with aclosing(lease.stream(call, SpeechDecoder(), COST, ahead=left < TRIES - 1)) as events:
                    async for event in events:
                        if isinstance(event, Recording):
                            if opened:
                                continue
                            # Whoever goes on with it must not hear another language in the rest.
                            opened, request = True, replace(request, language=event.language or request.language)
                        if isinstance(event, Segment):
                            request = replace(request, start=event.end)
                        yield event
            except WorkerCrashed as crash:
                if not left:
                    raise
                log.warning("transcription_goes_on", model=request.model, at=request.start, reason=crash.message)
            else:
                return


def check_hears(model: Model) -> None:
    """Raises what is wrong with the model's files, InvalidRequest for one that was made for something else."""
    model.check_sound()
    if not model.hears:
        raise InvalidRequest(
            f"{model.id} does not write down speech: name a Whisper model, or none for the one of speech.model",
            param="model",
        )
