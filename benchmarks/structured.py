"""What a JSON schema costs: the same chats with one and without, in turn, on both engines."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Round, Target, run_round
from benchmarks.mlx_model import make_mlx
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import serve
from benchmarks.stats import Ratio, paired_ratio

SMALL = "small-mlx"
TOKENS: Mapping[str, int] = {"q05": 32, "tiny-gguf": 512, SMALL: 128, "tiny-mlx": 192}
STREAMS = (1, 4)
TO_REACH: Mapping[str, float] = {"q05": 0.95, SMALL: 0.85}
# A list that no answer of that length can end, of the kinds of values that answers are made of.
_PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 24},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3},
        "kind": {"enum": ["friend", "colleague", "neighbour"]},
        "note": {"anyOf": [{"type": "string", "maxLength": 40}, {"type": "null"}]},
    },
    "required": ["name", "age", "born", "tags", "kind", "note"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {"type": "array", "items": _PERSON, "minItems": 200}
_FREE: dict[str, Any] = {"ignore_eos": True}
_HELD: dict[str, Any] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "people", "strict": True, "schema": SCHEMA}}
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Output throughput with the schema over that without, one model at one width."""

    model: str
    streams: int
    rounds: int
    throughput: Ratio
    free_tokens_s: float


def section(options: Options) -> str:
    """The text of "What a schema costs"; about 5 minutes."""
    names = [*options.names]
    if "q05" in names:
        options.say("making the small MLX model")
        make_mlx(options.models / SMALL)
        names.insert(names.index("tiny-mlx"), SMALL)
    rows: list[str] = []
    for name in names:
        for cost in costs(options, name):
            options.say(f"  {cost}")
            reach = TO_REACH.get(name)
            figures = f"{cost.throughput} | {'' if reach is None else f'{reach:.2f}'} | {cost.free_tokens_s:.0f}"
            rows.append(f"{cost.model} | {cost.streams} | {cost.rounds} | {figures}")
    return f"""\
Output tokens a second over all streams, through the gateway, held to a JSON schema (a list of records of strings,
numbers, dates, lists and choices), over the same chats in free text. {SMALL} has 27 million random float32 weights and
a vocabulary of 8,192.

{table("model | streams | rounds | throughput ratio (95 %) | to reach | tok/s in free text", rows)}
"""


def costs(options: Options, name: str) -> Iterator[Cost]:
    """One model at each width, the first of a pair changing places."""
    with serve(options.models) as server:
        target = Target(server.url, name)
        for form in (_FREE, _HELD):
            _round(target, 1, 0, 8, form)
        for streams in STREAMS:
            free: list[Round] = []
            held: list[Round] = []
            for number in range(options.rounds):
                pair = [(_FREE, free), (_HELD, held)]
                for form, results in pair if number % 2 else reversed(pair):
                    results.append(_round(target, streams, number, TOKENS[name], form))
            yield Cost(
                model=name,
                streams=streams,
                rounds=options.rounds,
                throughput=paired_ratio([r.throughput for r in held], [r.throughput for r in free]),
                free_tokens_s=statistics.median(r.throughput for r in free),
            )


def _round(target: Target, streams: int, seed: int, tokens: int, form: dict[str, Any]) -> Round:
    """A chat for each stream, drawn at temperature 1 with the round's seed."""
    extra = {"seed": seed, "chat_template_kwargs": {"enable_thinking": False}, **form}
    return asyncio.run(
        run_round(target, streams=streams, requests=streams, tokens=tokens, words=20, seed=seed, extra=extra)
    )
