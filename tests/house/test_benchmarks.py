"""What docs/benchmarks.md has to show, as `python -m benchmarks` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = "| model | streams | tok/s over one stream's (95 %) | tok/s |"
# Q4_K_M, Q8_0 and MLX float32, by the names that benchmarks/fleet.py gives its files.
MODELS = ("k04-Q4_K_M", "q05", "small-mlx")
ROW = re.compile(r"^\| (\S+) \| (\d+) \| (\d+\.\d+) \((\d+\.\d+) to (\d+\.\d+)\) \| (\d+\.\d+) \|$")


@pytest.mark.accept("E23")
def test_the_throughput_of_8_and_16_streams_over_one_is_on_the_page() -> None:
    table = PAGE.read_text("utf-8").partition(HEAD)[2].partition("\n\n")[0]
    rows = [found.groups() for line in table.splitlines() if (found := ROW.match(line))]
    assert {row[:2] for row in rows} >= {(model, streams) for model in MODELS for streams in ("8", "16")}
    for model, streams, ratio, least, most, speed in rows:
        assert 0 < float(least) <= float(ratio) <= float(most), (model, streams)
        assert float(speed) > 0
