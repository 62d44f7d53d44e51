from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("mlx_lm")

from dovetail.workers.mlx.engine import STALL_S, Engine
from dovetail.workers.mlx.load import Loaded
from dovetail.workers.mlx.loop import Settings
from dovetail.workers.mlx.protocol import RequestError

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
