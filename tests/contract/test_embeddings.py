"""`/v1/embeddings` and `/v1/rerank`, the same on both engines."""

import asyncio
import base64
import math
from array import array
from collections.abc import Sequence
from typing import Any

import aiohttp
import openai
import pytest

from dovetail.gateway.answers import EmbeddingList

pytestmark = pytest.mark.anyio

PATH = "/v1/embeddings"
# Of different lengths: engines compute texts of a request together where that pays.
TEXTS = ["What is the capital of France?", "Hi", "안녕, 대한민국의 수도는 어디지?", "a word " * 150, "😀"]
POOLINGS = ("mean", "cls", "last")


async def post(http: aiohttp.ClientSession, path: str, sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


async def vectors(http: aiohttp.ClientSession, model: str, text: Any, **fields: Any) -> list[list[float]]:
    status, whole = await post(http, PATH, {"model": model, "input": text, **fields})
    assert status == 200, whole
    found = EmbeddingList.model_validate(whole)
    assert [item.index for item in found.data] == list(range(len(found.data)))
    return [item.embedding for item in found.data if not isinstance(item.embedding, str)]


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


@pytest.mark.field("/v1/embeddings model", "/v1/embeddings input")
@pytest.mark.accept("E17", "A21", "G9")
@pytest.mark.client("openai-python embeddings")
async def test_the_sdk_gets_vectors(sdk: openai.AsyncOpenAI, model: str) -> None:
    # The SDK asks for base64 unless it is told otherwise.
    asked = await sdk.embeddings.create(model=model, input=TEXTS)
    plain = await sdk.embeddings.create(model=model, input=TEXTS, encoding_format="float")
    assert (asked.object, asked.model, len(asked.data)) == ("list", model, len(TEXTS))
    assert asked.usage.prompt_tokens == asked.usage.total_tokens > len(TEXTS)
    for one, other in zip(asked.data, plain.data, strict=True):
        assert one.embedding == other.embedding
        assert math.hypot(*one.embedding) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.field("/v1/embeddings normalize")
@pytest.mark.accept("E17")
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("pooling", [None, *POOLINGS])
async def test_both_engines_mean_the_same(http: aiohttp.ClientSession, pooling: str | None, normalize: bool) -> None:
    fields = {"pooling": pooling, "normalize": normalize}
    gguf = await vectors(http, "tiny-gguf", TEXTS, **fields)
    mlx = await vectors(http, "tiny-mlx", TEXTS, **fields)
    for one, other in zip(gguf, mlx, strict=True):
        assert cosine(one, other) >= 0.999
        assert math.hypot(*one) == pytest.approx(math.hypot(*other), rel=0.01)
    assert (
        pooling is not None or cosine(gguf[0], (await vectors(http, "tiny-gguf", TEXTS[0], pooling="mean"))[0]) > 0.9999
    )


async def test_a_text_has_one_vector_alone_and_among_others(http: aiohttp.ClientSession, model: str) -> None:
    many = await vectors(http, model, [*TEXTS, *[f"text {number}" for number in range(60)]])
    for text, vector in zip(TEXTS, many, strict=False):
        (alone,) = await vectors(http, model, text)
        assert cosine(vector, alone) > 0.99999
    (last,) = await vectors(http, model, "text 59")
    assert cosine(many[-1], last) > 0.99999


@pytest.mark.field("/v1/embeddings pooling")
async def test_poolings_differ(http: aiohttp.ClientSession, model: str) -> None:
    found = [(await vectors(http, model, TEXTS[0], pooling=pooling))[0] for pooling in POOLINGS]
    assert all(cosine(found[i], found[i - 1]) < 0.99 for i in range(3))


@pytest.mark.accept("G9")
@pytest.mark.field("/v1/embeddings dimensions")
async def test_dimensions_keep_the_first_numbers_at_length_1(http: aiohttp.ClientSession, model: str) -> None:
    (whole,) = await vectors(http, model, TEXTS[0])
    (short,) = await vectors(http, model, TEXTS[0], dimensions=16)
    assert len(short) == 16
    assert math.hypot(*short) == pytest.approx(1.0, abs=1e-5)
    assert cosine(short, whole[:16]) > 0.9999
    (raw,) = await vectors(http, model, TEXTS[0], dimensions=16, normalize=False)
    assert math.hypot(*raw) > 1.5
    status, error = await post(http, PATH, {"model": model, "input": "x", "dimensions": len(whole) + 1})
    assert (status, error["error"]["param"]) == (400, "dimensions")


@pytest.mark.field("/v1/embeddings encoding_format")
async def test_base64_is_the_same_numbers(http: aiohttp.ClientSession, model: str) -> None:
    (numbers,) = await vectors(http, model, TEXTS[0])
    _, whole = await post(http, PATH, {"model": model, "input": TEXTS[0], "encoding_format": "base64"})
    found = array("f", base64.b64decode(whole["data"][0]["embedding"]))
    assert found.tolist() == numbers


@pytest.mark.field("/v1/embeddings input")
async def test_token_ids_are_taken_as_they_are(http: aiohttp.ClientSession, model: str) -> None:
    ids: list[list[int]] = []
    for text in TEXTS[:2]:
        _, answer = await post(http, "/tokenize", {"model": model, "content": text, "add_special": True})
        ids.append(answer["tokens"])
    by_text = await vectors(http, model, TEXTS[:2])
    for one, other in zip(await vectors(http, model, ids), by_text, strict=True):
        assert cosine(one, other) > 0.99999
    (single,) = await vectors(http, model, ids[0])
    assert cosine(single, by_text[0]) > 0.99999


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "input"),
    ({"input": ""}, "input"),
    ({"input": []}, "input"),
    ({"input": ["a", ""]}, "input[1]"),
    ({"input": [[]]}, "input"),
    ({"input": ["a", [1]]}, "input"),
    ({"input": [1.5]}, "input"),
    ({"input": [-1]}, "input"),
    ({"input": [[1, 10**6]]}, "input"),
    ({"input": ["a"] * 2049}, "input"),
    ({"input": {"text": "a"}}, "input"),
    ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ({"input": "a", "dimensions": 0}, "dimensions"),
    ({"input": "a", "dimensions": "8"}, "dimensions"),
    ({"input": "a", "pooling": "rank"}, "pooling"),
    ({"input": "a", "normalize": 1}, "normalize"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG, ids=lambda value: str(value)[:30])
