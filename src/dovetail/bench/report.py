"""A benchmark as tables for people and as CSV for programs, compared with an earlier one where one is given."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dovetail.bench.figures import Benchmark, Cell, CellResult, ModelResult, Spread

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a text for something to run

CSV_HEADS = (
    *("benchmark", "began", "model", "format", "quantisation", "size_bytes", "needs_bytes", "prompt", "gen", "streams"),
    *("input_tokens", "output_tokens", "repeats", "load_s", "with_load_s", "total_s"),
    *("prefill_tok_s", "prefill_min", "prefill_max", "prefill_sd", "decode_tok_s", "decode_min", "decode_max"),
    *("decode_sd", "decode_each_tok_s", "ttft_p50_s", "ttft_p95_s", "gap_p95_s", "peak_ram_bytes", "peak_vram_bytes"),
    *("vram_reason", "perplexity", "perplexity_sd", "bits_a_byte", "kl", "kl_sd", "same_top", "reference", "failed"),
    *("baseline_decode_tok_s", "decode_delta", "baseline_prefill_tok_s", "prefill_delta"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text; the first column names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """What a figure was in the baseline, and how far it is from there: 0.1 is a tenth more."""

    before: float
    change: float


def tables(benchmark: Benchmark, baseline: Benchmark | None = None) -> list[Table]:
    """Which to run, how fast each is at what, and how true."""
    found = [_choice(benchmark), _speeds(benchmark, baseline)]
    if any(model.quality for model in benchmark.models):
        found.append(_truth(benchmark))
    return [table for table in found if table.rows]


def markdown(benchmark: Benchmark, baseline: Benchmark | None = None) -> str:
    lines = [f"# {_cell(title(benchmark))}", "", *(f"- {_cell(line)}" for line in facts(benchmark, baseline))]
    for table in tables(benchmark, baseline):
        lines += ["", f"## {table.title}", "", _line(table.heads), _line(["---"] * len(table.heads))]
        lines += [_line(row) for row in table.rows]
    lines += ["", *notes(benchmark)]
    return "\n".join(lines) + "\n"


def comma_separated(benchmark: Benchmark, baseline: Benchmark | None = None) -> str:
    """A row for each model and cell, numbers in full; a model that failed has one without figures."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_HEADS)
    for model in benchmark.models:
        for result in model.cells or (None,):
            row = [*_identity(benchmark, model, result), *_figures(result), *_worth(model)]
            writer.writerow([_plain(value) for value in [*row, *_against(model, result, baseline)]])
    return out.getvalue()


def title(benchmark: Benchmark) -> str:
    return benchmark.plan.name or f"Benchmark of {', '.join(benchmark.plan.models)}"


def facts(benchmark: Benchmark, baseline: Benchmark | None = None) -> list[str]:
    """What the figures hold for, a line each."""
    setup, plan = benchmark.setup, benchmark.plan
    when = datetime.fromtimestamp(benchmark.began, UTC).strftime("%Y-%m-%d %H:%M UTC")
    ended = f", {benchmark.state}" if benchmark.state != "done" else ""
    found = [
        f"{benchmark.id}, {when}{ended}",
        f"{setup.processor}, {setup.cores} cores, {size(setup.memory)} of memory, {', '.join(setup.gpus) or 'no GPU'}",
        f"{setup.system}; {', '.join(f'{name} {version}' for name, version in setup.versions)}",
        f"{plan.repeats} repeats, models in turn{', a warm-up before each' if plan.warmup else ''}",
    ]
    if benchmark.error:
        found.append(f"It ended early: {benchmark.error}")
    if baseline is not None:
        found.append(f"Δ: against {baseline.id} ({title(baseline)})")
    return found


def notes(benchmark: Benchmark) -> list[str]:
    """How the figures are to be read."""
    found = [
        "Speeds are tokens a second: the median of all repeats, with the least and the most. TTFT: seconds to the",
        "first piece of an answer. RAM: the most that the model's process and all it started took, shared pages",
        "divided.",
    ]
    if any(model.quality for model in benchmark.models):
        found += [
            "Perplexity: lower is better. KL: nats a token by which the reference's predictions differ, at least; 0",
            "is the same. Same first choice: how often both find the same token likeliest.",
        ]
    return found


