"""What the gateway costs: the same worker called through it and directly, in turn, in one run."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Round, Target, run_round
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import Server, serve
from benchmarks.stats import Ratio, paired_ratio

OUTPUT = {"q05": 16, "tiny-gguf": 256, "tiny-mlx": 64}
PER_STREAM = {"q05": 1, "tiny-gguf": 4, "tiny-mlx": 2}
STREAMS = (1, 4, 8)
FAST = {"tokens": 500, "interval_ms": 2.0, "slots": 64}
FIRST_TOKENS = 10  # requests in a round


@dataclass(frozen=True, slots=True)
class Added:
    """One model at one width: output throughput of the gateway over direct, as a paired ratio."""

    model: str
    streams: int
    rounds: int
    throughput: Ratio
    direct_tokens_s: float


@dataclass(frozen=True, slots=True)
class FirstToken:
    """One model, one request after the other: p50 in milliseconds, median over the rounds.

    `added` is the median of the paired differences.
    """

    model: str
    rounds: int
    gateway: float
    direct: float
    added: float


@dataclass(frozen=True, slots=True)
class TokenCost:
    """Gateway CPU for each token at `streams` streams of a scripted worker, in microseconds, by round."""

    streams: int
    tokens: int
    microseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.microseconds)


def section(options: Options) -> str:
    """The text of "What the gateway adds"."""
    rows: list[str] = []
    first: list[str] = []
    for row in added(options.models, options.names, options.rounds):
        options.say(f"  {row}")
        if isinstance(row, FirstToken):
            first.append(f"{row.model} | {row.rounds} | {row.gateway:.2f} | {row.direct:.2f} | {row.added:.2f}")
        else:
            rows.append(f"{row.model} | {row.streams} | {row.rounds} | {row.throughput} | {row.direct_tokens_s:.0f}")
    return f"""\
The same worker process, called through the gateway and directly on its socket. Throughput is output tokens a second
over all streams, gateway over direct (to reach: an interval not wholly below 0.97).

{table("model | streams | rounds | throughput ratio (95 %) | direct tok/s", rows)}

Time to first token at one stream, p50 of {FIRST_TOKENS} requests one after the other, median over rounds; "added" is
the median of the paired differences (to reach: 2 ms). The client speaks TCP to the gateway, Unix to the worker.

{table("model | rounds | gateway ms | direct ms | added ms", first)}
"""


def token_section(options: Options) -> str:
    """The text of "CPU a token"."""
    with tempfile.TemporaryDirectory() as folder, scripted_server(Path(folder), sys.executable) as scripted:
        cost = token_cost(options.models, scripted, options.rounds)
    low, high = min(cost.microseconds), max(cost.microseconds)
    return f"""\
{cost.streams} streams of a scripted worker that sends a frame every 2 ms to each, {cost.tokens} tokens in
{len(cost.microseconds)} rounds: the gateway process uses **{cost.median:.1f} µs of CPU a token** ({low:.1f} to
{high:.1f}; to reach: 40).
"""


def added(models: Path, names: tuple[str, ...], rounds: int) -> Iterator[Added | FirstToken]:
    """Measures each of `names` at each width, gateway and worker in turn, the first of a pair changing places."""
    for name in names:
        with serve(models, {"DOVETAIL_FLEET__CALIBRATE": "false"}) as server:  # which may restart the worker
            gateway, direct = _targets(server, name)
            yield _first_token(name, gateway, direct, rounds)
            for streams in STREAMS:
                yield _compare(name, gateway, direct, streams, rounds)


def token_cost(models: Path, scripted: Path, rounds: int, streams: int = 64) -> TokenCost:
    """`scripted` is a stand-in for llama-server that streams by the clock; see `scripted_server`."""
    with serve(models, {"DOVETAIL_ENGINES__GGUF__BINARY": str(scripted), "DOVETAIL_LOAD__PARALLEL": "64"}) as server:
        target = Target(server.url, "tiny-gguf")
        run(target, streams=4, requests=4, tokens=16, seed=0)
        costs: list[float] = []
        tokens = 0
        for seed in range(rounds):
            before = server.cpu()
            done = run(target, streams=streams, requests=streams, tokens=500, seed=seed + 1)
            costs.append((server.cpu() - before) / done.tokens * 1e6)
            tokens += done.tokens
        return TokenCost(streams, tokens, tuple(costs))


@contextmanager
def scripted_server(folder: Path, python: str, fields: Mapping[str, object] = FAST) -> Generator[Path]:
    """A program that takes llama-server's flags and starts the scripted worker instead, with these `fields`."""
    script = folder / "script.json"
    script.write_text(json.dumps(fields))
    path = folder / "scripted-llama-server"
    path.write_text(
        f"#!{python}\n"
        "import os, sys\n"
        "socket = sys.argv[sys.argv.index('--host') + 1]\n"
        f"worker = ['-m', 'dovetail.workers.scripted', '--model', {str(script)!r}, '--host', socket]\n"
        "os.execv(sys.executable, [sys.executable, *worker])\n"
    )
    path.chmod(0o700)
    yield path


def _targets(server: Server, name: str) -> tuple[Target, Target]:
    gateway = Target(server.url, name)
    run(gateway, streams=1, requests=2, tokens=8, seed=0)
    return gateway, Target("http://worker", name, server.worker_socket(name))


def _first_token(name: str, gateway: Target, direct: Target, rounds: int) -> FirstToken:
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        pair = [(gateway, ours), (direct, theirs)]
        for target, results in pair if number % 2 else reversed(pair):
            done = run(target, streams=1, requests=FIRST_TOKENS, tokens=3, seed=number, words=4)
            results.append(done.ttft * 1e3)
    return FirstToken(
        model=name,
        rounds=rounds,
        gateway=statistics.median(ours),
        direct=statistics.median(theirs),
        added=statistics.median(a - b for a, b in zip(ours, theirs, strict=True)),
    )


def _compare(name: str, gateway: Target, direct: Target, streams: int, rounds: int) -> Added:
    ours: list[Round] = []
    theirs: list[Round] = []
    for number in range(rounds):
        pair = [(gateway, ours), (direct, theirs)]
        for target, results in pair if number % 2 else reversed(pair):
            requests = streams * PER_STREAM[name]
            results.append(run(target, streams=streams, requests=requests, tokens=OUTPUT[name], seed=number))
    return Added(
        model=name,
        streams=streams,
        rounds=rounds,
        throughput=paired_ratio([r.throughput for r in ours], [r.throughput for r in theirs]),
        direct_tokens_s=statistics.median(r.throughput for r in theirs),
    )


def run(target: Target, *, streams: int, requests: int, tokens: int, seed: int, words: int = 20) -> Round:
    """One round of greedy chats; blocks until it is over."""
    extra = {"temperature": 0, "ignore_eos": True}
    return asyncio.run(
        run_round(target, streams=streams, requests=requests, tokens=tokens, words=words, seed=seed, extra=extra)
    )