async def test_what_is_wrong_is_named(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], param: str
) -> None:
    status, answer = await post(http, PATH, {"model": model, **fields})
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert answer["error"]["param"].startswith(param)


@pytest.mark.parametrize(
    "text", [[1] * 8193, "word " * 9000, ["short", "x" * 100_000]], ids=["ids", "text", "one of two"]
)
@pytest.mark.parametrize("pooling", POOLINGS)
async def test_a_text_beyond_the_context_is_refused_with_numbers(
    http: aiohttp.ClientSession, model: str, text: Any, pooling: str
) -> None:
    status, answer = await post(http, PATH, {"model": model, "input": text, "pooling": pooling})
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, "context_length_exceeded", "input")
    assert await vectors(http, model, "and the next one is served", pooling=pooling)


async def test_unknown_models_and_fields(http: aiohttp.ClientSession, model: str) -> None:
    status, answer = await post(http, PATH, {"model": "nobody", "input": "a"})
    assert (status, answer["error"]["code"]) == (404, "model_not_found")
    async with http.post(PATH, json={"model": model, "input": "a", "user": "u", "colour": 1}) as found:
        assert (found.status, found.headers["x-dovetail-warnings"]) == (200, "unknown field: colour")


async def test_embedding_and_generating_go_on_together(http: aiohttp.ClientSession, model: str) -> None:
    chat = {"model": model, "messages": [{"role": "user", "content": "Tell me a long story"}], "max_tokens": 40}
    before = await vectors(http, model, TEXTS)
    async with asyncio.TaskGroup() as tasks:
        chats = [tasks.create_task(post(http, "/v1/chat/completions", chat)) for _ in range(3)]
        embeddings = [tasks.create_task(vectors(http, model, TEXTS)) for _ in range(3)]
    assert [task.result()[0] for task in chats] == [200] * 3
    for task in embeddings:
        assert all(cosine(one, other) > 0.99999 for one, other in zip(task.result(), before, strict=True))


@pytest.mark.field("/v1/rerank model")
@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
async def test_a_model_without_a_ranking_head_does_not_rank(http: aiohttp.ClientSession, model: str, path: str) -> None:
    status, answer = await post(http, path, {"model": model, "query": "a", "documents": ["b", {"text": "c"}]})
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, "not_a_reranker", "model")
    assert "reranker" in answer["error"]["message"]
