"""One benchmark under way: its steps in order, how far it is, and what is left of the models when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from dovetail.bench.course import Course, Parts, caller
from dovetail.bench.figures import ModelResult, Plan
from dovetail.bench.order import Forecast, Pace, Step, steps
from dovetail.bench.quiet import Quiet
from dovetail.core.errors import Busy, DovetailError
from dovetail.core.model import Model

TELL_EVERY = 0.25  # seconds between two words about one answer

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a benchmark is. `left` in seconds, a guess; `held_up` says why nothing is measured now.

    tokens, rate   of the answers under way: pieces so far, and a second; of a text that is scored, its places
    """

    done: int
    total: int
    left: float
    step: Step | None = None
    held_up: str | None = None
    tokens: int = 0
    rate: float | None = None


class Run:
    """Measures `plan`; `tell` hears of every step, and several times a second of what is being written."""

    def __init__(
        self, plan: Plan, models: Sequence[Model], parts: Parts, paces: Mapping[str, Pace], tell: Callable[[], None]
    ) -> None:
        self._plan = plan
        self._parts = parts
        self._tell = tell
        self._steps = steps(plan)
        self._forecast = Forecast(plan, paces)
        self._courses = {m.id: Course(m, plan, parts) for m in models}
        self._loaded = {m.id for m in models if parts.pool.status(m.id).state == "ready"}
        self._quiet = Quiet(parts.requests, parts.pool, caller(plan), self._hold_up)
        self._done = 0
        self._held_up: str | None = None
        self._tokens, self._first, self._told = 0, 0.0, float("-inf")

    @property
    def progress(self) -> Progress:
        at = self._steps[self._done] if self._done < len(self._steps) else None
        passed = self._parts.clock() - self._first
        rate = (self._tokens - 1) / passed if self._tokens > 1 and passed > 0 else None
        left = self._forecast.left(self._steps[self._done :])
        return Progress(self._done, len(self._steps), left, at, self._held_up, self._tokens, rate)

    def results(self) -> tuple[ModelResult, ...]:
        """What is known until now."""
        return tuple(self._courses[name].result() for name in self._plan.models)

    async def measure(self) -> None:
        """Every step; a model that fails is left out from there on. Raises Busy where others never leave off."""
        for number, step in enumerate(self._steps):
            self._done = number
            course = self._courses[step.model]
            if course.failed is None:
                self._tell()
                await self._take(step, course)
        self._done = len(self._steps)
        self._tell()

    async def tidy(self) -> None:
        """Unloads what was not loaded before, unless somebody uses it now, and loads what was and had to make room."""
        pool = self._parts.pool
        for name in self._courses.keys() - self._loaded:
            status = pool.status(name)
            if not status.active and not status.waiting:
                await pool.unload(name)
        for name in self._loaded:
            if pool.status(name).state == "unloaded":
                await pool.load(self._courses[name].model)

    async def _take(self, step: Step, course: Course) -> None:
        try:
            seconds, disturbed = await self._quiet.run(lambda: self._timed(step, course))
        except DovetailError as failure:
            if isinstance(failure, Busy) and failure.code in {Busy.code, "shutting_down"}:
                raise
            log.warning("benchmark_step_failed", model=step.model, kind=step.kind, reason=failure.message)
            course.failed = f"{step.kind}: {failure.message}"
            return
        course.disturbed += disturbed
        self._forecast.learn(step, seconds)

    async def _timed(self, step: Step, course: Course) -> float:
        self._tokens = 0
        began = self._parts.clock()
        match step.kind:
            case "load":
                await course.load()
            case "quality":
                if (wanted := self._plan.quality) is not None:
                    reference = self._courses[wanted.reference or self._plan.models[0]]
                    await course.score(wanted, reference, self._heard)
            case "warm-up" | "repeat":
                if step.cell is not None:
                    take = course.repeat if step.kind == "repeat" else course.warm_up
                    await take(step.cell, self._heard)
        return self._parts.clock() - began

    def _heard(self) -> None:
        """A piece of an answer has come."""
        now = self._parts.clock()
        if not self._tokens:
            self._first = now
        self._tokens += 1
        if now - self._told >= TELL_EVERY:
            self._told = now
            self._tell()

    def _hold_up(self, why: str | None) -> None:
        if why != self._held_up:
            self._held_up = why
            self._tell()
