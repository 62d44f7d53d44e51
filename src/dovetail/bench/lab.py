"""Owns the one benchmark that may run, and those that were kept."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256

import structlog
from pydantic import TypeAdapter

from dovetail.bench.course import Parts, caller
from dovetail.bench.figures import Benchmark, Plan, Setup, State
from dovetail.bench.order import Forecast, Pace, guess, learnt, steps
from dovetail.bench.quiet import busy_with
from dovetail.bench.run import Progress, Run
from dovetail.core.errors import Busy, Conflict, DovetailError, InvalidRequest
from dovetail.core.model import Model
from dovetail.storage import benchmarks
from dovetail.storage.database import Database

_ENDS_WITHIN = 30.0  # seconds for models to leave when the server shuts down
_LEARN_FROM = 20  # newest benchmarks, for estimates
_LISTED = 100

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Active:
    """`ended` once its requests are gone from the models, `task` once what it loaded is unloaded as well."""

    benchmark: Benchmark
    run: Run
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds that a plan is likely to take; `measured` where all its models were measured here before."""

    seconds: float
    steps: int
    measured: bool


@cache
def _form() -> TypeAdapter[Benchmark]:  # built at first use: at start nobody waits for it
    return TypeAdapter(Benchmark)


def written(benchmark: Benchmark) -> str:
    """As JSON, which `read` reads back equal."""
    return _form().dump_json(benchmark).decode()


def read(text: str) -> Benchmark:
    return _form().validate_json(text)


