"""Embeddings and rankings: asked in bounded pieces, put together in order, recorded once."""

import asyncio
import base64
import tracemalloc
from array import array
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from dovetail.core.caller import Caller
from dovetail.core.embedding import Embeddings, EmbedRequest, Rank, Ranking, RankRequest, Text
from dovetail.core.errors import ContextTooLong, EngineFailure, InvalidRequest, ModelNotFound
from dovetail.core.events import Progress, Queued
from dovetail.core.model import Model, Pooling
from dovetail.core.request import JsonObject
from dovetail.engines.base import WorkerCall
from dovetail.serving.embed import CALL_INPUTS, CALL_SIZE, Embedder, pieces
from dovetail.serving.vectors import shaped

from .fakes import Catalog, Props, Recorder, Worker, model

pytestmark = pytest.mark.anyio

CALLER = Caller("test")
RANKER = replace(model("ranker"), pooling="rank")
LASTING = replace(model("lasting"), pooling="last")
Answer = Callable[[WorkerCall], JsonObject]


def floats(*numbers: float) -> bytes:
    return array("f", numbers).tobytes()


def lengths(call: WorkerCall) -> JsonObject:
    """Every text's vector is its length and 1."""
    texts = cast("list[str | list[int]]", call.body["input"])
    data = [{"index": i, "embedding": base64.b64encode(floats(len(t), 1)).decode()} for i, t in enumerate(texts)]
    return cast("JsonObject", {"data": data[::-1], "usage": {"prompt_tokens": len(texts)}})


def scores(call: WorkerCall) -> JsonObject:
    documents = cast("list[str]", call.body["documents"])
    results = [{"index": i, "relevance_score": len(text)} for i, text in enumerate(documents)]
    return cast("JsonObject", {"results": results, "usage": {"prompt_tokens": 2}})


@dataclass
class Lease:
    answer: Answer
    worker: Worker
    calls: list[WorkerCall]

    async def ready(self) -> AsyncGenerator[Progress, None]:
        for progress in ():
            yield progress

    async def call(
        self, call: WorkerCall, within: float, *, ahead: bool = False, tell: Callable[[Progress], None] = lambda _: None
    ) -> JsonObject:
        del within, ahead
        tell(Queued(2))
        self.calls.append(call)
        await asyncio.sleep(0)
        return self.answer(call)


@dataclass
class Pool:
    answer: Answer = lengths
    context: int = 0
    poolings: list[Pooling | None] = field(default_factory=list[Pooling | None])
    calls: list[WorkerCall] = field(default_factory=list[WorkerCall])

    @asynccontextmanager
    async def lease(self, model: Model, pooling: Pooling | None = None, *, caller: Caller) -> AsyncGenerator[Lease]:
        del caller, model
        self.poolings.append(pooling)
        yield Lease(self.answer, Worker(Props(self.context)), self.calls)


def embedder(pool: Pool) -> tuple[Embedder, Recorder]:
    recorder = Recorder()
    return Embedder(Catalog(model(), RANKER, LASTING), pool, recorder), recorder


async def embed(pool: Pool, *inputs: Text, name: str = "m", **fields: Any) -> Embeddings:
    return await embedder(pool)[0].embed(EmbedRequest("id", name, inputs, **fields), CALLER)


async def test_many_texts_are_asked_for_in_pieces_and_keep_their_order() -> None:
    pool = Pool()
    found = await embed(pool, *["x" * (n + 1) for n in range(70)], normalize=False)
    assert [array("f", vector)[0] for vector in found.vectors] == [float(n + 1) for n in range(70)]
    assert found.tokens == 70
    assert [len(cast("list[str]", call.body["input"])) for call in pool.calls] == [CALL_INPUTS, CALL_INPUTS, 6]


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([1], [1]),
        ([CALL_SIZE * 2, 1], [1, 1]),
        ([CALL_SIZE, 1, CALL_SIZE - 1, 1], [1, 2, 1]),
        ([1] * (CALL_INPUTS + 1), [CALL_INPUTS, 1]),
    ],
)
def test_pieces(sizes: Sequence[int], wanted: Sequence[int]) -> None:
    texts = ["x" * size for size in sizes]
    cut = list(pieces(texts))
    assert [len(piece) for piece in cut] == list(wanted)
    assert [text for piece in cut for text in piece] == texts


async def test_pooling_is_the_requests_then_the_models_then_the_mean() -> None:
    pool = Pool()
    await embed(pool, "a")
    await embed(pool, "a", name="lasting")
    await embed(pool, "a", name="lasting", pooling="cls")
    assert pool.poolings == ["mean", "last", "cls"]
    assert [call.body["pooling"] for call in pool.calls] == pool.poolings


