"""What a tiny model thinks of a text, computed by MLX in one pass over each window: no server, no forcing."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx_lm.utils import load

from dovetail.bench.quality import windows
from dovetail.demo import models_dir


def logprobs(tokens: Sequence[int], positions: int, window: int, folder: Path | None = None) -> np.ndarray[Any, Any]:
    """Log probabilities of the whole vocabulary, a row for each scored place."""
    model = cast("Any", load(str(folder or models_dir() / "tiny-mlx"))[0])
    rows: list[np.ndarray[Any, Any]] = []
    for each in windows(len(tokens), positions, window):
        logits = model(mx.array([list(tokens[each.start : each.end])]))[0].astype(mx.float32)
        scored = np.array(logits[each.scored - each.start - 1 : each.end - each.start - 1], dtype=np.float64)
        rows.append(
            scored
            - np.log(np.exp(scored - scored.max(1, keepdims=True)).sum(1, keepdims=True))
            - scored.max(1, keepdims=True)
        )
    return np.concatenate(rows)


def places(tokens: int, positions: int, window: int) -> list[int]:
    return [place for each in windows(tokens, positions, window) for place in range(each.scored, each.end)]


def perplexity(tokens: Sequence[int], positions: int, window: int) -> float:
    found = logprobs(tokens, positions, window)
    losses = [-found[row, tokens[place]] for row, place in enumerate(places(len(tokens), positions, window))]
    return math.exp(sum(losses) / len(losses))
