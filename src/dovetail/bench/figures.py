"""What was measured, as values: one repeat, many repeats of one cell, one model, one whole benchmark."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dovetail.core.model import ModelFormat

State: TypeAlias = Literal["waiting", "running", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Spread:
    """What several measurements of one thing came to; `sd` is their standard deviation, 0 for a single one."""

    median: float
    min: float
    max: float
    sd: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """`values` must not be empty."""
    sd = statistics.stdev(values) if len(values) > 1 else 0.0
    return Spread(statistics.median(values), min(values), max(values), sd, len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of them do not exceed (nearest rank). `values` must not be empty."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure: prompts of so many tokens, answers of so many, and how many requests at once."""

    prompt: int
    gen: int
    streams: int = 1

    @property
    def label(self) -> str:
        return f"pp{self.prompt} tg{self.gen}" + (f" x {self.streams}" if self.streams > 1 else "")


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory a worker and all that it started took, in bytes; `vram_reason` says why there is no number."""

    ram: int | None = None
    vram: int | None = None
    vram_reason: str | None = None

    def with_more(self, other: Peak) -> Peak:
        """The higher of both, figure by figure."""
        vram = _most(self.vram, other.vram)
        return Peak(_most(self.ram, other.ram), vram, None if vram is not None else other.vram_reason)


def _most(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Sample:
    """One repeat of a cell, of all its streams together.

    prefill, decode   tokens a second in all
    stream_decode     tokens a second of each stream alone
    ttft, gaps        seconds to the first piece of each answer, and between its pieces, as they reached the gateway
    seconds           from the first request sent to the last answer's end
    """

    prompt_tokens: int
    output_tokens: int
    prefill: float
    decode: float
    stream_decode: tuple[float, ...]
    ttft: tuple[float, ...]
    gaps: tuple[float, ...]
    seconds: float
    peak: Peak


@dataclass(frozen=True, slots=True)
class CellResult:
    """All repeats of a cell of one model; tokens are those of one repeat."""

    cell: Cell
    prefill: Spread
    decode: Spread
    stream_decode: Spread
    ttft: Spread
    ttft_p95: float
    gap_p95: float | None
    seconds: Spread
    input_tokens: int
    output_tokens: int
    peak: Peak


def together(cell: Cell, samples: Sequence[Sample]) -> CellResult:
    """`samples` must not be empty. The median of `ttft` is its p50, over all streams of all repeats."""
    ttft = [value for sample in samples for value in sample.ttft]
    gaps = [value for sample in samples for value in sample.gaps]
    peak = Peak()
    for sample in samples:
        peak = peak.with_more(sample.peak)
    return CellResult(
        cell,
        prefill=spread([sample.prefill for sample in samples]),
        decode=spread([sample.decode for sample in samples]),
        stream_decode=spread([value for sample in samples for value in sample.stream_decode]),
        ttft=spread(ttft),
        ttft_p95=percentile(ttft, 0.95),
        gap_p95=percentile(gaps, 0.95) if gaps else None,
        seconds=spread([sample.seconds for sample in samples]),
        input_tokens=samples[0].prompt_tokens,
        output_tokens=samples[0].output_tokens,
        peak=peak,
    )


@dataclass(frozen=True, slots=True)
class Divergence:
    """How far a model's distributions are from those of `reference`, at the same positions of the same text.

    kl, kl_sd, kl_p95   nats a token, at least: what neither list names counts as one token (`unseen` of the
                        reference's probability, on average). `kl_sd` is the mean's standard error.
    same_top            share of the positions at which both find the same token likeliest
    """

    reference: str
    positions: int
    kl: float
    kl_sd: float
    kl_p95: float
    same_top: float
    unseen: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a model predicts a text.

    perplexity, perplexity_sd   over `positions` tokens, and the standard error
    bits_a_byte                 the same, comparable between models of different vocabularies
    unscored                    positions left out, because no engine says what it thinks of half a character
    """

    positions: int
    unscored: int
    window: int
    perplexity: float
    perplexity_sd: float
    bits_a_byte: float
    seconds: float
    divergence: Divergence | None = None
    no_divergence: str | None = None


@dataclass(frozen=True, slots=True)
class ModelResult:
    """What is known of one model. Times in seconds, sizes in bytes; `reserved` is what it needs of memory, reckoned.

    load        from nothing to ready; `with_load` from nothing to the end of a first answer; None: it never loaded
    failed      why there are no more figures, where there are not
    disturbed   steps that other requests cut short, and that were taken again
    """

    model: str
    format: ModelFormat
    quantisation: str
    size: int
    parameters: int
    reserved: int
    context: int
    slots: int
    load: Spread | None
    with_load: Spread | None
    peak: Peak
    cells: tuple[CellResult, ...]
    quality: Quality | None = None
    failed: str | None = None
    disturbed: int = 0


@dataclass(frozen=True, slots=True)
class QualityPlan:
    """What a model's quality is measured by.

    text        "" is the package's own
    reference   the model that others are compared with; None: the first
    """

    text: str = ""
    reference: str | None = None
    positions: int = 256
    window: int = 512
    top: int = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. Rounds go over all models, so that no model has the machine's best or worst hour alone.

    repeats   rounds; `warmup`: one more run of each cell first, which does not count
    """

    models: tuple[str, ...]
    prompts: tuple[int, ...] = (512,)
    gens: tuple[int, ...] = (128,)
    streams: tuple[int, ...] = (1,)
    repeats: int = 3
    warmup: bool = True
    quality: QualityPlan | None = None
    name: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(Cell(p, g, s) for p in self.prompts for g in self.gens for s in self.streams)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the figures were measured on: they hold for nothing else."""

    system: str
    processor: str
    cores: int
    memory: int
    gpus: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One run, as it is kept. Times are seconds since 1970; `error` says what ended it, or holds it up."""

    id: str
    plan: Plan
    setup: Setup
    began: float
    ended: float | None = None
    state: State = "running"
    error: str | None = None
    models: tuple[ModelResult, ...] = ()
