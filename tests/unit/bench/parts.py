"""A benchmark that was measured, as far as a report can tell."""

from dataclasses import replace

from dovetail.bench.figures import (
    Benchmark,
    Cell,
    Divergence,
    ModelResult,
    Peak,
    Plan,
    Quality,
    QualityPlan,
    Sample,
    Setup,
    spread,
    together,
)

CELL = Cell(128, 32)
SETUP = Setup("Linux 6.1 x86_64", "A <fast> processor", 4, 8 << 30, (), (("dovetail", "1.0"), ("mlx", "0.32")))


def sample(decode: float = 50.0, ram: int = 100 << 20) -> Sample:
    return Sample(128, 32, 10 * decode, decode, (decode,), (0.2,), (0.01, 0.02), 1.0, Peak(ram, None, "no GPU is here"))


def result(name: str, *decodes: float, quality: Quality | None = None) -> ModelResult:
    return ModelResult(
        model=name,
        format="gguf",
        quantisation="Q8_0",
        size=3 << 20,
        parameters=2_560_000,
        reserved=64 << 20,
        context=4096,
        slots=8,
        load=spread([0.5]),
        with_load=spread([0.75]),
        peak=Peak(120 << 20, None, "no GPU is here"),
        cells=(together(CELL, [sample(decode) for decode in decodes]),),
        quality=quality,
    )


QUALITY = Quality(256, 0, 512, 12.5, 0.75, 1.25, 3.0)
FAR = Divergence("one", 256, 0.0125, 0.001, 0.05, 0.975, 0.002)


def benchmark(*results: ModelResult, name: str = "", wanted: str = "bench-1") -> Benchmark:
    models = results or (
        result("one", 40.0, 50.0, 60.0, quality=QUALITY),
        result("two", 75.0, 75.0, 75.0, quality=replace(QUALITY, divergence=FAR)),
    )
    plan = Plan(tuple(m.model for m in models), (128,), (32,), quality=QualityPlan(), name=name)
    return Benchmark(wanted, plan, SETUP, 1_800_000_000.0, 1_800_000_060.0, "done", None, models)
