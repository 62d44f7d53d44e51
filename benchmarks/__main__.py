"""`python -m benchmarks`: measures, and writes docs/benchmarks.md. `--quick` for a look, not for figures."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import fleet, gateway, idle, insight, kv, memory, page, peer, startup, structured
from benchmarks.models import make_gguf
from benchmarks.options import Options

# By name: the heading on the page, and what writes the text below it. In the page's order.
SECTIONS: dict[str, tuple[str, Callable[[Options], str]]] = {
    "gateway": ("What the gateway adds", gateway.section),
    "peer": ("Beside llama-server", peer.section),
    "fleet": ("Beside llama-server's defaults", fleet.section),
    "kv": ("Prompt caches on disk", kv.section),
    "memory": ("Memory", memory.section),
    "structured": ("What a schema costs", structured.section),
    "token": ("CPU a token", gateway.token_section),
    "insight": ("What insight costs", insight.section),
    "idle": ("A crowd that waits", idle.section),
    "start": ("Start and rest", startup.section),
}

WHEEL = ", the wheel's build"


def main() -> None:
    """Runs the sections asked for; all of them take about 40 minutes on two cores, "fleet" 25 of them."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="NAME", help="sections")
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "dovetail-benchmark-models")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds for each pair (default 9)")
    parser.add_argument("--tokens", type=int, default=32, help="of an answer, fleet section (default 32)")
    parser.add_argument(
        "--engine", type=Path, help="a folder made by `dovetail engine build`, fleet section; else the wheel"
    )
    parser.add_argument("--quick", action="store_true", help="3 rounds, the tiny models only, nothing is written")
    asked = parser.parse_args()
    names = ("tiny-gguf", "tiny-mlx") if asked.quick else ("q05", "tiny-gguf", "tiny-mlx")
    options = Options(asked.models, names, 3 if asked.quick else asked.rounds, asked.tokens, asked.engine)
    options.models.mkdir(parents=True, exist_ok=True)
    if "q05" in names:
        make_gguf("q05", options.models / "q05.gguf")
    titles = [
        each
        for name, (title, _) in SECTIONS.items()
        for each in ([title, title + WHEEL] if name == "fleet" else [title])
    ]
    for name in asked.only:
        title, measure = SECTIONS[name]
        if name == "fleet" and options.engine is None:
            title += WHEEL
        options.say(title)
        text = measure(options)
        if asked.quick:
            options.say(text)
        else:
            page.write(page.PAGE, titles, title, text, _command(name, options))


def _command(name: str, options: Options) -> str:
    """How a section is measured again, without this machine's paths."""
    command = f"python -m benchmarks --only {name} --rounds {options.rounds}"
    if name != "fleet":
        return command
    engine = "" if options.engine is None else f" --engine HOME/engines/{options.engine.name}"
    return f"{command} --tokens {options.tokens}{engine}"


if __name__ == "__main__":
    main()
