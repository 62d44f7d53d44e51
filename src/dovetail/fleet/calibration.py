"""What a worker writes at each width, measured on the worker itself while nobody needs it, and kept for the next load.

On a CPU two to six streams in one batch can write less in all than one after the other, and eight more than either; it
depends on the file's quantisation and on the machine, so that it is measured and not guessed.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from dovetail.core.errors import DovetailError, EngineFailure
from dovetail.core.events import Event, Finished
from dovetail.core.request import GenerateRequest, JsonObject, Sampling, TextPrompt
from dovetail.engines.base import WorkerCall
from dovetail.fleet.measured import Measured
from dovetail.fleet.slots import Hold
from dovetail.fleet.threads import LOAD_WITHIN, pays
from dovetail.fleet.widths import MEASURED, Widths

if TYPE_CHECKING:
    from dovetail.fleet.seat import Seat

WITHIN = 20.0  # seconds of measuring in all, however often it is interrupted
PAUSE = 0.5  # seconds of rest before it begins: a client that goes on at once is spared
SMALL = 32 << 20  # bytes of weights below which all slots are used unmeasured, as for the models of the package
PASSES = 2  # of each width the better one counts: what else runs on the machine only takes away
UNSTEADY = 1.4  # between two tries of one width: such figures hold until the model is loaded again
_ROUND = 1.5  # seconds that a width is measured for, if one stream's pace holds
_TOKENS = (12, 64)  # of an answer, at least and at most
_FACT, _THREADS = "widths", "threads"
_SPACE = "calibration"

log = structlog.stdlib.get_logger(__name__)


class Calibration:
    """Of one seat, which says when it is idle (`begin`) and when it is wanted (`interrupt`). Without `measured`: never.

    Interrupted, it goes on when the seat is next idle. What is known is in the seat's queue at once. Where a load is
    quick, another number of threads is tried as well, which takes a start or two.
    """

    def __init__(self, seat: Seat, measured: Measured | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seat = seat
        self._measured = measured
        self._clock = clock
        self._key: str | None = None
        self._rates: dict[int | None, dict[int, float]] = {}  # by threads
        self._plan: list[tuple[int | None, int]] = []  # threads and width, in order
        self._settled = True  # nothing is left to learn of threads
        self._steady = True
        self._spent = 0.0
        self._task: asyncio.Task[None] | None = None
        self._interrupted = False

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done() and not self._interrupted

    @property
    def widths(self) -> Widths:
        return self._known(self._seat.threads.chosen)

    async def recall(self) -> None:
        """Takes what was measured before; called before the worker starts. Waits for a thread that looks at files."""
        seat, options, measured = self._seat, self._seat.options, self._measured
        if measured is None or options.pooling is not None or seat.model.size < SMALL:
            return
        facts = (seat.engine.cache_key(options), options.threads, options.parallel, options.gpu_layers, options.batch)
        key = await asyncio.to_thread(measured.key, seat.model, seat.engine.name, *facts, options.ngram)
        if key == self._key and (self._steady or self._plan):
            return
        self._key, self._spent, self._steady = key, 0.0, True
        self._adopt(measured.get(key, _FACT))

    def _adopt(self, found: JsonObject | None) -> None:
        """Goes by what was written down, and plans what was not."""
        known, threads = found or {}, self._seat.threads
        tried = known.get(_THREADS)
        threads.choose(threads.other if tried is not None and tried == threads.other else threads.usual)
        self._settled = threads.other is None or tried is not None
        self._rates = {threads.chosen: rates} if (rates := _rates(known)) else {}
        self._plan = [] if rates else self._all(threads.chosen) * PASSES
        self._apply()

    def begin(self) -> bool:
        """Goes on measuring, if anything is left to measure and the model has answered somebody; whether it does."""
        seat, threads = self._seat, self._seat.threads
        answered = seat.queue.pace.seconds_a_turn is not None
        wanted = self._plan and (seat.queue.slots > 1 or not self._settled)
        wanted = wanted or self._may_try or threads.running != threads.chosen
        if wanted and answered and not self.running:
            self._interrupted = False
            # A context of its own: its lines are not those of the request that has just ended.
            self._task = asyncio.create_task(
                self._run(self._task), name=f"calibration of {seat.id}", context=contextvars.Context()
            )
        return self.running

    def interrupt(self) -> None:
        """Does not block; its requests are gone from the worker's socket once `ended` returns.

        A worker that is on its way to other threads comes back by itself, for whoever wants it.
        """
        if self._task is not None:
            self._task.cancel()
            self._interrupted = True

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})  # it was interrupted a moment ago
        await asyncio.sleep(PAUSE)
        if not self._rates and self._measured is not None and self._key is not None:
            self._adopt(self._measured.get(self._key, _FACT))  # another worker of this model may have measured it
            if not self._plan and self._settled:
                await self._agree()
                return
        log.info("calibration_begins", model=self._seat.id, widths=sorted({width for _, width in self._plan}))
        threads = self._seat.threads
        try:
            await self._work()
            if self._may_try:
                best = max(self.widths.rates, key=lambda known: known[1])[0]
                self._plan = [(threads.other, width) for width in sorted({1, best})] * PASSES
                await self._work()
            if not self._settled and threads.other in self._rates:
                self._settle()
                await self._work()
        except DovetailError as failure:  # the worker has gone, or cannot do it: the next load tries again
            log.warning("calibration_failed", model=self._seat.id, reason=failure.message)
            self._key, self._plan = None, []
            return
        finally:
            threads.wanted = threads.chosen
        await self._keep()
        await self._agree()

    async def _agree(self) -> None:
        """The worker goes on with the threads that were chosen."""
        if self._seat.threads.running != self._seat.threads.chosen:
            await self._seat.worker.restart()

    async def _work(self) -> None:
        """Measures what is planned, as far as the time goes."""
        began, seat = self._clock(), self._seat
        try:
            async with asyncio.timeout(self._left):
                while self._plan:
                    threads, width = self._plan[0]
                    await self._start(threads)
                    self._note(threads, width, await self._measure(width))
                    self._plan.pop(0)
                    self._apply()
        except TimeoutError:
            self._plan = []
            log.info("calibration_out_of_time", model=seat.id, seconds=WITHIN)
        finally:
            self._spent += self._clock() - began

    @property
    def _left(self) -> float:
        """Seconds, without those of the way back from a try."""
        trying = any(threads != self._seat.threads.chosen for threads, _ in self._plan)
        return WITHIN - self._spent - ((self._seat.worker.load_seconds or 0.0) if trying else 0.0)

    @property
    def _may_try(self) -> bool:
        """Whether other threads may be tried now: all else is known, the worker starts fast, and there is time."""
        load, other = self._seat.worker.load_seconds, self._seat.threads.other
        if self._settled or self._plan or other in self._rates or not self.widths.rates:
            return False
        return load is not None and load < LOAD_WITHIN and self._spent + 2 * load < WITHIN

    async def _start(self, threads: int | None) -> None:
        """Sees to it that the worker has so many."""
        if self._seat.threads.running != threads:
            self._seat.threads.wanted = threads
            if not await self._seat.worker.restart():
                raise EngineFailure(f"the worker did not start with {threads} threads")

    def _settle(self) -> None:
        """Chooses by what was measured; the widths that were not tried yet are what is left to do."""
        threads, self._settled = self._seat.threads, True
        if pays(self._known(threads.other), self._known(threads.usual)):
            threads.choose(threads.other)
            tried = self._rates[threads.other]
            self._plan = [step for step in self._all(threads.other) if step[1] not in tried]
        self._apply()

    def _all(self, threads: int | None) -> list[tuple[int | None, int]]:
        return [(threads, width) for width in MEASURED if width <= self._seat.queue.slots]

    def _known(self, threads: int | None) -> Widths:
        return Widths.of(self._rates.get(threads, {}))

    def _note(self, threads: int | None, width: int, rate: float) -> None:
        rates = self._rates.setdefault(threads, {})
        other = rates.get(width, rate)
        self._steady = self._steady and max(rate, other) <= UNSTEADY * min(rate, other)
        rates[width] = max(rate, other)

    async def _keep(self) -> None:
        """Writes it down, unless two tries differed so much that the machine must have been busy with other things."""
        threads = self._seat.threads
        rates: JsonObject = {str(width): round(rate, 2) for width, rate in self.widths.rates}
        log.info(
            "calibrated",
            model=self._seat.id,
            tokens_per_second=rates,
            threads=threads.chosen,
            seconds=round(self._spent, 1),
            kept=self._steady,
        )
        tried: JsonObject = {_THREADS: threads.chosen} if self._settled and threads.other is not None else {}
        if self._steady and self._measured is not None and self._key is not None and rates:
            await self._measured.put(self._key, _FACT, {**rates, **tried})

    def _apply(self) -> None:
        self._seat.queue.widen(self.widths.choose if self.widths.rates else None)

    async def _measure(self, width: int) -> float:
        """Tokens a second in all at `width` streams, by the worker's own clock."""
        holds = [self._seat.slots.hold() for _ in range(width)]
        requests = [self._request(number, self._tokens(width)) for number in range(width)]
        try:
            # Slots first: a conversation that is saved on the way would have the streams run one after the other.
            calls = [await self._slot(*pair) for pair in zip(holds, requests, strict=True)]
            async with asyncio.TaskGroup() as group:
                each = zip(requests, calls, holds, strict=True)
                streams = [group.create_task(self._stream(*one)) for one in each]
        except ExceptionGroup as failures:
            raise EngineFailure(str(failures.exceptions[0])) from failures
        finally:
            for hold in holds:
                hold.leave()
        done = [stream.result() for stream in streams]
        return sum(end.usage.completion for end in done) * 1e3 / max(end.timings.predicted_ms for end in done)

    def _tokens(self, width: int) -> int:
        """How long an answer is to be; no width is expected to be worse than half of one stream."""
        least, most = _TOKENS
        alone = self._rates.get(self._seat.threads.running, {}).get(1)
        return least if alone is None else min(most, max(least, round(_ROUND * alone / 2 / max(1, width // 2))))

    def _request(self, number: int, tokens: int) -> GenerateRequest:
        seat = self._seat
        return GenerateRequest(
            id=f"calibration-{number}",
            model=seat.id,
            prompt=TextPrompt((f"{number} and",)),
            sampling=Sampling(temperature=0.0, ignore_eos=True),
            max_tokens=tokens,
            adapter=seat.model.adapter,
            space=_SPACE,
        )

    async def _slot(self, hold: Hold, request: GenerateRequest) -> WorkerCall:
        seat = self._seat
        return await hold.take(seat.worker.client, seat.queue.slots, seat.engine.encode(request), _SPACE)

    async def _stream(self, request: GenerateRequest, call: WorkerCall, hold: Hold) -> Finished:
        seat = self._seat
        last: Event | None = None
        with await seat.worker.client.open(seat.engine, request, 0, call) as stream:
            while batch := await stream.read():
                hold.note(batch)
                last = batch[-1]
        if not isinstance(last, Finished) or last.timings.predicted_ms <= 0:
            raise EngineFailure("the worker did not say how long it took")
        return last


def _rates(known: JsonObject) -> dict[int, float]:
    """What `_keep` wrote; anything else counts for nothing."""
    return {
        int(width): rate
        for width, rate in known.items()
        if width.isdecimal() and isinstance(rate, int | float) and rate > 0
    }
