"""How soon Dovetail answers and what it weighs when idle."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Target, run_round
from benchmarks.options import Options
from benchmarks.server import serve


@dataclass(frozen=True, slots=True)
class Startup:
    """Medians of `runs` starts: seconds to the first /health, seconds to the first token by model, idle MiB."""

    runs: int
    health: float
    first_token: dict[str, float]
    idle_mib: float


def section(options: Options) -> str:
    """The text of "Start and rest"."""
    started = startup(options.models, 3)
    first = ", ".join(f"{name} after {seconds:.2f} s" for name, seconds in started.first_token.items())
    return f"""\
Medians of {started.runs} starts from the command line: `/health` answers after {started.health:.2f} s (to reach: 1.5);
the first token of {first} (to reach: 4 s). The gateway weighs at most {started.idle_mib:.0f} MiB at rest (to reach:
120).
"""


def startup(models: Path, runs: int, names: tuple[str, ...] = ("tiny-gguf", "tiny-mlx")) -> Startup:
    """Starts a server for each run and model; a first token is counted from the start of the command."""
    health: list[float] = []
    idle: list[float] = []
    first: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            started = time.perf_counter()
            with serve(models) as server:
                health.append(server.health_after)
                idle.append(server.rss() / (1 << 20))
                began = time.perf_counter() - started
                done = asyncio.run(
                    run_round(Target(server.url, name), streams=1, requests=1, tokens=4, words=3, seed=1, extra={})
                )
                first[name].append(began + done.first[0])
                idle.append(server.rss() / (1 << 20))
    medians = {name: statistics.median(times) for name, times in first.items()}
    return Startup(runs, statistics.median(health), medians, max(idle))
