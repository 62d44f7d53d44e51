"""Several workers of one model: which of them a request goes to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from dovetail.core.request import GenerateRequest
from dovetail.fleet import chain as chains
from dovetail.fleet.chain import Chain

if TYPE_CHECKING:
    from dovetail.fleet.seat import Seat

LONGER = 1.0  # turns of everybody by which a line is clearly longer than another
KEPT = 4096  # prompts whose worker is remembered

# `startable`: it does not run yet, or will in a moment; `failing`: it has died or failed, and is not well again.
Standing: TypeAlias = Literal["ready", "startable", "failing"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of a model's workers, as a request sees it.

    load       requests it has: running, in line, or on their way to it
    width      how many it would run at once, with one more
    home       it has had the conversation before
    last_used  seconds on any clock
    """

    standing: Standing
    load: int = 0
    width: int = 1
    home: bool = False
    last_used: float = 0.0

    @property
    def line(self) -> float:
        """How many turns of everybody it has before it."""
        return self.load / max(1, self.width)

    @property
    def free(self) -> bool:
        return self.line < 1


def choose(candidates: Sequence[Candidate]) -> int:
    """The index of the one that a request goes to; there must be one.

    A conversation stays where it was, unless the line there is full and clearly longer than elsewhere. Else the
    shortest line is taken; of equal ones, of the worker that was used longest ago. A worker is started when all that
    run are full, and one that fails is asked when there is no other.
    """
    order = sorted(range(len(candidates)), key=lambda index: (candidates[index].line, candidates[index].last_used))
    ready, startable, failing = (
        [index for index in order if candidates[index].standing == standing]
        for standing in ("ready", "startable", "failing")
    )
    if ready:
        least = candidates[ready[0]]
        home = next((index for index in ready if candidates[index].home), None)
        if home is not None and _stays(candidates[home], least):
            return home
        if least.free:
            return ready[0]
    # What is starting already is filled first.
    begun = [index for index in startable if candidates[index].load and candidates[index].free]
    idle = [index for index in startable if not candidates[index].load]
    return (begun or idle or ready or startable or failing)[0]


def _stays(home: Candidate, least: Candidate) -> bool:
    return home.free or (not least.free and home.line < least.line + LONGER)


class Replicas:
    """Remembers which worker has had which conversation, of so many of them."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._homes: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def find(self, seats: Sequence[Seat], request: GenerateRequest | None = None) -> Seat:
        """The one of a model's `seats` that `request` goes to, or a call of which nothing is known."""
        if len(seats) == 1:
            return seats[0]
        chain = _chain(seats[0], request) if request is not None else ()
        home = self.home(seats[0].group, chain)
        seat = seats[choose([_candidate(seat, home) for seat in seats])]
        self.note(seat.group, chain, seat.id)
        return seat

    def home(self, group: str, chain: Chain) -> str | None:
        """Who had the longest prompt that `chain` goes on with; its end is a link of `chain` too."""
        return next((home for link in reversed(chain) if (home := self._homes.get((group, link))) is not None), None)

    def note(self, group: str, chain: Chain, seat_id: str) -> None:
        if not chain:
            return
        self._homes[group, chain[-1]] = seat_id
        self._homes.move_to_end((group, chain[-1]))
        if len(self._homes) > self._most:
            self._homes.popitem(last=False)


def _chain(seat: Seat, request: GenerateRequest) -> Chain:
    return chains.chain_of(seat.engine.encode(request).body, request.space)


def _candidate(seat: Seat, home: str | None) -> Candidate:
    load = max(seat.uses, seat.queue.active + len(seat.queue))
    return Candidate(_standing(seat), load, seat.queue.width_for(load + 1), seat.id == home, seat.last_used)


def _standing(seat: Seat) -> Standing:
    worker = seat.worker
    if worker.state == "ready":
        return "ready"
    return "failing" if worker.ailing else "startable"
