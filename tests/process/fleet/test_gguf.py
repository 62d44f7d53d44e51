"""The GGUF worker with the model that travels in the package."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from dovetail.core.errors import LoadFailed, WorkerCrashed
from dovetail.core.events import Event, Finished, Prefill, Queued, ReasoningDelta, TextDelta
from dovetail.core.request import JsonObject
from dovetail.fleet.exchange import Exchange
from dovetail.fleet.lease import Lease

from .pools import TINY, TINY_Q8, Recorder, answer, ask, gguf, real, text

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not TINY.exists(), reason="the demo model is not built")]

MODEL, MODEL_Q8 = gguf(TINY), gguf(TINY_Q8)
PARIS = ask("What is the capital of France?", max_tokens=32)
LONG = ask("Tell me a long story.", endless=True)


async def begun(stream: AsyncGenerator[Event, None]) -> None:
    """Reads up to the first token."""
    while not isinstance(await anext(stream), TextDelta | ReasoningDelta):
        pass


async def busy_slots(lease: Lease) -> int:
    exchange = await Exchange.begin(lease.worker.client.endpoint, "GET", "/slots")  # a list, which `get` does not take
    body = b""
    try:
        while piece := await exchange.read():
            body += piece
    finally:
        exchange.close()
    slots = cast("list[JsonObject]", json.loads(body))
    return sum(slot["is_processing"] is True for slot in slots)


@pytest.mark.accept("E1", "E18")
async def test_it_answers_and_says_what_it_is(run_dir: Path) -> None:
    async with real(run_dir) as pool:
        events = await answer(pool, MODEL, PARIS)
        status = pool.status(MODEL.id)
    assert "Paris" in text(events)
    assert any(isinstance(event, Prefill) for event in events)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.usage.completion > 0
    assert (status.context, status.slots) == (4096, 4)


@pytest.mark.accept("E14", "E23")
async def test_requests_join_a_running_batch_and_the_fifth_waits(run_dir: Path) -> None:
    async with real(run_dir) as pool, pool.lease(MODEL) as lease:
        async for _ in lease.ready():
            pass
        streams = [lease.generate(LONG) for _ in range(4)]
        for stream in streams:  # each shows a token before any has ended
            await begun(stream)
        assert await busy_slots(lease) == 4
        fifth = lease.generate(PARIS)
        assert await anext(fifth) == Queued(1)
        await streams[0].aclose()
        assert "Paris" in text([event async for event in fifth])
        for stream in streams[1:]:
            await stream.aclose()


@pytest.mark.accept("E4", "E5", "E6")
async def test_two_models_answer_at_the_same_time(run_dir: Path) -> None:
    async with real(run_dir) as pool:
        both = await asyncio.gather(answer(pool, MODEL, PARIS), answer(pool, MODEL_Q8, PARIS))
        assert all("Paris" in text(events) for events in both)
        assert [status.state for status in pool.states()] == ["ready", "ready"]
        assert len({status.pid for status in pool.states()}) == 2


async def test_many_waiters_one_start(run_dir: Path) -> None:
    recorder = Recorder()
    async with real(run_dir, recorder=recorder) as pool:
        answers = await asyncio.gather(*(answer(pool, MODEL, PARIS) for _ in range(12)))
        assert recorder.states == [(MODEL.id, "starting"), (MODEL.id, "ready")]
    assert all("Paris" in text(events) for events in answers)


async def test_who_leaves_frees_the_slot_within_50_ms(run_dir: Path) -> None:
    async with real(run_dir) as pool, pool.lease(MODEL) as lease:
        async for _ in lease.ready():
            pass
        delays: list[float] = []
        for _ in range(5):
            async with aclosing(lease.generate(LONG)) as stream:
                await begun(stream)
            left = time.monotonic()
            while await busy_slots(lease):
                await asyncio.sleep(0.002)
            delays.append(time.monotonic() - left)
    assert sorted(delays)[2] < 0.05, delays


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"GARB" + bytes(4096), "invalid magic"), (None, "not within the file bounds"), (b"", "failed to read magic")],
    ids=["garbage", "truncated", "empty"],
)
async def test_a_file_that_cannot_be_loaded_fails_with_the_engines_reason(
    run_dir: Path, tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(TINY.read_bytes()[:-100_000] if content is None else content)
    recorder = Recorder()
    async with real(run_dir, recorder=recorder) as pool:
        with pytest.raises(LoadFailed, match=why) as failed:
            await answer(pool, gguf(path), PARIS)
        assert failed.value.message.startswith("broken could not be loaded: ")
        assert "Failed to init server" not in failed.value.message
        assert failed.value.log_tail
        told = len(recorder.states)
        with pytest.raises(LoadFailed, match=why):
            await answer(pool, gguf(path), PARIS)
        assert recorder.states[told:] == [], "nothing was started again"


async def test_a_worker_killed_in_mid_stream_is_replaced(run_dir: Path) -> None:
    async with real(run_dir) as pool:
        async with pool.lease(MODEL) as lease:
            async for _ in lease.ready():
                pass
            stream = lease.generate(LONG)
            await begun(stream)
            assert lease.worker.pid is not None
            os.kill(lease.worker.pid, signal.SIGKILL)
            async with asyncio.timeout(2):
                with pytest.raises(WorkerCrashed):
                    _ = [event async for event in stream]
        assert "Paris" in text(await answer(pool, MODEL, PARIS))


async def test_an_idle_model_is_unloaded_and_comes_back(run_dir: Path) -> None:
    async with real(run_dir, idle_ttl=0.2) as pool:
        await answer(pool, MODEL, PARIS)
        async with asyncio.timeout(5):
            while pool.status(MODEL.id).state != "unloaded":
                await asyncio.sleep(0.02)
        assert not list(run_dir.glob("*.sock"))
        assert "Paris" in text(await answer(pool, MODEL, PARIS))


async def test_without_unix_sockets_a_port_and_a_secret_do(run_dir: Path) -> None:
    async with real(run_dir, unix=False) as pool, pool.lease(MODEL) as lease:
        async for _ in lease.ready():
            pass
        assert "Paris" in text([event async for event in lease.generate(PARIS)])
        where = lease.worker.client.endpoint
        url = f"http://{where.host}:{where.port}/props"
        async with aiohttp.ClientSession() as stranger, stranger.get(url) as response:
            assert response.status == 401


async def test_a_text_is_turned_into_tokens(run_dir: Path) -> None:
    async with real(run_dir) as pool, pool.lease(MODEL) as lease:
        async for _ in lease.ready():
            pass
        tokens = (await lease.worker.client.post("/tokenize", {"content": "Paris"}))["tokens"]
        assert (await lease.worker.client.post("/detokenize", {"tokens": tokens}))["content"] == "Paris"


async def test_a_crash_while_nothing_runs_is_noticed_and_mended(run_dir: Path) -> None:
    recorder = Recorder()
    async with real(run_dir, recorder=recorder) as pool:
        await pool.load(MODEL)
        pid = pool.status(MODEL.id).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            while pool.status(MODEL.id).pid in {pid, None} or pool.status(MODEL.id).state != "ready":
                await asyncio.sleep(0.005)
        assert [state for _, state in recorder.states][-3:] == ["failed", "starting", "ready"]
        assert isinstance((await answer(pool, MODEL, PARIS))[-1], Finished)


@pytest.mark.accept("E6")
async def test_a_steady_stream_to_one_of_two_models_that_do_not_fit_shuts_out_neither(run_dir: Path) -> None:
    async with real(run_dir, max_models=1, max_hold=0.3) as pool, asyncio.timeout(60):
        over, answered = asyncio.Event(), 0

        async def steady() -> None:
            nonlocal answered
            while not over.is_set():
                assert isinstance((await answer(pool, MODEL, PARIS))[-1], Finished)
                answered += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(6):
                tasks.create_task(steady())
            for _ in range(3):
                seen = answered
                while answered < seen + 6:
                    await asyncio.sleep(0.01)
                assert isinstance((await answer(pool, MODEL_Q8, PARIS))[-1], Finished)
            over.set()
