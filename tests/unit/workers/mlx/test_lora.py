"""LoRA by rows: what mlx-lm computes for one adapter, what each row would compute alone, and nothing for the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

from mlx import nn  # noqa: E402
from tests.unit.workers.mlx.conftest import Small  # noqa: E402
from tests.unit.workers.mlx.lora_files import choice, linears, random_factors, write  # noqa: E402

from dovetail.workers.mlx.adapter import AdapterError  # noqa: E402
from dovetail.workers.mlx.adapters import Adapters  # noqa: E402
from dovetail.workers.mlx.batch import Batch, Cache, Model, Prefill, Row  # noqa: E402
from dovetail.workers.mlx.lora import Applied, applying, space_of  # noqa: E402
from dovetail.workers.mlx.sampling import GREEDY, Sampling  # noqa: E402

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Build, Kind

TOKENS = mx.array([[1, 2, 3, 4], [9, 8, 7, 6], [50, 60, 70, 80]])
KINDS: list[Kind] = ["plain", "window", "recurrent"]


def small_of(build: Build, kind: Kind, *, quantised: bool = False) -> Small:
    """A model of the test's own: adapters stay with the model that they were loaded for."""
    small = build(kind)
    if quantised:
        nn.quantize(  # pyright: ignore[reportUnknownMemberType]
            cast("Any", small.model),
            group_size=32,
            bits=8,
            class_predicate=lambda _, module: isinstance(module, nn.Linear) and module.weight.shape[1] % 32 == 0,
        )
    return small


def logits(small: Small, tokens: Any = TOKENS, *rows: Applied | None) -> Any:
    with applying(rows):
        found = small.model(tokens, cache=list(small.fresh().layers))
    mx.eval(found)
    return found


@pytest.mark.parametrize("quantised", [False, True])
def test_one_adapter_gives_what_mlx_lm_gives(build: Build, tmp_path: Path, *, quantised: bool) -> None:
    from mlx_lm.tuner.utils import load_adapters

    small, twin = small_of(build, "plain", quantised=quantised), small_of(build, "plain", quantised=quantised)
    folder = write(tmp_path / "a", random_factors(linears(small.model), rank=4, seed=1), scale=0.7)
    bare = logits(small)
    assert any(type(module) is nn.QuantizedLinear for module in cast("Any", small.model).modules()) == quantised
    applied = Adapters(small.model, small.fresh).apply(choice(folder))
    load_adapters(cast("nn.Module", twin.model), str(folder)).eval()
    wanted = logits(twin)
    assert not mx.allclose(wanted, bare, atol=0.1)
    assert mx.array_equal(logits(small, TOKENS, applied, applied, applied), wanted)
    # Having adapters changes nothing for the base model.
    assert mx.array_equal(logits(small), bare)
    assert mx.array_equal(logits(small, TOKENS, None, None, None), bare)


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_has_its_own_adapter(build: Build, tmp_path: Path, kind: Kind) -> None:
    small = small_of(build, kind)
    shapes = linears(small.model)
    bare = logits(small)
    some = dict(list(shapes.items())[::2])
    first = write(tmp_path / "a", random_factors(shapes, rank=4, seed=1))
    other = write(tmp_path / "b", random_factors(some, rank=2, seed=2, dtype=mx.float16), rank=2)
    adapters = Adapters(small.model, small.fresh)
    a, half, b = adapters.apply(choice(first)), adapters.apply(choice(first, 0.5)), adapters.apply(choice(other))
    for rows in ((None, a, b), (b, None, half), (a, half, b), (None, None, a)):
        mixed = logits(small, TOKENS, *rows)
        for index, row in enumerate(rows):
            alone = logits(small, TOKENS, row, row, row)[index]
            assert mx.allclose(mixed[index], alone, rtol=1e-3, atol=1e-3)
            if row is None:
                assert mx.array_equal(mixed[index], bare[index])
            else:
                assert not mx.allclose(alone, bare[index], atol=0.1)


