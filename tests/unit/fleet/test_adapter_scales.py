"""Workers for embeddings with a scale: clients choose scales without end, the pool remembers none of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from dovetail.core.model import Adapter, Model

from .fakes import FakeLauncher
from .test_pool import A, Pools, pools

__all__ = ["pools"]  # the fixture
pytestmark = pytest.mark.anyio


def adapted(scale: float = 1.0) -> Model:
    return replace(A, adapter=Adapter("x", scale, Path("/adapters/x.gguf")))


async def test_of_workers_with_scales_nothing_is_kept_when_they_have_gone(pools: Pools, launcher: FakeLauncher) -> None:
    pool = pools(max_models=1)
    for scale in (0.12345671, 0.12345672, 0.3, 1.0):
        async with pool.lease(adapted(scale), "mean") as lease:
            _ = [event async for event in lease.ready()]
    assert launcher.starts("a+x@0.12345671:mean") == launcher.starts("a+x@0.12345672:mean") == 1
    await pool.unload("a")
    async with pool.lease(adapted(-1.0), "mean") as lease:
        _ = [event async for event in lease.ready()]
    assert [status.model for status in pool.states()] == ["a+x@1.0:mean", "a+x@-1.0:mean"]