async def test_what_cannot_be_embedded_is_refused_before_a_worker_is_asked() -> None:
    pool = Pool(context=10)
    with pytest.raises(InvalidRequest, match="rerank"):
        await embed(pool, "a", name="ranker")
    with pytest.raises(InvalidRequest, match="token id 100"):
        await embed(pool, (1, 100))
    with pytest.raises(ContextTooLong) as long:
        await embed(pool, "short", tuple(range(11)))
    assert (long.value.needed, long.value.available, long.value.param) == (11, 10, "input")
    with pytest.raises(ContextTooLong):
        await embed(pool, "x" * 81)
    assert pool.calls == []


async def test_a_worker_that_finds_a_text_too_long_names_the_field() -> None:
    def refuse(_: WorkerCall) -> JsonObject:
        raise ContextTooLong(600, 512)

    with pytest.raises(ContextTooLong) as long:
        await embed(Pool(refuse), "a")
    assert (long.value.needed, long.value.param) == (600, "input")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None, "usage": {}},
        {"data": [], "usage": {"prompt_tokens": 1}},
        {"data": [{"index": 0, "embedding": "x"}], "usage": {"prompt_tokens": 1}},
        {"data": [{"index": 0, "embedding": "AAAAAAA="}], "usage": {"prompt_tokens": 1}},
        {"data": [{"index": 0, "embedding": ""}], "usage": {"prompt_tokens": 1}},
    ],
)
async def test_answers_that_are_none(answer: JsonObject) -> None:
    with pytest.raises(EngineFailure, match="protocol"):
        await embed(Pool(lambda _: answer), "a")


def test_vectors_are_shaped() -> None:
    whole = floats(3, 4, 12)
    assert shaped([whole], None, normalize=True) == [whole]
    assert shaped([whole], 3, normalize=True) == [whole]
    assert array("f", shaped([whole], 2, normalize=True)[0]).tolist() == pytest.approx([0.6, 0.8])
    assert shaped([whole], 2, normalize=False) == [floats(3, 4)]
    assert shaped([floats(0, 0, 1)], 2, normalize=True) == [floats(0, 0)]
    with pytest.raises(InvalidRequest, match="3 numbers"):
        shaped([whole], 4, normalize=True)
    for number in (float("nan"), float("inf")):
        with pytest.raises(EngineFailure, match="not a number"):
            shaped([floats(1, number)], None, normalize=True)


async def test_documents_are_ranked_over_all_pieces() -> None:
    embeds, recorder = embedder(Pool(scores))
    documents = tuple("x" * (1 + (n * 7) % 50) for n in range(50))
    found = await embeds.rank(RankRequest("id", "ranker", "q", documents, top_n=3), CALLER)
    best = sorted(range(50), key=lambda n: -len(documents[n]))[:3]
    assert found == Ranking(tuple(Rank(n, float(len(documents[n]))) for n in best), 4)
    (record,) = recorder.records
    assert (record.model, record.error, record.choices[0].usage.prompt) == ("ranker", None, 4)


async def test_a_long_query_is_checked_without_a_copy_for_each_document() -> None:
    embeds, _ = embedder(Pool(scores, context=4))
    for query, documents, param in (("q" * (1 << 20), ("d",) * 500, "query"), ("q" * 30, ("d", "d" * 9), "documents")):
        tracemalloc.start()
        with pytest.raises(ContextTooLong) as long:
            await embeds.rank(RankRequest("id", "ranker", query, documents), CALLER)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert long.value.param == param
        assert peak < 16 << 20


async def test_a_model_without_a_head_does_not_rank() -> None:
    embeds, recorder = embedder(Pool(scores))
    with pytest.raises(InvalidRequest, match="reranker") as refused:
        await embeds.rank(RankRequest("id", "m", "q", ("a",)), CALLER)
    assert (refused.value.param, recorder.records[0].error) == ("model", "not_a_reranker")


async def test_every_request_is_recorded_however_it_ends() -> None:
    embeds, recorder = embedder(Pool(context=4))
    with pytest.raises(ModelNotFound):
        await embeds.embed(EmbedRequest("1", "nobody", ("a",)), CALLER)
    with pytest.raises(ContextTooLong):
        await embeds.embed(EmbedRequest("2", "m", ("a" * 100,)), CALLER)
    await embeds.embed(EmbedRequest("3", "m", ("a",)), CALLER)
    task = asyncio.create_task(embeds.embed(EmbedRequest("4", "m", ("a",)), CALLER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(record.id, record.error) for record in recorder.records] == [
        ("1", "model_not_found"),
        ("2", "context_length_exceeded"),
        ("3", None),
        ("4", "client_closed"),
    ]
