"""The text of docs/benchmarks.md."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.gateway import Added, FirstToken, TokenCost
from benchmarks.peer import Peer
from benchmarks.startup import Startup

_PAGE = """\
# Benchmarks

Written by `{command}` on {day}, commit `{commit}`.
{machine}

Gateway, worker and load generator share the cores: absolute times are this machine's, and only ratios travel. They are
paired, round by round in turn, with a bootstrap 95 % interval of the median. q05 is a 0.4 B Q8_0 model with random
weights; the tiny models come with the package.

## What the gateway adds

The same worker process, called through the gateway and directly on its socket. Throughput is output tokens a second
over all streams, gateway over direct (to reach: an interval not wholly below 0.97).

| model | streams | rounds | throughput ratio (95 %) | direct tok/s |
|---|---|---|---|---|
{rows}

Time to first token at one stream, p50 of 10 requests one after the other, median over rounds; "added" is the median of
the paired differences (to reach: 2 ms). The client speaks TCP to the gateway and a Unix socket to the worker.

| model | rounds | gateway ms | direct ms | added ms |
|---|---|---|---|---|
{first_rows}

## Beside llama-server

{peers}

## CPU a token

{streams} streams of a scripted worker that sends a frame every 2 ms to each, {tokens} tokens in {cost_rounds} rounds:
the gateway process uses **{cost:.1f} µs of CPU a token** ({low:.1f} to {high:.1f}; to reach: 40).

## Start and rest

Medians of {runs} starts from the command line: `/health` answers after {health:.2f} s (to reach: 1.5); the first token
of {first} (to reach: 4 s). The gateway weighs at most {idle:.0f} MiB at rest (to reach: 120).
"""


def report(
    command: str, started: Startup, cost: TokenCost, rows: Sequence[Added | FirstToken], peers: Sequence[Peer]
) -> str:
    """The whole page, figures and the command that made them."""
    return _PAGE.format(
        command=command,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
        machine=_machine(),
        rows="\n".join(_row(row) for row in rows if isinstance(row, Added)),
        first_rows="\n".join(_first(row) for row in rows if isinstance(row, FirstToken)),
        peers=_peers(peers),
        streams=cost.streams,
        tokens=cost.tokens,
        cost_rounds=len(cost.microseconds),
        cost=cost.median,
        low=min(cost.microseconds),
        high=max(cost.microseconds),
        runs=started.runs,
        health=started.health,
        first=", ".join(f"{name} after {seconds:.2f} s" for name, seconds in started.first_token.items()),
        idle=started.idle_mib,
    )


def _row(row: Added) -> str:
    return f"| {row.model} | {row.streams} | {row.rounds} | {row.throughput} | {row.direct_tokens_s:.0f} |"


def _first(row: FirstToken) -> str:
    return f"| {row.model} | {row.rounds} | {row.gateway:.2f} | {row.direct:.2f} | {row.added:.2f} |"


def _peers(peers: Sequence[Peer]) -> str:
    if not peers:
        return "Not measured: no `llama-server` was on the PATH."
    head = "| model | streams | rounds | throughput ratio (95 %) | llama-server tok/s |\n|---|---|---|---|---|\n"
    lines = [f"| {p.model} | {p.streams} | {p.rounds} | {p.throughput} | {p.peer_tokens_s:.0f} |" for p in peers]
    return head + "\n".join(lines)


def _machine() -> str:
    memory = psutil.virtual_memory().total / (1 << 30)
    engines = ", ".join(f"{name} {version(name)}" for name in ("xllamacpp", "mlx", "mlx-lm"))
    system = f"{platform.system()} {platform.machine()}, {psutil.cpu_count(logical=False)} cores, {memory:.0f} GiB"
    return f"{system}, Python {platform.python_version()}, {engines}."


def _commit() -> str:
    root = Path(__file__).resolve().parents[1]
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
