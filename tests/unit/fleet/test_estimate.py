"""What a load would take, before it is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.core.model import Attention, LoadOptions, Model, Shape, Weights
from dovetail.engines.base import Machine
from dovetail.fleet.booking import Files
from dovetail.fleet.budget import need
from dovetail.fleet.estimate import Wanted, estimate
from dovetail.fleet.placement import Resident, Room

GIB = 1 << 30
SHAPE = Shape("llama", layers=10, width=512, heads=8, vocabulary=1000, attention=(Attention(10, 256, 256),))
MODEL = Model("m", "gguf", Path("/m.gguf"), size=GIB, shape=SHAPE, weights=Weights(layers=(GIB // 10,) * 10))
OPTIONS = LoadOptions(context=8192, parallel=4)
CPU = Machine(4)


def wanted(options: LoadOptions = OPTIONS, known: object = None) -> Wanted:
    return Wanted(MODEL, options, Files(), {"standing": known} if isinstance(known, int) else None)


def test_it_is_the_arithmetic_of_a_load() -> None:
    found = estimate(wanted(), CPU, [], Room(16, 4 * GIB))
    assert found.need == need(MODEL, OPTIONS, CPU)
    assert (found.memory, found.measured, found.verdict, found.free) == (found.need.ram, False, "fits", 4 * GIB)


def test_what_was_measured_counts() -> None:
    found = estimate(wanted(known=3 * GIB), CPU, [], Room(16, 8 * GIB))
    assert found.measured
    assert found.memory >= 3 * GIB


@pytest.mark.parametrize(
    ("other", "verdict", "evict"),
    [
        (Resident("idle", memory=3 * GIB), "evicts", ("idle",)),
        (Resident("busy", memory=3 * GIB, busy=True), "waits", ()),
        (Resident("pinned", memory=3 * GIB, pinned=True), "too_large", ()),
        (Resident("small", memory=GIB // 2), "fits", ()),
    ],
)
def test_what_is_loaded_counts(other: Resident, verdict: str, evict: tuple[str, ...]) -> None:
    found = estimate(wanted(), CPU, [other], Room(16, 4 * GIB))
    assert (found.verdict, found.evict) == (verdict, evict)
    assert bool(found.advice) is (verdict in {"waits", "too_large"})


def test_too_large_says_what_would_fit() -> None:
    found = estimate(wanted(LoadOptions(context=1 << 20, parallel=8)), CPU, [], Room(16, 2 * GIB))
    assert found.verdict == "too_large"
    assert "lower the context to" in found.advice[0].text


def test_a_place_for_one_model_more_is_wanted_too() -> None:
    found = estimate(wanted(), CPU, [Resident("a", busy=True)], Room(1, 4 * GIB))
    assert (found.verdict, found.advice) == ("waits", ())


def test_as_many_layers_go_to_the_gpu_as_fit() -> None:
    gpu = Machine(4, gpu=True)
    half = estimate(wanted(LoadOptions(context=1024, gpu_layers=-1)), gpu, [], Room(16, 8 * GIB, 5 * GIB // 4))
    assert 0 < (half.options.gpu_layers or 0) < 10
    fixed = estimate(wanted(LoadOptions(context=1024, gpu_layers=2)), gpu, [], Room(16, 8 * GIB, 5 * GIB // 4))
    assert fixed.options.gpu_layers == 2


def test_without_counting_memory_all_fits() -> None:
    found = estimate(wanted(), CPU, [], Room(16))
    assert (found.verdict, found.free) == ("fits", None)
