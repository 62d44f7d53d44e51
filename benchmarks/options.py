"""What one run of the benchmarks was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """models: where synthetic models are made and kept; names: the models to measure; rounds: of each pair.

    tokens: of an answer beside llama-server's defaults; engine: a build of `dovetail engine build`, None: the wheel
    """

    models: Path
    names: tuple[str, ...]
    rounds: int
    tokens: int = 32
    engine: Path | None = None

    def say(self, line: str) -> None:
        """Progress, on standard output at once."""
        print(line, flush=True)
