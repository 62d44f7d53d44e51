"""Which models stay when another is wanted: a pure function of what is resident and of what all may take together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

_NOTICED = 1.0  # seconds of loading below which no model is dearer than another


@dataclass(frozen=True, slots=True)
class Resident:
    """A model that holds a place.

    memory     bytes of RAM that it has or may yet take
    device     the same on GPUs
    busy       used now, or on its way out: it cannot be asked to go
    pinned     it never goes
    reload     seconds that loading it again would take
    last_used  seconds on the pool's clock, as `since` is: when it became ready
    size       whole GB of its files, where the largest goes first; None: what is quick to load again does
    """

    id: str
    busy: bool = False
    last_used: float = 0.0
    memory: int = 0
    device: int = 0
    pinned: bool = False
    priority: int = 0
    reload: float = 0.0
    since: float = 0.0
    size: int | None = None

    @property
    def worth(self) -> tuple[int, int, float]:
        """By what it goes, the least first. Load times within a factor of two are alike, so that use decides."""
        cost = round(math.log2(max(self.reload, _NOTICED))) if self.size is None else -self.size
        return self.priority, cost, self.last_used


@dataclass(frozen=True, slots=True)
class Room:
    """What all models may take together: how many, bytes of RAM, and bytes on GPUs; None is without a bound."""

    models: int
    memory: int | None = None
    device: int | None = None

    def holds(self, models: Sequence[Resident]) -> bool:
        return (
            len(models) <= self.models
            and (self.memory is None or sum(model.memory for model in models) <= self.memory)
            and (self.device is None or sum(model.device for model in models) <= self.device)
        )


@dataclass(frozen=True, slots=True)
class Load:
    """There is room, once the models in `evict` have gone."""

    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """There is none until some of the models in `busy` fall idle."""

    busy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is none, even if all that may go went; `pinned` are those that may not."""

    pinned: tuple[str, ...] = ()


Decision: TypeAlias = Load | Wait | Refuse


def decide(wanted: Resident, resident: Sequence[Resident], room: Room) -> Decision:
    """Makes room for `wanted`. No busy model goes and no pinned one; of the others none goes that need not.

    Lower priority goes first, then by size or by what a load costs, then what was used longest ago.
    """
    others = [model for model in resident if model.id != wanted.id]
    kept = [*others, wanted]
    leaving: list[Resident] = []
    for model in sorted((each for each in others if not each.busy and not each.pinned), key=lambda each: each.worth):
        if room.holds(kept):
            break
        kept.remove(model)
        leaving.append(model)
    if not room.holds(kept):
        pinned = [model for model in others if model.pinned]
        if not room.holds([*pinned, wanted]):
            return Refuse(tuple(model.id for model in pinned))
        return Wait(tuple(model.id for model in others if model.busy and not model.pinned))
    for model in sorted(leaving, key=lambda each: each.worth, reverse=True):
        if room.holds([*kept, model]):  # a larger one that went after it has made enough room
            kept.append(model)
            leaving.remove(model)
    return Load(tuple(model.id for model in leaving))


@dataclass(frozen=True, slots=True)
class Claim:
    """A model that waits for room, `since` when on the pool's clock."""

    wanted: Resident
    since: float

    @property
    def rank(self) -> tuple[int, float, str]:
        """The first in line has the least."""
        return -self.wanted.priority, self.since, self.wanted.id


@dataclass(frozen=True, slots=True)
class Line:
    """Those who wait for room, at the moment `now`.

    hold   seconds that a busy model of equal priority may make one wait, and that it has from its own load on
    """

    claims: Sequence[Claim]
    now: float
    hold: float


def yielding(claim: Claim, resident: Sequence[Resident], room: Room, line: Line) -> frozenset[str]:
    """Models that take no new request, so that they fall idle and `claim` gets its room; none while it must wait.

    It has no claim on what is pinned or of higher priority. What would not go at once is asked in order of loading.
    """
    wanted = claim.wanted

    def stays(model: Resident) -> bool:
        if not model.busy or model.priority < wanted.priority:
            return model.pinned
        waited = line.now - max(claim.since, model.since)
        return model.pinned or model.priority > wanted.priority or waited < line.hold

    open_to_it = [replace(each, busy=False, pinned=stays(each), last_used=each.since) for each in resident]
    decision = decide(wanted, open_to_it, room)
    return frozenset(decision.evict) if isinstance(decision, Load) else frozenset()


def in_turn(claim: Claim, resident: Sequence[Resident], room: Room, line: Line) -> Decision:
    """As `decide`; but who comes later lets nobody go before those have their room for whom others yield already."""
    decision = decide(claim.wanted, resident, room)
    if isinstance(decision, Load) and decision.evict:
        ahead = [each for each in line.claims if each.wanted.id != claim.wanted.id and each.rank < claim.rank]
        if any(yielding(each, resident, room, line) for each in ahead):
            return Wait(())
    return decision
