"""Vectors as they were asked for: shortened, at length 1, and proved to be numbers."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

from dovetail.core.errors import EngineFailure, InvalidRequest


def shaped(vectors: Iterable[bytes], dimensions: int | None, *, normalize: bool) -> list[bytes]:
    """float32 vectors of at most `dimensions` numbers; those cut short are given the length 1 again with `normalize`.

    Takes milliseconds for thousands of vectors: not on an event loop. Raises InvalidRequest when a vector has fewer
    numbers, EngineFailure when one holds NaN or infinity.
    """
    return [_shaped(vector, dimensions, normalize=normalize) for vector in vectors]


def _shaped(vector: bytes, dimensions: int | None, *, normalize: bool) -> bytes:
    numbers = array("f")
    numbers.frombytes(vector)
    if not math.isfinite(math.fsum(numbers)):
        raise EngineFailure("the model's output is not a number", code="model_output_invalid")
    if dimensions is None or dimensions == len(numbers):
        return vector
    if dimensions > len(numbers):
        raise InvalidRequest(
            f"dimensions is {dimensions}, and this model's vectors have {len(numbers)} numbers", param="dimensions"
        )
    kept = numbers[:dimensions]
    if normalize and (length := math.hypot(*kept)):
        kept = array("f", [number / length for number in kept])
    return kept.tobytes()
