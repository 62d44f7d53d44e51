"""The benchmark lab of this server: what it measures on and with, and who hears of it."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, cast

import orjson

from dovetail import bench
from dovetail.bench.course import Parts
from dovetail.bench.figures import Benchmark, Setup
from dovetail.bench.lab import Lab
from dovetail.bench.meter import Looking
from dovetail.bench.run import Progress
from dovetail.core.request import Json
from dovetail.gateway.versions import Versions, system, versions
from dovetail.hardware.machine import MachineFacts
from dovetail.storage.database import Database
from dovetail.telemetry.hub import Listening

if TYPE_CHECKING:
    from dovetail.gateway.services import Services


def lab_of(built: Services, facts: MachineFacts, database: Database) -> Lab:
    """It tells the hub how its benchmark goes on; figures are asked for."""
    parts = Parts(built.pool, built.requests, Looking(built.sampler), built.context, text())

    def now() -> Setup:
        return setup(facts, versions(built.engines))

    lab = Lab(parts, built.catalog.find, now, database)

    def tell(benchmark: Benchmark, progress: Progress | None) -> None:
        built.hub.publish("bench", "progress" if progress else "ended", _told(benchmark, progress))

    async def snapshot(_wanted: Listening) -> Json:
        running = lab.under_way()
        return {"running": None if running is None else _told(*running)}

    lab.tell = tell
    built.hub.offer("bench", snapshot)
    return lab


def text() -> str:
    """The package's own text, written for it; its tiny models know some of the story it begins with."""
    return files(bench).joinpath("text.txt").read_text("utf-8")


def setup(facts: MachineFacts, found: Versions) -> Setup:
    named = {
        "dovetail": found.dovetail,
        "llama.cpp": found.llama_cpp,
        "mlx": found.mlx,
        "mlx-lm": found.mlx_lm,
        "python": found.python,
    }
    return Setup(
        system=system(facts),
        processor=facts.processor.name,
        cores=facts.processor.cores,
        memory=facts.memory,
        gpus=tuple(gpu.name for gpu in facts.gpus),
        versions=tuple((name, version) for name, version in named.items() if version),
    )


def _told(benchmark: Benchmark, progress: Progress | None) -> Json:
    """Without figures, which are many: `GET /api/v1/benchmarks/ID` has them."""
    told = {"id": benchmark.id, "state": benchmark.state, "error": benchmark.error, "progress": progress}
    return cast("Json", orjson.loads(orjson.dumps(told)))
