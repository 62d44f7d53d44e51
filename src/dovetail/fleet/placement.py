"""Which models stay when another is wanted: a pure function of what is resident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Resident:
    """A model that holds a place; `last_used` in seconds on the pool's clock."""

    id: str
    busy: bool
    last_used: float


@dataclass(frozen=True, slots=True)
class Load:
    """There is room, once the models in `evict` have gone."""

    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """There is none until one of the models in `busy` falls idle."""

    busy: tuple[str, ...]


Decision: TypeAlias = Load | Wait


def decide(wanted: str, resident: Sequence[Resident], max_models: int) -> Decision:
    """Makes room for `wanted` in `max_models` places: the longest unused goes first, a busy one never."""
    others = [model for model in resident if model.id != wanted]
    surplus = len(others) - max_models + 1
    if surplus <= 0:
        return Load()
    idle = sorted((model for model in others if not model.busy), key=lambda model: model.last_used)
    if len(idle) < surplus:
        return Wait(tuple(model.id for model in others if model.busy))
    return Load(tuple(model.id for model in idle[:surplus]))
