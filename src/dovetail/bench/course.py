"""One model's way through a benchmark: loaded, asked, scored, and what has come of it so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from dovetail.bench.figures import Cell, ModelResult, Peak, Plan, Quality, QualityPlan, Sample, spread, together
from dovetail.bench.meter import Look, Meter
from dovetail.bench.prompts import Prompts
from dovetail.bench.quality import Position, Window, divergence, quality, scored_from, windows
from dovetail.bench.scoring import MOST_TOP, Scoring
from dovetail.bench.speed import repeat
from dovetail.core.caller import Caller, Scope
from dovetail.core.errors import EngineFailure, InvalidRequest
from dovetail.core.model import Model
from dovetail.fleet.lease import Lease
from dovetail.fleet.pool import Pool
from dovetail.serving.requests import Requests

LEAST_TEXT = 16  # tokens of a text that says anything about a model


def caller(plan: Plan) -> Caller:
    """Who asks for a benchmark: behind everybody in line, should anybody be in one.

    What is said to it is read by all who may use the plan's models, so it is told the names of no others.
    """
    return Caller("bench", priority=-1000, scope=Scope(models=plan.models))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a benchmark works with.

    look      reads a worker's memory
    context   tokens that a request to a model may have in all, as far as that is known before it is loaded, else 0
    text      what prompts are drawn from
    """

    pool: Pool
    requests: Requests
    look: Look
    context: Callable[[Model], int]
    text: str
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class Scored:
    """What scoring has brought so far: windows that are done are not done again. `size`: bytes of what was `asked`."""

    tokens: tuple[int, ...] = ()
    done: int = 0
    asked: int = 0
    size: int = 0
    window: int = 0
    positions: list[Position] = field(default_factory=list[Position])
    seconds: float = 0.0