class Lab:
    """Benchmarks live as long as `run` does. `tell` is given a benchmark, and how far it is while it is under way."""

    def __init__(
        self,
        parts: Parts,
        find: Callable[[str], Model],
        setup: Callable[[], Setup],
        database: Database | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`find` and `setup` block. Without a database nothing is kept."""
        self._parts = parts
        self._find = find
        self._setup = setup
        self._database = database
        self._wall = wall
        self._active: _Active | None = None
        self._closing = False
        self.tell: Callable[[Benchmark, Progress | None], None] = lambda _benchmark, _progress: None

    async def start(self, plan: Plan, *, refuse: bool = False) -> Benchmark:
        """Begins; it waits while others' requests run, unless `refuse`.

        Raises Conflict while another one runs, or for `refuse` while the server is busy; ModelNotFound and
        InvalidRequest for what cannot be measured.
        """
        plan, models = await self._named(plan)
        paces = await self._paces(models)
        setup = await asyncio.to_thread(self._setup)
        while (running := self._active) is not None:
            if not running.ended.is_set() or running.task is None:
                raise Conflict(
                    f"benchmark {running.benchmark.id} runs; wait for its end, or cancel it", code="benchmark_running"
                )
            await asyncio.wait({running.task})
        others = list(self._parts.requests)
        if refuse and others:
            raise Conflict(f"nothing can be measured now: {busy_with(others, caller(plan))}", code="server_busy")
        benchmark = Benchmark(f"bench-{secrets.token_hex(6)}", _without_text(plan), setup, self._wall())
        run = Run(plan, models, self._parts, paces, self._told)
        self._active = active = _Active(benchmark, run)
        active.task = asyncio.create_task(self._work(active), name=f"benchmark {benchmark.id}")
        return benchmark

    async def estimate(self, plan: Plan) -> Estimate:
        """How long `plan` would take. Raises as `start` does for what cannot be measured."""
        plan, models = await self._named(plan)
        paces = await self._paces(models)
        whole = steps(plan)
        measured = all(pace.measured for pace in paces.values())
        return Estimate(Forecast(plan, paces).left(whole), len(whole), measured)

    def under_way(self) -> tuple[Benchmark, Progress] | None:
        """The one that runs, with the figures it has."""
        active = self._active
        return None if active is None or active.ended.is_set() else (_now(active), active.run.progress)

    async def list(self) -> list[Benchmark]:
        """The newest first; one that runs is the first."""
        rows = [] if self._database is None else await self._database.run(lambda c: benchmarks.newest(c, _LISTED))
        kept = await asyncio.to_thread(lambda: [read(row.body) for row in rows])
        running = self.under_way()
        return [*([running[0]] if running else []), *kept]

    async def get(self, wanted: str) -> Benchmark:
        """Raises InvalidRequest (404) for an id that is not there."""
        running = self.under_way()
        if running is not None and running[0].id == wanted:
            return running[0]
        row = None if self._database is None else await self._database.run(lambda c: benchmarks.one(c, wanted))
        if row is None:
            raise _unknown(wanted)
        return read(row.body)

    async def cancel(self, wanted: str) -> None:
        """Ends it, and returns when its requests are gone from the models. Raises InvalidRequest (404), or Busy."""
        active = self._active
        if active is None or active.benchmark.id != wanted or active.task is None or active.ended.is_set():
            raise _unknown(wanted, "under way")
        active.task.cancel()
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await active.ended.wait()
        except TimeoutError:
            raise Busy(
                f"benchmark {wanted} ends as soon as its worker lets go of it; {_ENDS_WITHIN:g} s were not enough"
            ) from None

    async def delete(self, wanted: str) -> None:
        """Raises InvalidRequest (404), or Conflict for one that runs."""
        if (running := self.under_way()) is not None and running[0].id == wanted:
            raise Conflict(f"benchmark {wanted} runs; cancel it first", code="benchmark_running")
        if self._database is None or not await self._database.run(lambda c: benchmarks.remove(c, wanted)):
            raise _unknown(wanted)

    async def run(self) -> None:
        """Until cancelled; what runs then is ended and kept with the figures that it has."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._closing = True
            if (active := self._active) is not None and active.task is not None:
                active.task.cancel()
                await asyncio.wait({active.task}, timeout=_ENDS_WITHIN)

    async def _work(self, active: _Active) -> None:
        state, error = await _outcome(active.run)
        ended = replace(active.benchmark, state=state, error=error, ended=self._wall(), models=active.run.results())
        try:
            await self._keep(ended)
        finally:
            active.ended.set()
            self.tell(ended, None)
        try:
            if not self._closing:  # then every model goes
                await active.run.tidy()
        except DovetailError as failure:
            log.warning("benchmark_left_models", benchmark=ended.id, reason=failure.message)
        finally:
            self._active = None

    async def _keep(self, ended: Benchmark) -> None:
        if self._database is None:
            return
        row = benchmarks.Row(ended.id, ended.began, written(ended))
        try:
            await self._database.run(lambda c: benchmarks.add(c, row))
        except DovetailError as failure:
            log.warning("benchmark_not_kept", benchmark=ended.id, reason=failure.message)

    async def _named(self, plan: Plan) -> tuple[Plan, list[Model]]:
        """The plan by the models' ids. Raises InvalidRequest for what generates nothing here, or is named twice."""
        found = [await asyncio.to_thread(self._find, name) for name in plan.models]
        quality = plan.quality
        if quality is not None and quality.reference is not None:
            quality = replace(quality, reference=(await asyncio.to_thread(self._find, quality.reference)).id)
            if quality.reference not in {model.id for model in found}:
                raise InvalidRequest("the reference must be one of the models", param="quality")
        plan = replace(plan, models=tuple(model.id for model in found), quality=quality)
        if len(set(plan.models)) < len(found):
            raise InvalidRequest("a model is named twice", param="models")
        longest = max(cell.prompt + cell.gen for cell in plan.cells)
        for model in found:
            if (context := self._parts.context(model)) and longest > context:
                raise InvalidRequest(
                    f"{longest} tokens of prompt and answer are asked for and the context of {model.id} is {context}: "
                    f"measure shorter ones, or load it with a larger context"
                )
            if model.remote is not None:
                raise InvalidRequest(f"{model.id} is served by another server, whose speed is not this machine's")
            if model.pooling is not None:
                raise InvalidRequest(f"{model.id} generates no text: there is nothing to measure", param="models")
        return plan, found

    async def _paces(self, models: list[Model]) -> dict[str, Pace]:
        database = self._database
        rows = [] if database is None else await database.run(lambda c: benchmarks.newest(c, _LEARN_FROM))
        known = learnt(read(row.body) for row in rows)
        return {model.id: known.get(model.id) or guess(model) for model in models}

    def _told(self) -> None:
        active = self._active
        if active is not None and not active.ended.is_set():
            self.tell(_standing(active), active.run.progress)


async def _outcome(run: Run) -> tuple[State, str | None]:
    """Measures, and says how it ended."""
    try:
        await run.measure()
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()  # what is left to do takes its time
        return "cancelled", None
    except DovetailError as failure:
        return "failed", failure.message
    except Exception as failure:  # the job's boundary
        log.exception("benchmark_failed")
        return "failed", f"{type(failure).__name__}: the log has the details"
    return "done", None


def _without_text(plan: Plan) -> Plan:
    """A text of somebody's own is not kept, only what tells it from another."""
    quality = plan.quality
    if quality is None or not quality.text:
        return plan
    digest = sha256(quality.text.encode("utf-8", "replace")).hexdigest()[:16]
    return replace(plan, quality=replace(quality, text=f"{len(quality.text)} characters, SHA-256 {digest}..."))


def _standing(active: _Active) -> Benchmark:
    held_up = active.run.progress.held_up
    return replace(active.benchmark, state="waiting" if held_up else "running", error=held_up)


def _now(active: _Active) -> Benchmark:
    return replace(_standing(active), models=active.run.results())


def _unknown(wanted: str, where: str = "kept") -> InvalidRequest:
    return InvalidRequest(
        f"no benchmark {wanted[:64]!r} is {where}; GET /api/v1/benchmarks lists them",
        code="benchmark_not_found",
        status=404,
    )
