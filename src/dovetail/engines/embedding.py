"""Embeddings and rankings as both workers speak them, llama-server's way.

Field names: llama.cpp tools/server README; measured in llama.cpp b11549. `pooling` and `adapter` are read by the MLX
worker alone: llama-server pools, and applies an adapter, as it was started to.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import cast

from dovetail.core.embedding import Embeddings, EmbedRequest, Rank, Ranking, Text
from dovetail.core.errors import EngineFailure
from dovetail.core.model import Pooling
from dovetail.core.request import Json, JsonObject
from dovetail.engines import wire
from dovetail.engines.base import WorkerCall

_EUCLIDEAN, _AS_IT_IS = 2, -1


def encode(request: EmbedRequest, inputs: Sequence[Text], pooling: Pooling) -> WorkerCall:
    """The worker's call for some of a request's inputs."""
    texts: list[Json] = [text if isinstance(text, str) else list(text) for text in inputs]
    body: JsonObject = {
        "input": texts,
        "encoding_format": "base64",
        "embd_normalize": _EUCLIDEAN if request.normalize else _AS_IT_IS,
        "pooling": pooling,
    }
    if request.adapter is not None:
        body["adapter"] = wire.adapter(request.adapter)
    return WorkerCall("/v1/embeddings", body)


def decode(answer: JsonObject, count: int) -> Embeddings:
    """The answer to `encode` of `count` inputs. Raises EngineFailure when it is something else."""
    try:
        found = cast("list[dict[str, Json]]", answer["data"])
        by_index = {cast("int", item["index"]): base64.b64decode(cast("str", item["embedding"])) for item in found}
        vectors = tuple(by_index[index] for index in range(count))
        tokens = wire.usage_from(cast("JsonObject", answer["usage"])).prompt
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _misshapen("/v1/embeddings") from error
    width = len(vectors[0]) if vectors else 0
    if not width or width % 4 or any(len(vector) != width for vector in vectors):
        raise _misshapen("/v1/embeddings")
    return Embeddings(vectors, tokens)


def encode_ranking(query: str, documents: Sequence[str]) -> WorkerCall:
    """The worker's call for some of a request's documents."""
    return WorkerCall("/v1/rerank", {"query": query, "documents": list(documents)})


def decode_ranking(answer: JsonObject, count: int) -> Ranking:
    """The answer to `encode_ranking` of `count` documents, in their order."""
    try:
        found = cast("list[dict[str, Json]]", answer["results"])
        scores = {cast("int", item["index"]): float(cast("float", item["relevance_score"])) for item in found}
        ranks = tuple(Rank(index, scores[index]) for index in range(count))
        tokens = cast("dict[str, int]", answer["usage"])["prompt_tokens"]
    except (KeyError, TypeError, ValueError) as error:
        raise _misshapen("/v1/rerank") from error
    return Ranking(ranks, tokens)


def _misshapen(path: str) -> EngineFailure:
    return EngineFailure(f"the worker's answer to {path} does not follow the protocol")
