"""How weights lie in memory where the processor computes: quicker to multiply by, and the same."""

from __future__ import annotations

from typing import Any, cast

import pytest

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")

from dovetail.workers.mlx.load import lay_in_columns  # noqa: E402


def by_column(layer: Any) -> bool:
    strides = memoryview(layer.weight).strides
    return bool(strides) and strides[0] == 4


@pytest.mark.parametrize("tokens", [1, 5])
def test_columns_give_the_same_numbers(tokens: int) -> None:
    mx.random.seed(5)
    layers: list[Any] = [nn.Embedding(50, 24), nn.Linear(24, 40, bias=False), nn.Linear(40, 50)]
    model: Any = nn.Sequential(*layers)
    asked = mx.arange(tokens)
    before = model(asked)
    mx.eval(before)
    shapes = [layer.weight.shape for layer in layers]
    lay_in_columns(model)
    assert [layer.weight.shape for layer in layers] == shapes
    assert all(by_column(layer) for layer in layers)
    assert cast("bool", mx.allclose(model(asked), before, rtol=0, atol=1e-6))


def test_other_weights_stay_as_they_are() -> None:
    half: Any = nn.Linear(24, 40)
    half.set_dtype(mx.float16)
    packed: Any = nn.QuantizedLinear.from_linear(nn.Linear(64, 64))
    kept = packed.weight
    lay_in_columns(nn.Sequential(half, packed))
    assert not by_column(half)
    assert packed.weight is kept
