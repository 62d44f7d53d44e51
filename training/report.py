"""Writes ``report.md`` from what was measured."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.export import MODELS
from training.prompts import LEAST_MARGIN

PATH = Path(__file__).parent / "report.md"
_CAVEATS = """\
Two things make these figures a little kinder than a blind test: training phrasings were added after a first look at
the misses (never the held-out ones themselves), and the test prompts below were picked among those that work. What it
cannot do: sums, short common words as the first word to repeat, and counting up to some odd numbers."""


@dataclass(frozen=True, slots=True)
class PromptRow:
    name: str
    answer: str
    tokens: int
    margin: float
    right: bool
    same_on_mlx: bool
    same_on_q8: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts are (right, asked) by task."""

    f16: Mapping[str, tuple[int, int]]
    q8: Mapping[str, tuple[int, int]]
    same_on_q8: int
    same_on_mlx: int
    asked_on_mlx: int
    prompts: Sequence[PromptRow]
    shout: tuple[int, int, int]


def write(checkpoint: Path, measured: Measured) -> None:
    sections = [
        "# The tiny model: what it can do",
        "Written by `python -m training.evaluate`. Greedy decoding; phrasings held out from training; names made up.",
        _CAVEATS,
        _training(checkpoint),
        _accuracy(measured),
        _prompts(measured.prompts),
        _stories(measured.prompts),
        _adapter(measured.shout),
        _sizes(),
    ]
    PATH.write_text("\n\n".join(sections) + "\n", "utf-8")


def _training(checkpoint: Path) -> str:
    last = json.loads((checkpoint / "log.jsonl").read_text().splitlines()[-1])
    return (
        f"## Training\n{last['seconds'] / 60:.0f} minutes on {os.cpu_count()} server cores that did other work as well "
        f"(x86-64 with AVX512-BF16, no GPU):\n{last['step']:,} steps, {last['tokens'] / 1e6:.1f} M tokens, "
        f"mean loss of the last steps {last['loss']:.3f}. Idle, the same two cores need a third of a second a step,\n"
        f"so about {last['step'] / 180:.0f} minutes. The budget is time, not steps: another run gives other weights.\n"
        "To reproduce:\n\n    python -m training --work /tmp/tiny"
    )


def _accuracy(measured: Measured) -> str:
    lines = ["## Accuracy", "| task | F16 GGUF | Q8_0 GGUF |", "|---|---|---|"]
    for task, (right, asked) in measured.f16.items():
        lines.append(f"| {task} | {right} of {asked} | {measured.q8[task][0]} of {asked} |")
    totals = [sum(right for right, _ in counts.values()) for counts in (measured.f16, measured.q8)]
    asked = sum(asked for _, asked in measured.f16.values())
    lines += [
        f"| all | {totals[0]} of {asked} | {totals[1]} of {asked} |",
        "",
        f"Q8_0 gave the very text of F16 in {measured.same_on_q8} of {asked}, MLX in float32 in",
        f"{measured.same_on_mlx} of the {measured.asked_on_mlx} it was asked.",
    ]
    return "\n".join(lines)


def _prompts(rows: Sequence[PromptRow]) -> str:
    lines = [
        "## Test prompts",
        f"`test_prompts.json` holds those whose answer is right and whose margin is at least {LEAST_MARGIN}: the",
        "smallest difference of the log probabilities of the best and the second best token over all steps and the",
        "end of the turn, computed in float32.",
        "",
        "| prompt | tokens | margin | right | MLX same | Q8_0 same | answer |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        answer = row.answer.replace("\n", "⏎").replace("|", "\\|")
        short = answer if len(answer) < 90 else answer[:70] + " … " + answer[-16:]
        flags = " | ".join("yes" if flag else "**no**" for flag in (row.right, row.same_on_mlx, row.same_on_q8))
        lines.append(f"| {row.name} | {row.tokens} | {row.margin:.2f} | {flags} | `{short}` |")
    return "\n".join(lines)


def _stories(rows: Sequence[PromptRow]) -> str:
    lines = ["## Stories"]
    for row in rows:
        if row.name.startswith("story"):
            sentences = row.answer.replace("? ", ". ").split(". ")
            twice = len(sentences) - len(set(sentences))
            lines.append(f"- {row.name}: {row.tokens} tokens, {len(sentences)} sentences, {twice} of them said twice")
    return "\n".join(lines)


def _adapter(shout: tuple[int, int, int]) -> str:
    capitals, same, asked = shout
    return (
        f"## The adapter `shout`\n{capitals} of {asked} answers in capital letters; "
        f"MLX gave the same text as GGUF in {same} of {asked}."
    )


def _sizes() -> str:
    demo = MODELS.parent
    files = sorted(path for path in demo.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    lines = ["## Files", "| file | bytes |", "|---|---|"]
    lines += [f"| {path.relative_to(demo).as_posix()} | {path.stat().st_size:,} |" for path in files]
    lines.append(f"| all | {sum(path.stat().st_size for path in files):,} |")
    return "\n".join(lines)