def delta(model: ModelResult, cell: Cell, baseline: Benchmark | None, figure: str = "decode") -> Delta | None:
    """Of a median, `figure` of the same model and cell in `baseline`; None where there is none."""
    own = next((each for each in model.cells if each.cell == cell), None)
    others = [] if baseline is None else [m for m in baseline.models if m.model == model.model]
    before = next((each for other in others for each in other.cells if each.cell == cell), None)
    if own is None or before is None:
        return None
    now, then = _median(own, figure), _median(before, figure)
    return Delta(then, now / then - 1) if then else None


def size(count: int) -> str:
    """A number of bytes for people."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {_UNITS[-1]}"


def number(value: float) -> str:
    """Three digits that say something, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0").rstrip(".")


def _choice(benchmark: Benchmark) -> Table:
    heads = ("model", "quantisation", "size", "needs", "peak RAM", "peak VRAM", "load s", "first answer after s")
    heads += ("prefill tok/s", "decode tok/s", "TTFT s", "perplexity", "KL", "same first choice")
    return Table("Which to run", heads, tuple(_choice_row(model) for model in benchmark.models))


def _choice_row(model: ModelResult) -> tuple[str, ...]:
    quality, first = model.quality, model.cells[0] if model.cells else None
    far = quality.divergence if quality is not None else None
    fast = [number(first.prefill.median), number(first.decode.median), number(first.ttft.median)] if first else []
    return (
        model.model,
        model.quantisation or "-",
        size(model.size),
        size(model.reserved) if model.reserved else "-",
        size(model.peak.ram) if model.peak.ram is not None else "-",
        _vram(model),
        number(model.load.median) if model.load else "-",
        number(model.with_load.median) if model.with_load else "-",
        *(fast or ["-", "-", "-"]),
        number(quality.perplexity) if quality is not None else "-",
        number(far.kl) if far is not None else "-",
        f"{far.same_top:.1%}" if far is not None else "-",
    )


def _speeds(benchmark: Benchmark, baseline: Benchmark | None) -> Table:
    heads = ("model", "tokens in", "tokens out", "at once", "prefill tok/s", "decode tok/s", "± sd", "Δ")
    heads += () if baseline is None else ("inside its spread",)
    heads += ("each stream tok/s", "TTFT p50 s", "TTFT p95 s", "between tokens p95 ms", "whole s")
    rows: list[tuple[str, ...]] = []
    for model in benchmark.models:
        rows += [_speed_row(model, each, benchmark, baseline) for each in model.cells]
        if model.failed:
            rows.append((model.model, model.failed, *["-"] * (len(heads) - 2)))
    return Table("How fast", heads, tuple(rows))


def _speed_row(
    model: ModelResult, each: CellResult, benchmark: Benchmark, baseline: Benchmark | None
) -> tuple[str, ...]:
    return (
        model.model,
        str(each.input_tokens),
        str(each.output_tokens),
        str(each.cell.streams),
        _range(each.prefill),
        _range(each.decode),
        number(each.decode.sd),
        _change(model, each.cell, benchmark, baseline),
        *(() if baseline is None else (_inside(model, each, baseline),)),
        _range(each.stream_decode),
        number(each.ttft.median),
        number(each.ttft_p95),
        number(each.gap_p95 * 1e3) if each.gap_p95 is not None else "-",
        _range(each.seconds),
    )


def _change(model: ModelResult, cell: Cell, benchmark: Benchmark, baseline: Benchmark | None) -> str:
    """Against the same model in the baseline, or without one against the first model of this benchmark."""
    if baseline is not None:
        found = delta(model, cell, baseline)
        return f"{found.change:+.1%}" if found is not None else "-"
    own, first = _of(model, cell), _of(benchmark.models[0], cell)
    if model is benchmark.models[0] or own is None or first is None or not first.decode.median:
        return "-"
    return f"{own.decode.median / first.decode.median - 1:+.1%}"


