"""Whether a model would fit, before it is loaded: the same arithmetic as a load's, with nothing kept or stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import JsonObject
from dovetail.engines.base import Machine
from dovetail.fleet import budget
from dovetail.fleet.booking import Files
from dovetail.fleet.guidance import Change, Shortage, suggestions
from dovetail.fleet.placement import Load, Resident, Room, Wait, decide

Verdict: TypeAlias = Literal["fits", "evicts", "waits", "too_large"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A load that somebody thinks of: `known` is what was measured of an earlier one with these options."""

    model: Model
    options: LoadOptions
    files: Files
    known: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes. `memory` is what would be kept for the worker, by measurement where `measured`; `room` what all may take.

    options  with the layers that would go to GPUs
    free     of `room`, beside the models that are loaded; None where memory is not counted
    verdict  it fits; it does once the idle models `evict` have gone; it waits for busy ones; it never does
    advice   what to change, where it does not fit: each of them alone is enough
    """

    options: LoadOptions
    need: budget.Need
    memory: int
    measured: bool
    room: Room
    free: int | None
    verdict: Verdict
    evict: tuple[str, ...] = ()
    advice: tuple[Change, ...] = ()


def estimate(
    wanted: Wanted,
    machine: Machine,
    resident: Sequence[Resident],
    room: Room,
    hidden: frozenset[str] = frozenset(),
) -> Estimate:
    """`resident` are the models that are loaded, without the one that is wanted; of the `hidden` ones none is named."""
    model, files = wanted.model, wanted.files
    beside = {"projector": files.projector, "adapter": files.adapter, "draft": files.draft}
    options = _on_devices(wanted, machine, resident, room)

    def needs(tried: LoadOptions) -> budget.Need:
        return budget.need(model, tried, machine, **beside)

    need = needs(options)
    memory = budget.corrected(need, wanted.known, machine)
    off = max(0, memory - need.ram)
    free = None if room.memory is None else max(0, room.memory - sum(each.memory for each in resident))
    candidate = Resident(model.id, memory=memory, device=need.device)
    decision = decide(candidate, resident, room)
    match decision:
        case Load(leaving):
            verdict: Verdict = "evicts" if leaving else "fits"
            evict = tuple(each for each in leaving if each not in hidden)
        case Wait():
            verdict, evict = "waits", ()
        case _:
            verdict, evict = "too_large", ()
    advice: tuple[Change, ...] = ()
    if verdict in {"waits", "too_large"} and free is not None and memory > free:
        held = [each for each in resident if each.busy or each.pinned]
        shortage = Shortage(model, options, memory, room.memory or 0 if verdict == "too_large" else free, held, hidden)
        advice = suggestions(shortage, lambda tried: needs(tried).ram + off)
    measured = bool(wanted.known)
    return Estimate(options, need, memory, measured, room, free, verdict, evict, advice)


def _on_devices(wanted: Wanted, machine: Machine, resident: Sequence[Resident], room: Room) -> LoadOptions:
    """With as many layers on GPUs as fit beside what cannot go, where nobody has said how many."""
    model, options = wanted.model, wanted.options
    if room.device is None or not model.weights.layers or options.gpu_layers not in (None, -1):
        return options
    staying = sum(each.device for each in resident if each.busy or each.pinned)
    return replace(options, gpu_layers=budget.most_layers(model, options, machine, room.device - staying))
