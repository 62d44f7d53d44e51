"""A llama-server of the user's own, where one is on the PATH, serving the same file beside Dovetail."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.gateway import OUTPUT, PER_STREAM, STREAMS, run
from benchmarks.load import Target
from benchmarks.models import TOKENIZER
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import free_port, serve
from benchmarks.stats import Ratio, paired_ratio


@dataclass(frozen=True, slots=True)
class Peer:
    """Output throughput of Dovetail over llama-server's, one model at one width."""

    model: str
    streams: int
    rounds: int
    throughput: Ratio
    peer_tokens_s: float


def section(options: Options) -> str:
    """The text of "Beside llama-server"."""
    files = {"q05": options.models / "q05.gguf", "tiny-gguf": TOKENIZER}
    rows: list[str] = []
    for name in [name for name in options.names if name in files]:
        for peer in beside_llama_server(options.models, name, files[name], options.rounds):
            options.say(f"  {peer}")
            speeds = f"{peer.throughput} | {peer.peer_tokens_s:.0f}"
            rows.append(f"{peer.model} | {peer.streams} | {peer.rounds} | {speeds}")
    if not rows:
        return "Not measured: no `llama-server` was on the PATH."
    return f"""\
`llama-server` from the PATH (`{_version()}`), the same file, context and slots, a thread less than the cores each:
output tokens a second of Dovetail over its. Two builds of llama.cpp are compared as well: Dovetail runs the wheel's,
which is made for any machine.

{table("model | streams | rounds | throughput ratio (95 %) | llama-server tok/s", rows)}
"""


def beside_llama_server(models: Path, name: str, file: Path, rounds: int) -> Iterator[Peer]:
    """The two in turn, four slots and a thread less than the cores each; nothing where there is no llama-server."""
    binary = shutil.which("llama-server")
    if binary is None:
        return
    with serve(models) as server, _llama_server(binary, file) as url:
        ours, theirs = Target(server.url, name), Target(url, name)
        for target in (ours, theirs):
            run(target, streams=1, requests=2, tokens=8, seed=0)
        for streams in STREAMS:
            speeds: dict[Target, list[float]] = {ours: [], theirs: []}
            for number in range(rounds):
                for target in (ours, theirs) if number % 2 else (theirs, ours):
                    requests = streams * PER_STREAM[name]
                    done = run(target, streams=streams, requests=requests, tokens=OUTPUT[name], seed=number)
                    speeds[target].append(done.throughput)
            ratio = paired_ratio(speeds[ours], speeds[theirs])
            yield Peer(name, streams, rounds, ratio, statistics.median(speeds[theirs]))


@contextmanager
def _llama_server(binary: str, file: Path) -> Generator[str]:
    port = free_port()
    threads = str(max(1, (psutil.cpu_count(logical=False) or 2) - 1))
    argv = [binary, "--model", str(file), "--host", "127.0.0.1", "--port", str(port), "--threads", threads]
    argv += ["--ctx-size", "32768", "--parallel", "4"]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not _healthy(url):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{binary} did not start")
            time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(30)


def _version() -> str:
    said = subprocess.run(["llama-server", "--version"], capture_output=True, text=True, check=False)
    return next((line for line in (said.stderr + said.stdout).splitlines() if line.startswith("version")), "unknown")


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:  # noqa: S310  loopback http
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
