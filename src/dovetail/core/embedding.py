"""What is asked of a model that turns texts into vectors or ranks them, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dovetail.core.model import Adapter, Pooling

Text: TypeAlias = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed, whatever dialect asked for it.

    inputs      texts, or token ids taken as they are; none is empty
    pooling     how the hidden states of a text become one vector; None: as the model was made to, else their mean
    normalize   whether every vector is given the length 1
    adapter     a LoRA that is applied, as in a GenerateRequest
    dimensions  how many of a vector's first numbers are kept, before it is normalised again; None: all
    """

    id: str
    model: str
    inputs: tuple[Text, ...]
    pooling: Pooling | None = None
    normalize: bool = True
    dimensions: int | None = None
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each input, in order: float32 in this machine's byte order. `tokens` were read in all.

    loading   seconds of waiting for the model, 0 where it was there
    """

    vectors: tuple[bytes, ...]
    tokens: int
    loading: float = 0.0


@dataclass(frozen=True, slots=True)
class RankRequest:
    """Documents to be ranked by how well they answer `query`; the best `top_n` are wanted, None: all."""

    id: str
    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """A document by its place in the request, with the model's own score: higher is better, no scale is promised."""

    document: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The documents wanted, best first. `tokens` were read in all."""

    ranks: tuple[Rank, ...]
    tokens: int