def drawn(small: Small, rows: list[Row]) -> list[list[int]]:
    batch = Batch(small.model)
    for row in rows:
        prefill = Prefill(small.model, row, small.fresh(), None, 0)
        while not prefill.done:
            prefill.advance(4)
        batch.join(prefill)
    found: dict[Row, list[int]] = {row: [] for row in rows}
    for _ in range(12):
        for token in batch.step():
            found[token.row].append(token.token)
    return list(found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_different_adapters_draw_what_they_draw_alone(build: Build, tmp_path: Path, kind: Kind) -> None:
    small = small_of(build, kind)
    shapes = linears(small.model)
    adapters = Adapters(small.model, small.fresh)
    folders = [write(tmp_path / str(seed), random_factors(shapes, rank=4, seed=seed)) for seed in (1, 2)]
    a, b = (adapters.apply(choice(folder)) for folder in folders)

    def rows() -> list[Row]:
        return [Row([5, 6, 7, 8, 9], Sampling(GREEDY, 1), adapter=adapter) for adapter in (None, a, b, a)]

    alone = [drawn(small, [row])[0] for row in rows()]
    assert drawn(small, rows()) == alone
    assert alone[1] == alone[3]
    assert len({tuple(tokens) for tokens in alone}) == 3


def test_scales_multiply_and_zero_is_the_base(build: Build, tmp_path: Path) -> None:
    small = small_of(build, "plain")
    arrays = random_factors(linears(small.model), rank=4, seed=1)
    adapters = Adapters(small.model, small.fresh)
    negated = write(tmp_path / "n", arrays, scale=-0.5)
    as_written, asked = (
        adapters.apply(choice(negated)),
        adapters.apply(choice(write(tmp_path / "a", arrays, scale=2.0), -0.25)),
    )
    one, other = logits(small, TOKENS, *[as_written] * 3), logits(small, TOKENS, *[asked] * 3)
    assert mx.array_equal(one, other)
    assert not mx.allclose(one, logits(small), atol=0.1)
    assert adapters.apply(choice(negated, 0.0)) is None
    with pytest.raises(AdapterError):
        adapters.apply(choice(tmp_path / "none", 0.0))


def test_the_least_recently_used_goes_and_a_row_keeps_its_own(build: Build, tmp_path: Path) -> None:
    small = small_of(build, "plain")
    shapes = linears(small.model)
    folders = [write(tmp_path / str(seed), random_factors(shapes, rank=4, seed=seed)) for seed in range(3)]
    adapters = Adapters(small.model, small.fresh, resident=2)

    def load(number: int) -> Applied:
        applied = adapters.apply(choice(folders[number]))
        assert applied is not None
        return applied

    first = load(0)
    before = logits(small, TOKENS, first, None, None)
    second = load(1)
    assert load(0).adapter is first.adapter
    load(2)
    assert len(adapters) == 2
    assert load(0).adapter is first.adapter
    assert load(1).adapter is not second.adapter
    assert mx.array_equal(logits(small, TOKENS, first, None, None), before)
    again = logits(small, TOKENS, load(0), load(1), None)
    assert mx.allclose(again[0], before[0], atol=1e-3)
    assert mx.allclose(again[1], logits(small, TOKENS, second, second, None)[1], atol=1e-3)
    another = small_of(build, "plain")
    few = Adapters(another.model, another.fresh, resident_bytes=first.adapter.nbytes * 3 // 2)
    for folder in folders:
        few.apply(choice(folder))
    assert len(few) == 1


def test_a_file_that_has_changed_is_loaded_anew(build: Build, tmp_path: Path) -> None:
    small = small_of(build, "plain")
    shapes = linears(small.model)
    adapters = Adapters(small.model, small.fresh)
    folder = write(tmp_path / "a", random_factors(shapes, rank=4, seed=1))
    old = adapters.apply(choice(folder))
    write(folder, random_factors(shapes, rank=4, seed=2))
    new = adapters.apply(choice(folder))
    assert not mx.allclose(logits(small, TOKENS, *[old] * 3), logits(small, TOKENS, *[new] * 3), atol=0.1)
    assert space_of("", old) != space_of("", new)
    # The same files elsewhere are the same adapter; another scale is not.
    twin = write(tmp_path / "b", random_factors(shapes, rank=4, seed=2))
    assert space_of("", adapters.apply(choice(twin))) == space_of("", new)
    assert len({space_of("", found) for found in (None, new, adapters.apply(choice(twin, 0.5)))}) == 3


class Straight(nn.Module):
    """A model that uses the weight of one layer itself, and flattens what it gives to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(97, 32)
        self.first = nn.Linear(32, 32)
        self.blocks = [nn.Linear(32, 32, bias=False)]
        self.flat = nn.Linear(32, 97)

    def __call__(self, tokens: Any, cache: Any) -> Any:
        del cache
        x = self.blocks[0](self.embed_tokens(tokens)) @ self.first.weight.T
        return mx.reshape(self.flat(mx.reshape(x, (-1, 32))), (*tokens.shape, 97))


@pytest.mark.parametrize("module", ["first", "flat"])
def test_a_layer_that_would_leave_the_adapter_out_is_refused(tmp_path: Path, module: str) -> None:
    small = Small(cast("Model", Straight()), lambda: Cache(()))
    bare, shapes = logits(small), linears(small.model)
    adapters = Adapters(small.model, small.fresh)
    folder = write(tmp_path / "a", random_factors({module: shapes[module]}, rank=4, seed=1))
    with pytest.raises(AdapterError, match=f"{module} is not computed row by row"):
        adapters.apply(choice(folder))
    assert mx.array_equal(logits(small), bare)
    fits = write(tmp_path / "b", random_factors({"blocks.0": shapes["blocks.0"]}, rank=4, seed=1))
    assert not mx.allclose(logits(small, TOKENS, *[adapters.apply(choice(fits))] * 3), bare, atol=1e-3)
