"""Which models stay when another is wanted: a pure function of what is resident and of what all may take together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
    last_used  seconds on the pool's clock
    """

    id: str
    busy: bool = False
    last_used: float = 0.0
    memory: int = 0
    device: int = 0
    pinned: bool = False
    priority: int = 0
    reload: float = 0.0

    @property
    def worth(self) -> tuple[int, int, float]:
        """By what it goes, the least first. Load times within a factor of two are alike, so that use decides."""
        return self.priority, round(math.log2(max(self.reload, _NOTICED))), self.last_used


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

    Lower priority goes first, then what is quick to load again, then what was used longest ago.
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
