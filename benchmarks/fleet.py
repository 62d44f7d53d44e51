"""Dovetail beside llama-server with its defaults, the same build and file, in turn; and many streams over one."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway import run
from benchmarks.load import Round, Target
from benchmarks.mlx_model import make_mlx
from benchmarks.models import TOKENIZER, make_quantised
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import free_port, serve
from benchmarks.stats import Ratio, paired_ratio

STREAMS = (1, 2, 4, 8, 16)
BUSY_STREAMS = (1, 4)
BATCHES = (1, 8, 16)
BUSY_TOKENS = 16  # beside a busy process a thread for each core may write one token a second
Q4, SMALL, TINY = "k04-Q4_K_M", "small-mlx", "tiny-gguf"
READY_WITHIN, CALIBRATED_WITHIN = 60.0, 60.0

# What llama-server makes of its own defaults; the wheel's Server leaves these two as the library has them.
_WHEEL_SERVER = """
import sys, threading, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = sys.argv[1], ["127.0.0.1"], int(sys.argv[2])
params.n_parallel, params.kv_unified = 4, True
server = xllamacpp.Server(params)
threading.Event().wait()
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One model at one width, all rounds of both."""

    model: str
    streams: int
    ours: tuple[Round, ...]
    theirs: tuple[Round, ...]

    @property
    def throughput(self) -> Ratio:
        return paired_ratio([r.throughput for r in self.ours], [r.throughput for r in self.theirs])

    @property
    def end(self) -> Ratio:
        """How many times sooner the last of twenty answers is complete."""
        return paired_ratio(
            [percentile(r.ended, 95) for r in self.theirs], [percentile(r.ended, 95) for r in self.ours]
        )

    def cells(self) -> str:
        sides = (self.ours, self.theirs)
        speed = " / ".join(f"{statistics.median(r.throughput for r in side):.1f}" for side in sides)
        ends = [[second for r in side for second in r.ended] for side in sides]
        half, most = (" / ".join(f"{percentile(end, p):.1f}" for end in ends) for p in (50, 95))
        first = " / ".join(f"{statistics.median(s for r in side for s in r.first) * 1e3:.0f}" for side in sides)
        ratios = f"{self.throughput} | {self.end}"
        return f"{self.model} | {self.streams} | {ratios} | {speed} | {half} | {most} | {first}"


HEAD = (
    "model | streams | throughput ratio (95 %) | p95 of the end, times sooner (95 %) | tok/s | p50 end s | p95 end s | "
    "first token p50 ms"
)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank's value."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def section(options: Options) -> str:
    """The text of "Beside llama-server's defaults"; about 25 minutes."""
    models = _models(options)
    quiet = [row for name in models for row in _beside(options, name, models[name], STREAMS, options.tokens)]
    with _busy_process():
        busy = [row for name in models for row in _beside(options, name, models[name], BUSY_STREAMS, BUSY_TOKENS)]
    batches = list(_batches(options, models))
    return f"""\
llama-server as it comes ({_peer_name(options)}: a thread for each core, four slots, one unified cache) and Dovetail
as it comes, the same build of llama.cpp and the same file, {options.rounds} rounds in turn; answers of
{options.tokens} tokens to short prompts that nothing has seen. q05 is Q8_0; {Q4} has sizes that K-quants divide, 0.4 B
too. Dovetail was asked once and left alone until it had measured itself. Two figures are Dovetail's / llama-server's.
Ratios above 1 are Dovetail's win (to reach: none wholly below 0.97; the lower end 1.2 or more where llama-server's
batches lose, at 2 and 4 streams of Q8_0).

{table(HEAD, [row.cells() for row in quiet])}

The same beside one busy process, a loop in Python; answers of {BUSY_TOKENS} tokens (to reach: the lower end 2 or more).

{table(HEAD, [row.cells() for row in busy])}

Output tokens a second of 8 and of 16 streams over those of one, through Dovetail with 16 slots, on this machine's
processor; {SMALL} is a 27 M float32 MLX model.

