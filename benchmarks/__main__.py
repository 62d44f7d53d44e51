"""`python -m benchmarks`: measures and writes docs/benchmarks.md. `--quick` for a look, not for figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.gateway import Added, FirstToken, added, scripted_server, token_cost
from benchmarks.models import TOKENIZER, make_gguf
from benchmarks.peer import Peer, beside_llama_server
from benchmarks.report import report
from benchmarks.startup import startup

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Runs every measurement, about 15 minutes on two cores, and writes the report."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "dovetail-benchmark-models")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds for each pair (default 9)")
    parser.add_argument("--quick", action="store_true", help="3 rounds, the tiny models only")
    options = parser.parse_args()
    names = ("tiny-gguf", "tiny-mlx") if options.quick else ("q05", "tiny-gguf", "tiny-mlx")
    rounds = 3 if options.quick else options.rounds
    options.models.mkdir(parents=True, exist_ok=True)
    if "q05" in names:
        say("making the 0.4 B Q8_0 model")
        make_gguf("q05", options.models / "q05.gguf")
    say("start-up")
    started = startup(options.models, 3)
    say(f"  {started}")
    say("CPU a token at 64 streams")
    with tempfile.TemporaryDirectory() as folder, scripted_server(Path(folder), sys.executable) as scripted:
        cost = token_cost(options.models, scripted, max(3, rounds))
    say(f"  {cost.median:.1f} microseconds")
    rows: list[Added | FirstToken] = []
    for row in added(options.models, names, rounds):
        say(f"  {row}")
        rows.append(row)
    peers: list[Peer] = []
    files = {"q05": options.models / "q05.gguf", "tiny-gguf": TOKENIZER}
    for name in [name for name in names if name in files]:
        for peer in beside_llama_server(options.models, name, files[name], rounds):
            say(f"  {peer}")
            peers.append(peer)
    command = "python -m benchmarks" + (" --quick" if options.quick else "")
    REPORT.write_text(report(command, started, cost, rows, peers))
    say(f"written: {REPORT.relative_to(ROOT)}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
