"""`python -m benchmarks.llama_bench`: the lab beside llama.cpp's own llama-bench, on one build, file and setting.

On a machine with nothing else to do. The two take turns; what counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil

from benchmarks.server import serve
from benchmarks.stats import paired_ratio
from dovetail.core.request import JsonObject

WITHIN = 0.05  # how far apart the two may be
_BATCH = 512
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Speeds:
    """Tokens a second."""

    prefill: float
    decode: float


def main() -> int:
    """Prints both and how far they are apart; 1 where that is more than 5 %."""
    parser = argparse.ArgumentParser(prog="benchmarks.llama_bench", description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="bin/ of a `dovetail engine build`, with llama-bench")
    parser.add_argument("--model", type=Path, required=True, help="a .gguf file")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--gen", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=max(1, (psutil.cpu_count(logical=False) or 2) - 1))
    asked = parser.parse_args()
    tool = asked.tools / "llama-bench"
    if not tool.exists():
        print(f"{tool} is not there: `dovetail engine build` makes it")
        return 1
    ours: list[Speeds] = []
    theirs: list[Speeds] = []
    with tempfile.TemporaryDirectory(prefix="dt") as home:
        models = Path(home) / "models"
        models.mkdir()
        (Path(home) / "engines").symlink_to(asked.tools.absolute().parent.parent)
        options = f"batch = {_BATCH}\nubatch = {_BATCH}\nthreads = {asked.threads}\nflash_attention = true\n"
        named = f"[models.measured]\npath = {json.dumps(str(asked.model.absolute()))}\n"
        (Path(home) / "dovetail.toml").write_text(f"[load]\n{options}{named}")
        with serve(models, {"DOVETAIL_FLEET__CALIBRATE": "false"}, Path(home)) as server:
            for number in range(asked.rounds):
                ours.append(lab(server.url, asked.prompt, asked.gen))
                theirs.append(llama_bench(tool, asked.model, asked.prompt, asked.gen, asked.threads))
                print(f"round {number + 1}: lab {ours[-1]}, llama-bench {theirs[-1]}", flush=True)
    return _judged(ours, theirs)


def lab(url: str, prompt: int, gen: int) -> Speeds:
    """One repeat, as `dovetail bench` measures it."""
    body: JsonObject = {"models": ["measured"], "prompt": [prompt], "gen": [gen], "repeat": 1}
    wanted = _call(url, "/api/v1/benchmarks", body)["benchmark"]
    path = f"/api/v1/benchmarks/{cast('JsonObject', wanted)['id']}"
    deadline = time.monotonic() + _LONGEST
    while (told := _call(url, path))["progress"] is not None and time.monotonic() < deadline:
        time.sleep(0.5)
    benchmark = cast("JsonObject", told["benchmark"])
    (model,) = cast("list[dict[str, list[dict[str, dict[str, float]]]]]", benchmark["models"])
    build = dict(cast("list[tuple[str, str]]", cast("JsonObject", benchmark["setup"])["versions"]))["llama.cpp"]
    if "compiled" not in build:
        raise RuntimeError(f"the lab measured {build}, and llama-bench is of another build")
    if not model["cells"]:
        raise RuntimeError(f"the lab measured nothing: {model.get('failed')}")
    (cell,) = model["cells"]
    return Speeds(cell["prefill"]["median"], cell["decode"]["median"])


def llama_bench(tool: Path, model: Path, prompt: int, gen: int, threads: int) -> Speeds:
    """Prefill of an empty context, and decode behind a prompt of as many tokens as the lab's."""
    argv = [str(tool), "-m", str(model), "-p", str(prompt), "-n", str(gen), "-d", f"0,{prompt}", "-r", "1"]
    argv += ["-t", str(threads), "-b", str(_BATCH), "-ub", str(_BATCH), "-fa", "1", "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_LONGEST, check=True)
    tests = cast("list[dict[str, float]]", json.loads(done.stdout))
    (prefill,) = [t["avg_ts"] for t in tests if t["n_prompt"] == prompt and not t["n_gen"] and not t["n_depth"]]
    (decode,) = [t["avg_ts"] for t in tests if t["n_gen"] == gen and not t["n_prompt"] and t["n_depth"] == prompt]
    return Speeds(prefill, decode)


def _judged(ours: list[Speeds], theirs: list[Speeds]) -> int:
    apart = 0.0
    for name in ("prefill", "decode"):
        mine = [cast("float", getattr(each, name)) for each in ours]
        other = [cast("float", getattr(each, name)) for each in theirs]
        ratio = paired_ratio(mine, other)
        apart = max(apart, abs(ratio.median - 1))
        medians = f"{statistics.median(mine):.1f} and {statistics.median(other):.1f} tokens/s"
        print(f"{name}: {medians}, the lab over llama-bench {ratio}")
    print(f"at most {apart:.1%} apart; {'within' if apart <= WITHIN else 'NOT within'} {WITHIN:.0%}")
    return 0 if apart <= WITHIN else 1


def _call(url: str, path: str, body: JsonObject | None = None) -> JsonObject:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, {"content-type": "application/json"})  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  loopback http
        return cast("JsonObject", json.load(answer))


if __name__ == "__main__":
    raise SystemExit(main())