class Course:
    """Each method is one step: whole, or as if it had not been."""

    def __init__(self, model: Model, plan: Plan, parts: Parts) -> None:
        self.model = model
        self.failed: str | None = None
        self.disturbed = 0
        self.scored = Scored()
        self._plan = plan
        self._caller = caller(plan)
        self._pool = parts.pool
        self._look = parts.look
        self._text = parts.text
        self._clock = parts.clock
        self._samples: dict[Cell, list[Sample]] = {}
        self._loads: list[float] = []
        self._with_loads: list[float] = []
        self._peak = Peak()
        self._prompts: Prompts | None = None
        self._quality: Quality | None = None
        self._context = self._slots = self._reserved = 0

    async def load(self) -> None:
        """From nothing: a model that is loaded is unloaded first."""
        if self._pool.status(self.model.id).state == "ready":
            await self._pool.unload(self.model.id)
        async with self._pool.lease(self.model, caller=self._caller) as lease:
            await self._ready(lease)

    async def warm_up(self, cell: Cell, tell: Callable[[], None]) -> None:
        """Once, for nothing."""
        async with self._pool.lease(self.model, caller=self._caller) as lease:
            await self._sample(await self._ready(lease), cell, tell)

    async def repeat(self, cell: Cell, tell: Callable[[], None]) -> None:
        async with self._pool.lease(self.model, caller=self._caller) as lease:
            sample = await self._sample(await self._ready(lease), cell, tell)
        self._samples.setdefault(cell, []).append(sample)
        self._peak = self._peak.with_more(sample.peak)

    async def score(self, wanted: QualityPlan, reference: Course, tell: Callable[[], None]) -> None:
        """What this model thinks of the text, and how far that is from what `reference` thought of it before.

        Raises InvalidRequest for a text that is too short, and for a model that does not say what it thinks.
        """
        if self.model.speculates:
            raise InvalidRequest(
                f"{self.model.id} has guesses made for it (draft, ngram), of which llama.cpp says nothing"
            )
        async with self._pool.lease(self.model, caller=self._caller) as lease:
            await self._ready(lease)
            scored = self.scored
            if not scored.tokens:
                scored.tokens = await lease.tokenize(wanted.text or self._text, special=False)
            if len(scored.tokens) < LEAST_TEXT:
                raise InvalidRequest(f"the text has {len(scored.tokens)} tokens; at least {LEAST_TEXT} are needed")
            scored.window = min(wanted.window, len(scored.tokens), self._context - 1)
            scoring = Scoring(lease, self.model.id, scored.tokens, min(wanted.top, MOST_TOP), tell)
            async with Meter(lambda: lease.worker.pid, self._look) as meter:
                await self._windows(scoring, windows(len(scored.tokens), wanted.positions, scored.window))
            self._peak = self._peak.with_more(meter.peak)
            scored.size = await self._size(lease)
        self._quality = self._judged(reference)

    async def _windows(self, scoring: Scoring, every: Sequence[Window]) -> None:
        scored, at_once = self.scored, max(1, self._slots)
        while batch := every[scored.done : scored.done + at_once]:
            began = self._clock()
            scored.positions += await scoring.score(batch, at_once)
            scored.done += len(batch)
            scored.asked += sum(window.end - window.scored for window in batch)
            scored.seconds += self._clock() - began

    async def _size(self, lease: Lease) -> int:
        """How long the scored part of the text is: no engine says it of half a character."""
        first = scored_from(len(self.scored.tokens), self.scored.window)
        tokens = self.scored.tokens[first : first + self.scored.asked]
        found = (await lease.worker.client.post("/detokenize", {"tokens": [*tokens]})).get("content")
        return len(found.encode("utf-8", "replace")) if isinstance(found, str) else 0

    def _judged(self, reference: Course) -> Quality:
        scored = self.scored
        if not scored.positions:
            raise EngineFailure("the worker said of no token of the text what it thinks of it")
        unscored = scored.asked - len(scored.positions)
        own = quality(scored.positions, unscored, scored.window, scored.size, scored.seconds)
        if reference is self:
            return own
        name = reference.model.name
        far = divergence(name, reference.scored.positions, scored.positions)
        if far is not None:
            return replace(own, divergence=far)
        other = f"its vocabulary is not that of {name}: their probabilities are of different tokens"
        return replace(own, no_divergence=other if reference.scored.positions else f"{name} was not scored")

    def result(self) -> ModelResult:
        """What is known until now."""
        model = self.model
        return ModelResult(
            model=model.name,
            format=model.format,
            quantisation=model.quantisation,
            size=model.size,
            parameters=model.shape.parameters,
            reserved=self._reserved,
            context=self._context,
            slots=self._slots,
            load=spread(self._loads) if self._loads else None,
            with_load=spread(self._with_loads) if self._with_loads else None,
            peak=self._peak,
            cells=tuple(together(cell, samples) for cell, samples in self._samples.items()),
            quality=self._quality,
            failed=self.failed,
            disturbed=self.disturbed,
        )

    async def _ready(self, lease: Lease) -> Lease:
        """Loaded; a load is timed, and so is the first answer behind it."""
        loaded = lease.worker.state == "ready"
        began = self._clock()
        async with aclosing(lease.ready()) as waiting:
            async for _ in waiting:
                pass
        load = self._clock() - began
        props, status = lease.worker.props, self._pool.status(self.model.id)
        self._context = props.context if props is not None else 0
        self._slots = props.slots if props is not None else 0
        self._reserved = max(self._reserved, status.reserved)
        if self._prompts is None:
            ids = await lease.tokenize(self._text, special=False)
            self._prompts = Prompts(ids, seed=0)
        if not loaded:
            smallest = min(self._plan.cells, key=lambda cell: (cell.prompt, cell.gen))
            first = await self._sample(lease, Cell(smallest.prompt, smallest.gen), lambda: None)
            self._loads.append(load)
            self._with_loads.append(load + first.seconds)
            self._peak = self._peak.with_more(first.peak)
        return lease

    async def _sample(self, lease: Lease, cell: Cell, tell: Callable[[], None]) -> Sample:
        if self._context and cell.prompt + cell.gen > self._context:
            raise InvalidRequest(
                f"{cell.label} takes {cell.prompt + cell.gen} tokens and the context of {self.model.id} is "
                f"{self._context}: measure shorter prompts, or load it with a larger context"
            )
        prompts = self._drawn(cell)
        async with Meter(lambda: lease.worker.pid, self._look) as meter:
            sample = await repeat(lease, self.model.id, cell, prompts, tell=tell, clock=self._clock)
        return replace(sample, peak=meter.peak)

    def _drawn(self, cell: Cell) -> Sequence[tuple[int, ...]]:
        prompts = self._prompts or Prompts((0, 1), seed=0)
        return [prompts.draw(cell.prompt) for _ in range(cell.streams)]
