"""In which order a plan is measured, and how long the rest of it is likely to take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dovetail.bench.figures import Benchmark, Cell, Plan
from dovetail.core.model import Model

Kind: TypeAlias = Literal["load", "warm-up", "repeat", "quality"]

_LOAD_BYTES = 500e6  # a second, from a disk that has been read before; a guess until a load was measured
_START = 1.0  # seconds of any start
_READ_BYTES = 10e9  # of weights a second, in decode on a processor
_PREFILL = 8.0  # times decode


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; `round` counts repeats from 1."""

    kind: Kind
    model: str
    cell: Cell | None = None
    round: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model is thought to be: tokens a second, and seconds of a load; `measured`, or guessed by size."""

    prefill: float
    decode: float
    load: float
    measured: bool = False


def steps(plan: Plan) -> list[Step]:
    """Every step, in order: loads, warm-ups, then rounds over all models, another one first each time.

    The reference of a plan's quality comes before those that are compared with it.
    """
    models, cells = list(plan.models), plan.cells
    found = [Step("load", model) for model in models]
    if plan.warmup:
        found += [Step("warm-up", model, cell) for model in models for cell in cells]
    for number in range(1, plan.repeats + 1):
        first = (number - 1) % len(models)
        turn = models[first:] + models[:first]
        found += [Step("repeat", model, cell, number) for model in turn for cell in cells]
    if plan.quality is not None:
        reference = plan.quality.reference or models[0]
        found += [Step("quality", model) for model in sorted(models, key=lambda model: model != reference)]
    return found


def guess(model: Model) -> Pace:
    """By the size of its files alone: right to an order of magnitude."""
    size = max(model.size, 1)
    decode = _READ_BYTES / size
    return Pace(_PREFILL * decode, decode, _START + size / _LOAD_BYTES)


def learnt(earlier: Iterable[Benchmark]) -> dict[str, Pace]:
    """What earlier runs on this machine say, the newest first in `earlier`."""
    found: dict[str, Pace] = {}
    for benchmark in earlier:
        for result in benchmark.models:
            alone = [each for each in result.cells if each.cell.streams == 1]
            if alone and result.with_load is not None and result.model not in found:
                first = alone[0]
                found[result.model] = Pace(
                    first.prefill.median, first.decode.median, result.with_load.median, measured=True
                )
    return found


class Forecast:
    """How long steps take: by pace first, then by what the same step of the same model took."""

    def __init__(self, plan: Plan, paces: Mapping[str, Pace]) -> None:
        self._plan = plan
        self._paces = paces
        self._took: dict[tuple[str, str, Cell | None], float] = {}

    def learn(self, step: Step, seconds: float) -> None:
        self._took[_key(step)] = seconds

    def left(self, remaining: Iterable[Step]) -> float:
        """Seconds of these steps in all."""
        return sum(self._took.get(_key(step)) or self._guess(step) for step in remaining)

    def _guess(self, step: Step) -> float:
        pace, quality = self._paces[step.model], self._plan.quality
        if step.kind == "load":
            return pace.load
        if step.cell is not None:
            cell = step.cell
            return cell.streams * (cell.prompt / pace.prefill + cell.gen / pace.decode)
        if quality is None:
            return 0.0
        windows = max(1, 2 * quality.positions // quality.window)
        return windows * quality.window / 2 / pace.prefill + quality.positions / pace.decode


def _key(step: Step) -> tuple[str, str, Cell | None]:
    return step.model, "repeat" if step.kind == "warm-up" else step.kind, step.cell
