"""`/v1/embeddings` as llama-server serves it: the body checked, the answer written.

Beyond llama-server's fields there is `pooling`: that server pools as it was started to, this worker as it is asked.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.adapter import AdapterChoice, read_adapter
from dovetail.workers.mlx.pooling import Pooling
from dovetail.workers.mlx.protocol import Fields, RequestError, mixed

MAX_TEXTS = 2048
_POOLINGS: Mapping[str, Pooling] = {"mean": "mean", "cls": "cls", "last": "last"}


@dataclass(frozen=True, slots=True)
class Embed:
    """A checked request; `texts` are strings and ids, mixed as llama-server lets them be."""

    texts: tuple[tuple[str | int, ...], ...]
    pooling: Pooling
    normalize: bool
    as_base64: bool
    adapter: AdapterChoice | None


def read_embed(body: JsonObject, n_vocab: int) -> Embed:
    fields = Fields(body)
    value = fields.get("input")
    several = isinstance(value, list) and not all(isinstance(item, int) for item in value)
    texts = cast("list[Json]", value) if several else [value]
    if not 0 < len(texts) <= MAX_TEXTS:
        raise RequestError(f'"input" takes 1 to {MAX_TEXTS} texts')
    found = tuple(mixed(text, "input", n_vocab) for text in texts)
    if not all(part not in ((), ("",)) for part in found):
        raise RequestError("Input content cannot be empty")
    asked = fields.get("pooling")
    pooling = _POOLINGS.get("mean" if asked is None else str(asked))
    if pooling is None:
        raise RequestError(f"Field 'pooling': must be one of {', '.join(_POOLINGS)}")
    encoding = fields.get("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise RequestError("The format to return the embeddings in. Can be either float or base64")
    return Embed(
        found,
        pooling,
        normalize=_normalize(fields),
        as_base64=encoding == "base64",
        adapter=read_adapter(body),
    )


def answer(model: str, vectors: Sequence[bytes], tokens: int, *, as_base64: bool) -> JsonObject:
    data: list[Json] = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector).decode() if as_base64 else _floats(vector),
        }
        for index, vector in enumerate(vectors)
    ]
    return {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _normalize(fields: Fields) -> bool:
    norm = fields.integer("embd_normalize", 2, -1)
    if norm not in (-1, 2):
        raise RequestError("Field 'embd_normalize': must be 2 (Euclidean) or -1 (none)")
    return norm == 2


def _floats(vector: bytes) -> list[Json]:
    numbers = array("f")
    numbers.frombytes(vector)
    return list(numbers)
