"""One generation on its way into a worker and through it, with its turn and its slot there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dovetail.core.caller import Caller
from dovetail.core.errors import WorkerCrashed
from dovetail.core.events import Event
from dovetail.core.request import GenerateRequest
from dovetail.fleet.client import Stream, WorkerUnreachable

if TYPE_CHECKING:
    from dovetail.fleet.seat import Seat

NOTICED_WITHIN = 1.0  # seconds from a broken socket to the end of its process
UNSEEN = 3  # workers that may die before they see a request


class Run:
    """Choice `index` of `request`, in the line of `seat`. `leave` gives back what it has there.

    cold    without a cached prompt
    stream  what the worker says, once it has taken the request
    unseen  workers that died before they saw it
    """

    def __init__(
        self, seat: Seat, caller: Caller, request: GenerateRequest, index: int, *, ahead: bool, cold: bool
    ) -> None:
        """Raises QueueFull. `ahead` of all who wait."""
        self.request = request
        self.index = index
        self.cold = cold
        self.unseen = 0
        self.stream: Stream | None = None
        self._caller = caller
        self._enter(seat, ahead=ahead)

    def _enter(self, seat: Seat, *, ahead: bool) -> None:
        self.seat = seat
        self.turn = seat.queue.enter(self._caller, seat.queue.pace.cost(self.request), ahead=ahead)
        self.hold = seat.slots.hold()

    def move(self, seat: Seat) -> None:
        """Goes on in another line, ahead of those who wait there: it has stood in one."""
        self.leave()
        self._enter(seat, ahead=True)

    def leave(self) -> None:
        """A second call does nothing."""
        self.hold.leave()
        self.turn.leave()

    def note(self, events: Sequence[Event]) -> None:
        """What the worker has said."""
        self.hold.note(events)
        self.turn.note(events)

    async def open(self) -> None:
        """Hands the request to the worker; there is no `stream` where it is dead and has seen nothing of it."""
        seat, worker = self.seat, self.seat.worker
        call = seat.engine.encode(self.request, self.index)
        if self.cold or self.request.keep == "nothing":
            call.body["cache_prompt"] = False
        try:
            client = worker.client
            lasting = self.request.keep == "disk"
            call = await self.hold.take(client, seat.queue.slots, call, self.request.space, lasting=lasting)
            self.stream = await client.open(seat.engine, self.request, self.index, call)
        except WorkerUnreachable:
            self.unseen += 1
            if self.unseen >= UNSEEN or not await worker.fallen(NOTICED_WITHIN):
                raise


async def explained(seat: Seat, error: WorkerCrashed) -> WorkerCrashed:
    """The same, with what is known of the worker's end a moment later."""
    known = await seat.worker.fallen(NOTICED_WITHIN)
    why = seat.worker.reason or ("it was stopped" if known else "why is not known")
    return WorkerCrashed(f"{error.message} ({why})")
