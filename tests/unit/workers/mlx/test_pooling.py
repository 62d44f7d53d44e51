"""Texts to vectors over small random models: chunks change nothing, and a failure is one text's own."""

from __future__ import annotations

import math
import queue
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

mx = pytest.importorskip("mlx.core")

from dovetail.workers.mlx.adapters import Adapters  # noqa: E402
from dovetail.workers.mlx.embeddings import read_embed  # noqa: E402
from dovetail.workers.mlx.load import Loaded  # noqa: E402
from dovetail.workers.mlx.pooling import Pooling, Reading, Text, Texts  # noqa: E402
from dovetail.workers.mlx.protocol import RequestError  # noqa: E402

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Build, Kind, Small

    from dovetail.core.request import JsonObject

VOCABULARY = 97
TOKENS = tuple((7 * n) % VOCABULARY for n in range(40))
POOLINGS: list[Pooling] = ["mean", "cls", "last"]


def loaded(small: Small) -> Loaded:
    nothing = cast("Any", None)
    adapters, none = Adapters(small.model, small.fresh), Path("/none")
    return Loaded(small.model, nothing, nothing, None, VOCABULARY, none, small.fresh, batched=True, adapters=adapters)


def read(small: Small, text: Text, step: int) -> list[float]:
    reading = Reading(small.model, text, small.fresh())
    while not reading.advance(step):
        pass
    return array("f", reading.vector()).tolist()


@pytest.mark.parametrize("kind", ["plain", "window"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_chunks_change_nothing(build: Build, kind: Kind, pooling: Pooling) -> None:
    small = build(kind)
    text = Text(TOKENS, pooling, normalize=True)
    whole = read(small, text, 64)
    assert math.hypot(*whole) == pytest.approx(1.0, abs=1e-5)
    for step in (1, 7, 40):
        assert read(small, text, step) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_pooled_states_are_those_of_the_model(small: Small, pooling: Pooling) -> None:
    states = cast("Any", small.model).model(mx.array([TOKENS]))[0]
    wanted = {"mean": states.mean(axis=0), "cls": states[0], "last": states[-1]}[pooling]
    assert read(small, Text(TOKENS, pooling, normalize=False), 16) == pytest.approx(wanted.tolist(), abs=1e-4)


def test_a_model_without_states_to_show_says_so(build: Build) -> None:
    texts, text = Texts(), Text(TOKENS, "mean", normalize=True)
    texts.submit(text)
    texts.advance(loaded(build("recurrent")), 16)
    with pytest.raises(RequestError, match="hidden states"):
        text.vector.result(timeout=0)
    assert not texts.pending


def test_one_chunk_of_one_text_a_turn(small: Small) -> None:
    texts = Texts()
    several = [Text(TOKENS, "mean", normalize=True) for _ in range(3)]
    for text in several:
        texts.submit(text)
    several[1].vector.cancel()
    turns = 0
    while texts.pending:
        texts.advance(loaded(small), 16)
        turns += 1
    assert turns == 6  # three chunks for each of two
    assert several[0].vector.result(timeout=0) == several[2].vector.result(timeout=0)


def test_a_failure_is_one_texts_own(small: Small) -> None:
    def poisoned(tokens: Any, cache: Any) -> Any:
        if tokens[0, 0].item() == 13:
            raise MemoryError("no room")
        states = cast("Any", small.model).model(tokens, cache=cache)
        return states * float("nan") if tokens[0, 0].item() == 14 else states

    def odd(tokens: Any, cache: Any) -> Any:
        del cache
        return tokens

    model = cast("Any", lambda: None)
    model.model = poisoned
    texts = Texts()
    found = [Text((first, 1, 2), "mean", normalize=True) for first in (13, 14, 15)]
    for text in found:
        texts.submit(text)
    while texts.pending:
        texts.advance(loaded(small._replace(model=model)), 16)
    assert isinstance(found[0].vector.exception(timeout=0), MemoryError)
    assert "not a number" in str(found[1].vector.exception(timeout=0))
    assert len(found[2].vector.result(timeout=0)) == 32 * 4
    model.model = odd
    with pytest.raises(RequestError, match="hidden states"):
        Reading(model, found[0], small.fresh()).advance(16)


def test_what_is_left_at_the_end_fails(small: Small) -> None:
    texts = Texts(limit=2)
    begun, waiting = Text(TOKENS, "mean", normalize=True), Text(TOKENS, "mean", normalize=True)
    texts.submit(begun)
    texts.advance(loaded(small), 16)
    texts.submit(waiting)
    texts.submit(Text(TOKENS, "mean", normalize=True))
    with pytest.raises(queue.Full):
        texts.submit(Text(TOKENS, "mean", normalize=True))
    texts.abandon(RequestError("the end"))
    assert [str(text.vector.exception(timeout=0)) for text in (begun, waiting)] == ["the end"] * 2
    assert not texts.pending


REFUSED: list[dict[str, Any]] = [
    {},
    {"input": None},
    {"input": []},
    {"input": ""},
    {"input": ["a", ""]},
    {"input": [[]]},
    {"input": [1, -1]},
    {"input": [[VOCABULARY]]},
    {"input": [True]},
    {"input": {"a": 1}},
    {"input": ["a"] * 2049},
    {"input": "a", "pooling": "rank"},
    {"input": "a", "pooling": 5},
    {"input": "a", "embd_normalize": 1},
    {"input": "a", "encoding_format": "int8"},
]


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: str(body)[:30])
def test_bodies_that_are_refused(body: JsonObject) -> None:
    with pytest.raises(RequestError) as refused:
        read_embed(body, VOCABULARY)
    assert refused.value.status == 400


def test_inputs_in_every_form() -> None:
    assert read_embed({"input": "a"}, VOCABULARY).texts == (("a",),)
    assert read_embed({"input": [1, 2]}, VOCABULARY).texts == ((1, 2),)
    assert read_embed({"input": ["a", [1, 2]]}, VOCABULARY).texts == (("a",), (1, 2))
