"""A worker is ready when its model has computed something, unless it was told not to."""

from __future__ import annotations

import mlx.core as mx
import pytest

from dovetail.demo import models_dir
from dovetail.workers.mlx import load


@pytest.mark.accept("E19")
@pytest.mark.parametrize("warm", [True, False])
def test_a_model_that_is_loaded_has_decoded(monkeypatch: pytest.MonkeyPatch, warm: bool) -> None:
    evaluated: list[tuple[int, ...]] = []
    evaluate = mx.eval  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def spy(*trees: mx.array) -> None:
        evaluated.extend(getattr(tree, "shape", ()) for tree in trees)  # the weights are a tree of arrays
        evaluate(*trees)  # pyright: ignore[reportUnknownMemberType]

    folder = models_dir() / "tiny-mlx"
    monkeypatch.setattr(load.mx, "eval", spy)
    loaded = load.load(folder) if warm else load.load(folder, warmup=False)
    assert ((1, 1, loaded.n_vocab) in evaluated) is warm, evaluated
