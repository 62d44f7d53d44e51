"""What insight costs: the same server with and without what is counted, kept and told of requests, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway import run, scripted_server
from benchmarks.load import Target
from benchmarks.options import Options
from benchmarks.server import Server, serve
from benchmarks.stats import Difference, paired_difference

STREAMS = 64
REQUESTS = 4 * STREAMS  # a clock that counts hundredths of a second is to see tenths of a microsecond
TOKENS = 500
_LISTENER = "import sys, urllib.request\nfor line in urllib.request.urlopen(sys.argv[1]): pass"


@dataclass(frozen=True, slots=True)
class Insight:
    """Microseconds of gateway CPU a token: medians with and without, and the difference of the paired rounds."""

    rounds: int
    tokens: int
    whole: float
    bare: float
    added: Difference


def section(options: Options) -> str:
    """The text of "What insight costs"."""
    with tempfile.TemporaryDirectory() as folder, scripted_server(Path(folder), sys.executable) as scripted:
        found = insight(options.models, scripted, options.rounds)
    return f"""\
Two gateways, one of them without the figures of each request, their histograms, the journal and what is pushed; a
client that is told of everything listens to the other. {STREAMS} streams of a scripted worker that sends a frame every
2 ms to each, {found.tokens} tokens of each gateway in {found.rounds} rounds, in turn: {found.whole:.1f} µs of gateway
CPU a token with insight, {found.bare:.1f} without. Median of the paired differences (95 %):
**{found.added} µs** (to reach: 2).
"""


def insight(models: Path, scripted: Path, rounds: int) -> Insight:
    """Blocks for about ten seconds a round."""
    environment = {"DOVETAIL_ENGINES__GGUF__BINARY": str(scripted), "DOVETAIL_LOAD__PARALLEL": str(STREAMS)}
    costs: dict[str, list[float]] = {"dovetail": [], "benchmarks.bare": []}
    tokens = 0
    with (
        serve(models, environment) as whole,
        serve(models, environment, module="benchmarks.bare") as bare,
        _listening(whole),
    ):
        pair = [("dovetail", whole), ("benchmarks.bare", bare)]
        for _, server in pair:
            run(Target(server.url, "tiny-gguf"), streams=4, requests=4, tokens=16, seed=0)
        for number in range(rounds):
            for name, server in pair if number % 2 else reversed(pair):
                before = server.cpu()
                target = Target(server.url, "tiny-gguf")
                done = run(target, streams=STREAMS, requests=REQUESTS, tokens=TOKENS, seed=number + 1)
                costs[name].append((server.cpu() - before) / done.tokens * 1e6)
                tokens += done.tokens
    ours, theirs = costs.values()
    return Insight(
        rounds=rounds,
        tokens=tokens // 2,
        whole=statistics.median(ours),
        bare=statistics.median(theirs),
        added=paired_difference(ours, theirs),
    )


@contextmanager
def _listening(server: Server) -> Generator[None]:
    """A client of all events, which reads as fast as they come."""
    child = subprocess.Popen([sys.executable, "-c", _LISTENER, f"{server.url}/api/v1/events"])
    try:
        yield
    finally:
        child.kill()
        child.wait()
