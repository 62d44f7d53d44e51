"""What is read of this machine while real workers run."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from dovetail.gateway.services import services
from dovetail.hardware.reading import Unknown
from dovetail.settings import FleetSettings, Settings

pytestmark = pytest.mark.anyio
MIB = 1 << 20


@pytest.mark.accept("R10")
async def test_the_gateway_and_each_worker_are_told_apart(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, fleet=FleetSettings(heartbeat=0.1))
    async with services(settings) as built:
        first = await built.sampler.read()
        assert [process.name for process in first.processes] == ["gateway"]
        for name in ("tiny-gguf", "tiny-mlx"):
            await built.pool.load(built.catalog.find(name))
        async with asyncio.timeout(30):
            while built.pool.status("tiny-mlx").allocated is None:
                await asyncio.sleep(0.02)
            while time.monotonic() < first.at + 1:
                await asyncio.sleep(0.05)
        weights = (built.catalog.find("tiny-mlx").path / "model.safetensors").stat().st_size
        assert (built.pool.status("tiny-mlx").allocated or 0) >= weights, "MLX's own count"
        assert built.pool.status("tiny-gguf").allocated is None
        reading = await built.sampler.read()
    assert [process.name for process in reading.processes] == ["gateway", "tiny-gguf", "tiny-mlx"]
    assert len({process.pid for process in reading.processes}) == 3
    sizes = [process.memory for process in reading.processes]
    assert all(not isinstance(size, Unknown) and size > 5 * MIB for size in sizes)
    assert not isinstance(reading.cpu, Unknown)
    assert 0 < reading.cpu <= 100
    assert not isinstance(reading.processes[0].cpu, Unknown)
