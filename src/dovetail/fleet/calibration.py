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
from dovetail.fleet.measured import Measured
from dovetail.fleet.widths import MEASURED, Widths

if TYPE_CHECKING:
    from dovetail.fleet.lease import Seat

WITHIN = 20.0  # seconds of measuring in all, however often it is interrupted
PAUSE = 0.5  # seconds of rest before it begins: a client that goes on at once is spared
SMALL = 32 << 20  # bytes of weights below which all slots are used unmeasured, as for the models of the package
PASSES = 2  # of each width the better one counts: what else runs on the machine only takes away
UNSTEADY = 1.4  # between two tries of one width: such figures hold until the model is loaded again
_ROUND = 1.5  # seconds that a width is measured for, if one stream's pace holds
_TOKENS = (12, 64)  # of an answer, at least and at most
_FACT = "widths"
_SPACE = "calibration"

log = structlog.stdlib.get_logger(__name__)


class Calibration:
    """Of one seat, which says when it is idle (`begin`) and when it is wanted (`interrupt`). Without `measured`: never.

    Interrupted, it goes on when the seat is next idle. What is known is in the seat's queue at once.
    """

    def __init__(self, seat: Seat, measured: Measured | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seat = seat
        self._measured = measured
        self._clock = clock
        self._key: str | None = None
        self._rates: dict[int, float] = {}
        self._plan: list[int] = []
        self._steady = True
        self._spent = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def widths(self) -> Widths:
        return Widths.of(self._rates)

    async def recall(self) -> None:
        """Takes what was measured before; called when the worker is ready. Waits for a thread that looks at files."""
        seat, options = self._seat, self._seat.options
        measured = self._measured
        if measured is None or options.pooling is not None or seat.model.size < SMALL:
            return
        facts = (seat.engine.cache_key(options), options.threads, options.parallel, options.gpu_layers, options.batch)
        key = await asyncio.to_thread(measured.key, seat.model, seat.engine.name, *facts)
        if key == self._key and (self._steady or self._plan):
            return
        self._key, self._spent, self._steady = key, 0.0, True
        self._rates = _rates(measured.get(key, _FACT))
        wanted = [width for width in MEASURED if width <= seat.queue.slots]
        self._plan = [] if self._rates else wanted * PASSES
        self._apply()

    def begin(self) -> bool:
        """Goes on measuring, if anything is left to measure and the model has answered somebody; whether it does."""
        seat = self._seat
        answered = seat.queue.pace.seconds_a_turn is not None
        if self._plan and not self.running and answered and seat.queue.slots > 1:
            # A context of its own: its lines are not those of the request that has just ended.
            self._task = asyncio.create_task(
                self._run(), name=f"calibration of {seat.id}", context=contextvars.Context()
            )
        return self.running

    def interrupt(self) -> None:
        """Does not block; its requests are gone from the worker's socket once `ended` returns."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        await asyncio.sleep(PAUSE)
        log.info("calibration_begins", model=self._seat.id, widths=sorted(set(self._plan)))
        began = self._clock()
        try:
            async with asyncio.timeout(WITHIN - self._spent):
                while self._plan:
                    width = self._plan[0]
                    self._note(width, await self._measure(width))
                    self._plan.pop(0)
                    self._apply()
        except TimeoutError:
            self._plan = []
        except DovetailError as failure:  # the worker has gone, or cannot do it: the next load tries again
            log.warning("calibration_failed", model=self._seat.id, reason=failure.message)
            self._key, self._plan = None, []
            return
        finally:
            self._spent += self._clock() - began
        await self._keep()

    def _note(self, width: int, rate: float) -> None:
        other = self._rates.get(width, rate)
        self._steady = self._steady and max(rate, other) <= UNSTEADY * min(rate, other)
        self._rates[width] = max(rate, other)

    async def _keep(self) -> None:
        """Writes it down, unless two tries differed so much that the machine must have been busy with other things."""
        rates: JsonObject = {str(width): round(rate, 2) for width, rate in self.widths.rates}
        log.info(
            "calibrated", model=self._seat.id, tokens_per_second=rates, seconds=round(self._spent, 1), kept=self._steady
        )
        if self._steady and self._measured is not None and self._key is not None and rates:
            await self._measured.put(self._key, _FACT, rates)

    def _apply(self) -> None:
        self._seat.queue.widen(self.widths.choose if self._rates else None)

    async def _measure(self, width: int) -> float:
        """Tokens a second in all at `width` streams, by the worker's own clock."""
        try:
            async with asyncio.TaskGroup() as group:
                streams = [group.create_task(self._stream(number, self._tokens(width))) for number in range(width)]
        except ExceptionGroup as failures:
            raise EngineFailure(str(failures.exceptions[0])) from failures
        done = [stream.result() for stream in streams]
        return sum(end.usage.completion for end in done) * 1e3 / max(end.timings.predicted_ms for end in done)

    def _tokens(self, width: int) -> int:
        """How long an answer is to be; no width is expected to be worse than half of one stream."""
        least, most = _TOKENS
        alone = self._rates.get(1)
        return least if alone is None else min(most, max(least, round(_ROUND * alone / 2 / max(1, width // 2))))

    async def _stream(self, number: int, tokens: int) -> Finished:
        seat = self._seat
        request = GenerateRequest(
            id=f"calibration-{number}",
            model=seat.id,
            prompt=TextPrompt((f"{number} and",)),
            sampling=Sampling(temperature=0.0, ignore_eos=True),
            max_tokens=tokens,
            adapter=seat.model.adapter,
            space=_SPACE,
        )
        hold = seat.slots.hold()
        last: Event | None = None
        try:
            client = seat.worker.client
            call = await hold.take(client, seat.queue.slots, seat.engine.encode(request), _SPACE)
            with await client.open(seat.engine, request, 0, call) as stream:
                while batch := await stream.read():
                    hold.note(batch)
                    last = batch[-1]
        finally:
            hold.leave()
        if not isinstance(last, Finished) or last.timings.predicted_ms <= 0:
            raise EngineFailure("the worker did not say how long it took")
        return last


def _rates(known: JsonObject | None) -> dict[int, float]:
    """What `_keep` wrote; anything else counts for nothing."""
    return {
        int(width): rate
        for width, rate in (known or {}).items()
        if width.isdecimal() and isinstance(rate, int | float) and rate > 0
    }
