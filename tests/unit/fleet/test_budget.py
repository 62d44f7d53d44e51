"""The arithmetic of memory: by hand for models small enough, by property for the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.model import Attention, LoadOptions, Model, Shape, Weights
from dovetail.engines.base import Machine
from dovetail.fleet.budget import Need, corrected, limit, most_layers, need
from dovetail.fleet.guidance import Shortage, changes, size, suggestions
from dovetail.fleet.placement import Resident

X86, ARM = Machine(2, arch="x86_64"), Machine(2, arch="arm64")
MIB, GIB = 1 << 20, 1 << 30
# Qwen2 0.5 B's sizes with a vocabulary of 32,768, as `benchmarks/models.py` makes it.
Q05 = Shape("llama", 8192, 24, 896, 14, 2, 64, 32_768, attention=(Attention(24, 128, 128),), feed_forward=4864)
OPTIONS = LoadOptions(context=4096, parallel=4, batch=512, ubatch=512)


def gguf(shape: Shape = Q05, weights: Weights = Weights(), weight: int = 443_502_848) -> Model:  # noqa: B008
    return Model("m", "gguf", Path("/m.gguf"), size=weight, shape=shape, weights=weights)


def mlx(shape: Shape = Q05, quantisation: str = "F32") -> Model:
    return Model("m", "mlx", Path("/m"), size=100 * MIB, shape=shape, quantisation=quantisation)


@pytest.mark.accept("E20")
def test_kv_is_context_times_slots_times_what_a_token_leaves() -> None:
    found = need(gguf(), OPTIONS, X86)
    assert found.kv == 4096 * 4 * 24 * (128 + 128) * 2
    assert need(gguf(), replace(OPTIONS, context=4000), X86).kv == found.kv, "llama.cpp pads the context to 256"
    assert need(gguf(), replace(OPTIONS, parallel=1), X86).kv == found.kv // 4
    types = replace(OPTIONS, cache_type_k="q8_0", cache_type_v="q4_0")
    assert need(gguf(), types, X86).kv == 4096 * 4 * 24 * 128 * 34 // 32 + 4096 * 4 * 24 * 128 * 18 // 32


# PSS of a worker right after a load, and after prompts had filled its slots, in MiB: xllamacpp b11549 on x86.
@pytest.mark.parametrize(
    ("options", "standing", "peak"),
    [
        (replace(OPTIONS, parallel=1), 505.5, 543.8),
        (OPTIONS, 650.9, 690.7),
        (replace(OPTIONS, parallel=1, batch=128, ubatch=128), 505.6, 515.9),
        (LoadOptions(context=256, parallel=1, ubatch=256), 460.5, 478.8),
    ],
)
def test_the_estimate_is_near_what_was_measured(options: LoadOptions, standing: float, peak: float) -> None:
    found = need(gguf(), options, X86)
    assert found.standing / MIB == pytest.approx(standing, rel=0.05)
    assert found.ram / MIB == pytest.approx(peak, rel=0.05)


def test_layers_with_a_window_keep_less_and_some_checkpoints() -> None:
    windowed = replace(Q05, attention=(Attention(20, 128, 128, 512), Attention(4, 128, 128)))
    found = need(gguf(windowed), OPTIONS, X86)
    token = 256 * 2
    assert found.kv == 4 * token * (20 * 1024 + 4 * 4096)
    assert found.cache == 2 * 4 * token * 20 * 1024
    short = replace(OPTIONS, context=512)
    assert need(gguf(windowed), short, X86).kv == 4 * token * 24 * 512, "no more than the context"


def test_a_state_is_kept_for_each_slot_whatever_the_context() -> None:
    recurrent = replace(Q05, attention=(Attention(0, 0, 0),), state=1000)
    assert need(gguf(recurrent), OPTIONS, X86).kv == 4 * 4000
    assert need(gguf(recurrent), replace(OPTIONS, context=8192), X86).kv == 4 * 4000


def test_an_unknown_model_is_thought_to_be_wide() -> None:
    unknown = need(gguf(Shape(layers=24, width=896)), OPTIONS, X86)
    known = need(gguf(), OPTIONS, X86)
    assert unknown.kv > known.kv
    assert need(gguf(Shape()), OPTIONS, X86).kv == 0


@pytest.mark.parametrize(
    ("kind", "machine", "copied"),
    [("Q4_K", X86, True), ("Q8_0", X86, False), ("Q8_0", ARM, True), ("F16", ARM, False)],
)
def test_what_is_repacked_is_there_twice(kind: str, machine: Machine, copied: bool) -> None:
    found = need(gguf(weights=Weights(matrices=((kind, 400 * MIB),))), OPTIONS, machine)
    assert found.copies == (400 * MIB if copied else 0)


def test_files_beside_the_model_and_scores_count() -> None:
    plain = need(gguf(), OPTIONS, X86)
    more = need(gguf(), OPTIONS, X86, projector=10 * MIB, adapter=MIB)
    assert more.weights - plain.weights == (10 + 64 + 1) * MIB
    drafted = need(gguf(), OPTIONS, X86, draft=443_502_848 // 4)
    assert drafted.weights - plain.weights == 443_502_848 // 4
    assert drafted.kv == plain.kv * 5 // 4
    slow = need(gguf(), replace(OPTIONS, flash_attention=False), X86)
    assert slow.scratch - plain.scratch == 512 * 4 * 14 * 4096
    assert need(gguf(), replace(OPTIONS, cache_ram=GIB), X86).cache == GIB


def test_mlx_takes_kv_as_it_fills() -> None:
    found = need(mlx(), replace(OPTIONS, parallel=1, cache_ram=7), X86)
    kv = 4096 * 24 * 256 * 4
    assert (found.kv, found.cache, found.kv_grows) == (kv, 7, True)
    assert found.standing == found.process + 100 * MIB
    assert need(mlx(), OPTIONS, X86).kv == 4 * kv * 3 // 2, "a batch is copied when it changes"
    assert need(mlx(quantisation="4bit"), replace(OPTIONS, parallel=1), X86).kv == kv // 2
    windowed = replace(Q05, attention=(Attention(24, 128, 128, 512),))
    assert need(mlx(windowed), replace(OPTIONS, parallel=1), X86).kv == 512 * 24 * 256 * 4


def test_mlx_is_in_the_memory_of_a_gpu_that_has_its_own() -> None:
    shared, own = Machine(2, gpu=True), Machine(2, gpu=True, vram=True)
    options = replace(OPTIONS, parallel=1, cache_ram=GIB)
    ram, there = need(mlx(), options, shared), need(mlx(), options, own)
    assert (ram.device, ram.ram - ram.process) == (0, 100 * MIB + ram.kv + ram.scratch + GIB)
    assert there.device == ram.ram - ram.process + 768 * MIB
    assert there.ram == ram.process + 1536 * MIB
    assert need(mlx(), replace(options, gpu_layers=0), own).device == 0, "its engine computes on the processor"


@pytest.mark.parametrize(("slots", "layers", "seen"), [(32, 23, 5532), (8, 23, 3420), (8, 11, 2048)])
def test_what_a_gpu_holds_is_near_what_was_measured_on_an_h200(slots: int, layers: int, seen: int) -> None:
    """A Llama of 1.1 B in F16 with 4,096 tokens a slot: MiB by the driver, xllamacpp b11549 with CUDA 13."""
    attention = (Attention(22, 256, 256),)
    shape = Shape("llama", 8192, 22, 2048, 32, 4, 64, 32_768, attention=attention, feed_forward=5632)
    size, table = 2_207_745_568, 2 * 32_768 * 2048
    model = gguf(shape, Weights(layers=((size - 2 * table) // 22,) * 22, output=table), size)
    options = LoadOptions(context=4096, parallel=slots, gpu_layers=layers, batch=2048, ubatch=512)
    assert need(model, options, X86).device / MIB == pytest.approx(seen, rel=0.06)


def test_layers_on_a_gpu_leave_ram() -> None:
    model = gguf(weights=Weights(layers=(10 * MIB,) * 24, output=30 * MIB))
    ram = need(model, OPTIONS, X86)
    half = need(model, replace(OPTIONS, gpu_layers=12), X86)
    assert half.weights == ram.weights - 120 * MIB
    assert half.kv == ram.kv // 2
    assert half.device == 120 * MIB + ram.kv // 2 + half.scratch + 768 * MIB, "CUDA's own is in it"
    assert half.process - ram.process == 448 * MIB
    whole = need(model, replace(OPTIONS, gpu_layers=999), X86)
    assert whole.weights == ram.weights - 270 * MIB
    assert (whole.kv, whole.copies) == (0, 0)


@given(free=st.integers(0, 1 << 30))
def test_the_most_layers_fit_and_one_more_does_not(free: int) -> None:
    model = gguf(weights=Weights(layers=tuple(n * MIB for n in range(1, 25)), output=30 * MIB))
    count = most_layers(model, OPTIONS, X86, free)
    assert 0 <= count <= 25
    assert count == 0 or need(model, replace(OPTIONS, gpu_layers=count), X86).device <= free
    assert count == 25 or need(model, replace(OPTIONS, gpu_layers=count + 1), X86).device > free


def test_what_was_measured_corrects_what_stands_and_not_what_may_grow() -> None:
    found = Need(process=10, weights=100, kv=50, scratch=20)
    assert corrected(found, None, X86) == 180
    assert corrected(found, {"standing": 170, "peak": 0}, X86) == 190
    assert corrected(found, {"standing": 155, "peak": 0}, X86) == 175, "less than was thought"
    assert corrected(found, {"standing": 60, "peak": 0}, X86) == 170, "weights that are shared for now still count"
    assert corrected(found, {"standing": 60, "peak": 0}, Machine(2, gpu=True)) == 80
    assert corrected(found, {"standing": 155, "peak": 300}, X86) == 300
    assert corrected(found, {"standing": True, "peak": "x"}, X86) == 180


@pytest.mark.parametrize(("said", "bytes_"), [(None, 80), (50, 50), ("75%", 150), ("100 %", 200), ("12.5%", 25)])
def test_the_limit_is_bytes_a_share_or_most_of_what_is_free(said: int | str | None, bytes_: int) -> None:
    assert limit(said, 200, 100) == bytes_


# Guidance

WHOLE = LoadOptions(context=32_768, parallel=8, ubatch=512)


@given(free=st.integers(0, 6 * GIB), model=st.sampled_from([gguf(), mlx()]))
def test_each_change_makes_it_fit_and_no_smaller_one_would(free: int, model: Model) -> None:
    def takes(options: LoadOptions) -> int:
        return need(model, options, X86).ram

    shortage = Shortage(model, WHOLE, takes(WHOLE), free)
    if shortage.needed <= free:
        return
    said = changes(shortage, takes).split(", or ")
    assert 1 <= len(said) <= 3
    for each in said:
        *_, last = each.split()
        if each.startswith("lower the context"):
            assert takes(replace(WHOLE, context=int(last))) <= free < takes(replace(WHOLE, context=int(last) + 256))
        elif each.startswith("lower parallel"):
            assert takes(replace(WHOLE, parallel=int(last))) <= free < takes(replace(WHOLE, parallel=int(last) + 1))
        elif each.startswith("set cache_type"):
            assert takes(replace(WHOLE, cache_type_k=last, cache_type_v=last)) <= free  # type: ignore[arg-type]
        else:
            assert each.startswith(("take a smaller quantisation", "raise fleet.memory"))


@given(free=st.integers(0, 6 * GIB), model=st.sampled_from([gguf(), mlx()]))
def test_what_a_change_says_as_options_makes_it_fit(free: int, model: Model) -> None:
    def takes(options: LoadOptions) -> int:
        return need(model, options, X86).ram

    shortage = Shortage(model, WHOLE, takes(WHOLE), free)
    for change in suggestions(shortage, takes) if shortage.needed > free else ():
        if change.at_most is None and change.options:
            assert takes(replace(WHOLE, **dict(change.options))) <= free  # type: ignore[arg-type]
        else:
            assert change.text.startswith(("take a smaller quantisation", "raise fleet.memory"))


def test_the_fewest_others_are_named() -> None:
    others = [Resident("a", memory=10), Resident("b", memory=50), Resident("c", memory=45)]
    tight = Shortage(gguf(), WHOLE, 100, 10, others)
    assert "unload b and c" in changes(tight, lambda _: 100)
    assert "unload b" in changes(replace(tight, free=60), lambda _: 100).split(", or ")
    assert "unload" not in changes(replace(tight, free=-10), lambda _: 1000)
    assert [each.unload for each in suggestions(tight, lambda _: 100) if each.unload] == [("b", "c")]


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (0, 1023, 1536, 9.1 * GIB, 1 << 40)] == [
        *("0 bytes", "1023 bytes", "1.5 KiB", "9.1 GiB", "1.0 TiB")
    ]