{table("model | streams | tok/s over one stream's (95 %) | tok/s", batches)}
"""


def _models(options: Options) -> dict[str, Path]:
    """The files to measure by name, made if need be."""
    if "q05" not in options.names:
        return {TINY: TOKENIZER}
    models = {"q05": options.models / "q05.gguf"}
    quantise = options.engine / "bin" / "llama-quantize" if options.engine else shutil.which("llama-quantize")
    path = options.models / f"{Q4}.gguf"
    if quantise is None and not path.exists():
        options.say("  no Q4_K_M: it takes llama-quantize, which `dovetail engine build` makes")
        return models
    return {**models, Q4: make_quantised("k04", path, "Q4_K_M", Path(quantise or ""))}


def _beside(options: Options, name: str, file: Path, widths: Sequence[int], tokens: int) -> Iterator[Row]:
    with _dovetail(options) as url, _llama_server(options, file) as peer:
        ours, theirs = Target(url, name), Target(peer, name)
        for target in (ours, theirs):
            run(target, streams=1, requests=2, tokens=8, seed=0)
        options.say(f"  {name} measured itself: {_calibrated(url, name)}")
        for streams in widths:
            rounds: dict[Target, list[Round]] = {ours: [], theirs: []}
            for number in range(options.rounds):
                for target in (ours, theirs) if number % 2 else (theirs, ours):
                    done = run(target, streams=streams, requests=streams, tokens=tokens, seed=number)
                    rounds[target].append(done)
            row = Row(name, streams, tuple(rounds[ours]), tuple(rounds[theirs]))
            options.say(f"  {row.cells()}")
            yield row


def _batches(options: Options, models: Mapping[str, Path]) -> Iterator[str]:
    names = [*models]
    if "q05" in models:
        make_mlx(options.models / SMALL)
        names.append(SMALL)
    for name in names:
        with _dovetail(options, {"DOVETAIL_LOAD__PARALLEL": "16", "DOVETAIL_FLEET__CALIBRATE": "false"}) as url:
            target = Target(url, name)
            run(target, streams=16, requests=16, tokens=4, seed=0)
            speeds: dict[int, list[float]] = {width: [] for width in BATCHES}
            for number in range(options.rounds):
                for width in BATCHES if number % 2 else reversed(BATCHES):
                    done = run(target, streams=width, requests=width, tokens=options.tokens, seed=number)
                    speeds[width].append(done.throughput)
        for width in BATCHES[1:]:
            ratio = paired_ratio(speeds[width], speeds[1])
            yield f"{name} | {width} | {ratio} | {statistics.median(speeds[width]):.1f}"
            options.say(f"  {name} {width} streams: {ratio}")


@contextmanager
def _dovetail(options: Options, environment: Mapping[str, str] | None = None) -> Generator[str]:
    """A server with a home of its own that has the engine which was asked for."""
    with tempfile.TemporaryDirectory(prefix="dt") as home:
        if options.engine is not None:
            (Path(home) / "engines").symlink_to(options.engine.parent)
        with serve(options.models, environment, Path(home)) as server:
            yield server.url


@contextmanager
def _llama_server(options: Options, file: Path) -> Generator[str]:
    port = free_port()
    if options.engine is None:
        argv = [sys.executable, "-c", _WHEEL_SERVER, str(file), str(port)]
    else:
        argv = [str(options.engine / "bin" / "llama-server"), "--model", str(file), "--port", str(port)]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(f"{url}/health"):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start")
            time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def _busy_process() -> Generator[None]:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        child.kill()
        child.wait()


def _calibrated(url: str, model: str) -> object:
    """Waits until the model has measured itself; what it found, nothing where it does not."""
    deadline = time.monotonic() + CALIBRATED_WITHIN
    time.sleep(1.0)  # it begins after half a second of rest
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/props?model={model}", timeout=5) as answer:  # noqa: S310  loopback http
            told = json.loads(answer.read())["calibration"]
        if not told["running"]:
            return told["tokens_per_second"]
        time.sleep(0.5)
    raise RuntimeError(f"{model} did not measure itself within {CALIBRATED_WITHIN:g} s")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  loopback http
            return answer.status == 200
    except OSError:
        return False


def _peer_name(options: Options) -> str:
    return "the wheel's, with llama-server's defaults" if options.engine is None else "of `dovetail engine build`"