def _inside(model: ModelResult, now: CellResult, baseline: Benchmark) -> str:
    """Whether the medians of decode and prefill lie between the least and the most that the baseline measured."""
    found = next((each for each in baseline.models if each.model == model.model), None)
    before = _of(found, now.cell) if found is not None else None
    if before is None:
        return "-"
    inside = [
        then.min <= own.median <= then.max for own, then in ((now.decode, before.decode), (now.prefill, before.prefill))
    ]
    return "yes" if all(inside) else "no"


def _of(model: ModelResult, cell: Cell) -> CellResult | None:
    return next((each for each in model.cells if each.cell == cell), None)


def _truth(benchmark: Benchmark) -> Table:
    heads = ("model", "perplexity", "± standard error", "bits a byte", "reference", "KL", "± standard error")
    heads += ("KL p95", "same first choice", "unseen", "positions", "left out")
    return Table("How true", heads, tuple(_truth_rows(benchmark)))


def _truth_rows(benchmark: Benchmark) -> Iterator[tuple[str, ...]]:
    for model in benchmark.models:
        quality = model.quality
        if quality is None:
            continue
        own = (model.model, number(quality.perplexity), number(quality.perplexity_sd), number(quality.bits_a_byte))
        far = quality.divergence
        if far is not None:
            kl = (number(far.kl), number(far.kl_sd), number(far.kl_p95), f"{far.same_top:.1%}", f"{far.unseen:.2%}")
            compared = (far.reference, *kl)
        else:
            compared = (quality.no_divergence or "it is the reference", *["-"] * 5)
        yield (*own, *compared, str(quality.positions), str(quality.unscored))


def _identity(benchmark: Benchmark, model: ModelResult, result: CellResult | None) -> list[object]:
    cell = [None] * 3 if result is None else [result.cell.prompt, result.cell.gen, result.cell.streams]
    counts = [None] * 3 if result is None else [result.input_tokens, result.output_tokens, result.seconds.count]
    return [
        *(benchmark.id, benchmark.began, model.model, model.format, model.quantisation, model.size, model.reserved),
        *cell,
        *counts,
        model.load.median if model.load else None,
        model.with_load.median if model.with_load else None,
        result.seconds.median if result else None,
    ]


def _figures(result: CellResult | None) -> list[object]:
    if result is None:
        return [None] * 15
    p, d = result.prefill, result.decode
    return [
        *(p.median, p.min, p.max, p.sd, d.median, d.min, d.max, d.sd, result.stream_decode.median),
        *(result.ttft.median, result.ttft_p95, result.gap_p95),
        *(result.peak.ram, result.peak.vram, result.peak.vram_reason),
    ]


def _worth(model: ModelResult) -> list[object]:
    quality = model.quality
    far = quality.divergence if quality is not None else None
    own = [None] * 3 if quality is None else [quality.perplexity, quality.perplexity_sd, quality.bits_a_byte]
    other = [None] * 4 if far is None else [far.kl, far.kl_sd, far.same_top, far.reference]
    return [*own, *other, model.failed]


def _against(model: ModelResult, result: CellResult | None, baseline: Benchmark | None) -> list[object]:
    found: list[object] = []
    for figure in ("decode", "prefill"):
        change = delta(model, result.cell, baseline, figure) if result is not None else None
        found += [None, None] if change is None else [change.before, change.change]
    return found


def _median(result: CellResult, figure: str) -> float:
    return result.prefill.median if figure == "prefill" else result.decode.median


def _range(found: Spread) -> str:
    if found.count == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.min)} to {number(found.max)})"


def _vram(model: ModelResult) -> str:
    return size(model.peak.vram) if model.peak.vram is not None else model.peak.vram_reason or "-"


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Text that stays within its cell, and is no markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|<>[]`*" else c for c in flat)
