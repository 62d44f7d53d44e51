"""Where requests with adapters are served."""

from dataclasses import replace
from pathlib import Path

import pytest

from dovetail.core.model import Adapter, LoadOptions
from dovetail.engines.base import Machine
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings

from .fakes import FakeEngine, FakeLauncher, Recorder, model

pytestmark = pytest.mark.anyio

A = model("a")
ADAPTERS = [Adapter("x", 1.0, Path("/x.gguf")), Adapter("x", 0.5, Path("/x.gguf")), Adapter("y", 1.0, Path("/y.gguf"))]


async def test_each_adapter_has_a_worker_where_the_engine_cannot_mix_them(
    launcher: FakeLauncher, recorder: Recorder
) -> None:
    settings = FleetSettings(stop_timeout=0.05, idle_ttl=0)
    making = Making({"gguf": FakeEngine()}, lambda _: LoadOptions(parallel=2), Machine(2))
    pool = Pool(making, launcher, settings, recorder)
    one, half, other = (replace(A, adapter=adapter) for adapter in ADAPTERS)
    try:
        for wanted in (A, one, half, other):
            await pool.load(wanted)
        assert [status.model for status in pool.states()] == ["a", "a+x", "a+y"]
        assert launcher.starts("a+x") == 1
        async with pool.lease(half, "mean"):
            assert pool.states()[-1].model == "a+x@0.5:mean"  # no request for embeddings can say a scale
        assert pool.status("a", "x").context > 0
        assert await pool.unload("a", "x")
        assert [pool.status("a", name).state for name in (None, "x", "y", "z")] == [
            "ready",
            "unloaded",
            "ready",
            "unloaded",
        ]
        assert (pool.props("a", "x"), pool.props("a", "y") is None) == (None, False)
        assert not await pool.unload("a", "x")
        assert {status.model: status.state for status in pool.states()}["a"] == "ready"
    finally:
        await pool.aclose()


class Mixing(FakeEngine):
    adapters_apart = False


async def test_the_one_worker_of_an_engine_that_mixes_them_is_unloaded_by_any_of_their_names(
    launcher: FakeLauncher, recorder: Recorder
) -> None:
    settings = FleetSettings(stop_timeout=0.05, idle_ttl=0)
    pool = Pool(Making({"gguf": Mixing()}, lambda _: LoadOptions(parallel=2), Machine(2)), launcher, settings, recorder)
    try:
        await pool.load(replace(A, adapter=ADAPTERS[0]))
        assert pool.status("a", "x").state == "ready"
        assert await pool.unload("a", "x")
        assert pool.status("a").state == "unloaded"
        assert not await pool.unload("a", "x")
    finally:
        await pool.aclose()
