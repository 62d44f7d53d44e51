"""Two real workers on one processor, each with a thread for each core: they take turns, and nobody is shut out."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from dovetail.core.errors import WorkerCrashed
from dovetail.core.events import Event, Finished, Queued, TextDelta
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest
from dovetail.engines.gguf import GgufEngine
from dovetail.fleet.pool import Pool

from .pools import TINY, TINY_Q8, ask, gguf, pool_of, text

A, B = gguf(TINY), gguf(TINY_Q8)
OPTIONS = LoadOptions(context=4096, parallel=2, threads=2)  # on the two cores that the pool is told of
PARIS = ask("What is the capital of France?", max_tokens=24)
LONG = ask("Tell me about France.", max_tokens=400, endless=True)
ENDLESS = ask("Tell me about France.", endless=True)

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not TINY.exists(), reason="the demo model is not built")]


async def alone(pool: Pool, model: Model, request: GenerateRequest, other: Model) -> list[Event]:
    """An answer, while whose tokens come nothing runs in the worker of `other`."""
    events: list[Event] = []
    async with pool.lease(model) as lease, aclosing(lease.generate(request)) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                assert (pool.status(model.id).active > 0, pool.status(other.id).active) == (True, 0)
            events.append(event)
    return events


async def test_two_workers_take_turns_and_both_answer(run_dir: Path) -> None:
    async with pool_of(GgufEngine(), run_dir, options=OPTIONS, max_hold=60) as pool:
        await asyncio.gather(pool.load(A), pool.load(B))
        wanted = [(A, LONG, B), (B, LONG, A), (A, PARIS, B), (B, PARIS, A), (B, PARIS, A), (A, PARIS, B)]
        answers = await asyncio.gather(*(alone(pool, *one) for one in wanted))
    assert all(isinstance(events[-1], Finished) for events in answers)
    assert all("Paris" in text(events) for events in answers[2:])
    assert any(isinstance(event, Queued) for events in answers for event in events), "nobody had to wait"


async def test_a_turn_that_does_not_end_keeps_the_other_worker_waiting_for_max_hold_alone(run_dir: Path) -> None:
    async with pool_of(GgufEngine(), run_dir, options=OPTIONS, max_hold=0.1) as pool:
        await asyncio.gather(pool.load(A), pool.load(B))
        async with pool.lease(A) as lease, pool.lease(B) as other, aclosing(lease.generate(ENDLESS)) as endless:
            while not isinstance(await anext(endless), TextDelta):
                pass
            answer = [event async for event in other.generate(PARIS)]
            assert pool.status(A.id).active == 1, "it ran beside the endless one"
            assert isinstance(await anext(endless), TextDelta)
    assert isinstance(answer[0], Queued), "it waited first"
    assert "Paris" in text(answer)


async def test_a_worker_that_dies_in_its_turn_passes_it_on(run_dir: Path) -> None:
    async with pool_of(GgufEngine(), run_dir, options=OPTIONS, max_hold=60) as pool:
        await asyncio.gather(pool.load(A), pool.load(B))
        async with pool.lease(A) as lease, pool.lease(B) as other, aclosing(lease.generate(ENDLESS)) as endless:
            while not isinstance(await anext(endless), TextDelta):
                pass
            waiting = asyncio.create_task(_read(other.generate(PARIS)))
            while not pool.status(B.id).waiting:
                await asyncio.sleep(0.01)
            pid = pool.status(A.id).pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(WorkerCrashed):
                await _read(endless)
            assert "Paris" in text(await waiting)


async def _read(stream: AsyncGenerator[Event, None]) -> list[Event]:
    return [event async for event in stream]
