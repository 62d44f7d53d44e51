from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("mlx_lm")

from dovetail.demo import models_dir
from dovetail.workers.mlx.engine import COMPILERS, STALL_S, Engine
from dovetail.workers.mlx.form import Form, Schema
from dovetail.workers.mlx.load import Loaded, load
from dovetail.workers.mlx.loop import Settings
from dovetail.workers.mlx.protocol import Known, RequestError, read_completion

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Alive:
    def is_alive(self) -> bool:
        return True


async def test_health_is_the_generation_threads() -> None:
    now = 100.0
    engine = Engine(Settings(Path("/none"), 1, 100, 10, 10), "build", clock=lambda: now)
    generation = cast("Any", engine.generation)
    assert engine.unhealthy() == "Loading model"
    with pytest.raises(RequestError, match="Loading model"):
        _ = engine.loaded
    generation.loaded = cast("Loaded", object())
    assert engine.unhealthy() == "The generation thread has ended"
    generation._thread = Alive()
    assert engine.unhealthy() is None
    now += STALL_S + 1
    assert "silent for 61 s" in (engine.unhealthy() or "")
    generation.beat = now
    assert engine.unhealthy() is None
    generation.loaded, generation.failure = None, "no weights"
    assert engine.unhealthy() == "The model could not be loaded"


class Slow:
    """Grammars that take as long as the test says."""

    def __init__(self, done: threading.Event) -> None:
        self._done = done

    def compile(self, form: Form) -> object:
        del form
        return self._done.wait(30)


async def test_a_form_that_takes_too_long_is_refused_and_holds_up_no_neighbour() -> None:
    path = models_dir() / "tiny-mlx"
    engine = Engine(Settings(path, 1, 512, 64, 0), "build", compile_within=0.05)
    loaded = await asyncio.to_thread(load, path, warmup=False)
    engine.generation.loaded = loaded
    done = threading.Event()
    cast("Any", engine)._grammars = Slow(done)
    asked = read_completion({"prompt": "a"}, Known(loaded.n_vocab, loaded.vocabulary.eos, 8))
    slow = [asyncio.ensure_future(engine.complete(asked, Schema("{}"))) for _ in range(COMPILERS + 1)]
    try:
        assert (await engine.complete(asked)).job.prompt
        for refused in slow:
            with pytest.raises(RequestError, match="takes too long"):
                await refused
        assert engine.generation._inbox.qsize() == 1  # pyright: ignore[reportPrivateUsage]
    finally:
        done.set()
