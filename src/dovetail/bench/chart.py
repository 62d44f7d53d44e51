"""A benchmark as one drawing: bars with their least and most, as SVG that asks for nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dovetail.bench.figures import Benchmark, Spread
from dovetail.bench.report import number, title

_WIDTH, _LABELS, _VALUES = 900, 260, 90
_BAR, _GAP, _HEAD = 18, 8, 34
_COLOURS = ("#3b6ea8", "#c2703d", "#4f8a4f", "#8a5a9e", "#a03d52", "#5b7f8c", "#94802f", "#6a6a6a")


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    colour: str
    value: float
    low: float
    high: float


def chart(benchmark: Benchmark) -> str:
    """Decode, prefill and time to the first token of every model and cell, and the perplexity where it is known."""
    panels = [
        ("Decode, tokens a second", _bars(benchmark, "decode")),
        ("Prefill, tokens a second", _bars(benchmark, "prefill")),
        ("Time to the first token, seconds", _bars(benchmark, "ttft")),
        ("Perplexity, with its standard error", _perplexities(benchmark)),
    ]
    parts: list[str] = []
    top = 40.0
    for name, bars in panels:
        if bars:
            parts.append(_panel(name, bars, top))
            top += _HEAD + len(bars) * (_BAR + _GAP) + 16
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:.0f}" width="{_WIDTH}" '
        f'height="{top:.0f}" role="img" font-family="sans-serif" font-size="13">'
    )
    name = escape(title(benchmark))
    back = f'<title>{name}</title><rect width="100%" height="100%" fill="#fff"/>'
    return f'{head}{back}<text x="12" y="26" font-size="17">{name}</text>{"".join(parts)}</svg>\n'


def _bars(benchmark: Benchmark, figure: str) -> list[_Bar]:
    found: list[_Bar] = []
    for place, model in enumerate(benchmark.models):
        for each in model.cells:
            spreads: dict[str, Spread] = {"decode": each.decode, "prefill": each.prefill, "ttft": each.ttft}
            value = spreads[figure]
            label, colour = f"{model.model}, {each.cell.label}", _COLOURS[place % len(_COLOURS)]
            found.append(_Bar(label, colour, value.median, value.min, value.max))
    return found


def _perplexities(benchmark: Benchmark) -> list[_Bar]:
    return [
        _Bar(
            model.model,
            _COLOURS[place % len(_COLOURS)],
            quality.perplexity,
            quality.perplexity - quality.perplexity_sd,
            quality.perplexity + quality.perplexity_sd,
        )
        for place, model in enumerate(benchmark.models)
        if (quality := model.quality) is not None
    ]


def _panel(name: str, bars: Sequence[_Bar], top: float) -> str:
    longest = max(bar.high for bar in bars) or 1.0
    scale = (_WIDTH - _LABELS - _VALUES) / longest
    parts = [f'<text x="12" y="{top + 18:.1f}" font-weight="bold">{escape(name)}</text>']
    for place, bar in enumerate(bars):
        y = top + _HEAD + place * (_BAR + _GAP)
        middle = y + _BAR / 2
        low, high = _LABELS + max(bar.low, 0.0) * scale, _LABELS + bar.high * scale
        parts.append(
            f'<text x="{_LABELS - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(_short(bar.label))}</text>'
            f'<rect x="{_LABELS}" y="{y:.1f}" width="{bar.value * scale:.1f}" height="{_BAR}" fill="{bar.colour}"/>'
            f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {y + 5:.1f}v8M{high:.1f} {y + 5:.1f}v8" '
            f'stroke="#222" fill="none"/>'
            f'<text x="{high + 6:.1f}" y="{middle + 4:.1f}">{number(bar.value)}</text>'
        )
    return "".join(parts)


def _short(label: str) -> str:
    return label if len(label) <= 34 else f"{label[:33]}…"
