"""Calibration on the real engines, of the models of the package as if they were big."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dovetail.core.model import LoadOptions, Model, ModelFormat
from dovetail.demo import models_dir
from dovetail.engines.base import Engine, Machine
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.fleet import calibration
from dovetail.fleet.launch import LocalLauncher
from dovetail.fleet.measured import Measured
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings

from .pools import TINY, Recorder, answer, ask, gguf, text

MLX_FOLDER = models_dir() / "tiny-mlx"
GGUF = replace(gguf(TINY), size=calibration.SMALL)
MLX = Model("tiny-mlx", "mlx", MLX_FOLDER, (MLX_FOLDER / "model.safetensors",), size=calibration.SMALL)
QUESTION = ask("What is the capital of France?", max_tokens=24)

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not TINY.exists(), reason="the demo model is not built")]


@asynccontextmanager
async def pool_that_measures(run_dir: Path, recorder: Recorder | None = None) -> AsyncGenerator[Pool]:
    options = LoadOptions(context=512, parallel=8)
    engines: dict[ModelFormat, Engine] = {"gguf": GgufEngine(), "mlx": MlxEngine()}
    making = Making(engines, lambda _: options, Machine(2), measured=Measured())
    pool = Pool(making, LocalLauncher(run_dir), FleetSettings(idle_ttl=0), recorder or Recorder())
    try:
        yield pool
    finally:
        await pool.aclose()


async def measured(pool: Pool, model: Model) -> list[int]:
    async with asyncio.timeout(60):
        while not (pool.status(model.id).widths.rates and not pool.status(model.id).calibrating):
            await asyncio.sleep(0.05)
    return [width for width, _ in pool.status(model.id).widths.rates]


@pytest.mark.parametrize("model", [GGUF, MLX], ids=["gguf", "mlx"])
async def test_a_model_measures_itself_after_its_first_answer(run_dir: Path, model: Model) -> None:
    if model is MLX:
        pytest.importorskip("mlx_lm")
    async with pool_that_measures(run_dir) as pool:
        first = await answer(pool, model, QUESTION)
        widths = await measured(pool, model)
        assert widths[0] == 1
        assert set(widths) <= {1, 2, 4, 8}, "on a busy machine the time may end before all are measured"
        again = await answer(pool, model, QUESTION)
    assert "Paris" in text(first)
    assert text(again) == text(first)


async def test_a_thread_for_each_core_is_tried_and_a_request_takes_the_worker_as_it_is(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "LOAD_WITHIN", 20.0)  # whatever else this machine does
    monkeypatch.setattr(calibration, "WITHIN", 60.0)
    recorder = Recorder()

    def starts() -> int:
        return [state for _, state in recorder.states].count("starting")

    async with pool_that_measures(run_dir, recorder) as pool:
        assert "Paris" in text(await answer(pool, GGUF, QUESTION))
        assert threads(pool) == 1
        async with asyncio.timeout(60):
            while starts() < 2:
                await asyncio.sleep(0.01)
        assert "Paris" in text(await answer(pool, GGUF, QUESTION))  # while it is on its way
        async with asyncio.timeout(60):
            while pool.status(GGUF.id).calibrating or pool.status(GGUF.id).state != "ready":
                await asyncio.sleep(0.05)
        first = threads(pool)
        assert first in {1, 2}
        assert starts() >= (2 if first == 2 else 3), "it was tried, and where it did not pay taken back"
        assert "Paris" in text(await answer(pool, GGUF, QUESTION))


def threads(pool: Pool) -> int:
    """What the command line of the worker says."""
    argv = psutil.Process(pool.status(GGUF.id).pid).cmdline()
    return int(argv[argv.index("--threads") + 1])
