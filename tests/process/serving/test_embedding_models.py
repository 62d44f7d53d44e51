"""Models that were made to embed and to rank on a real server: GGUF with random weights, MLX by its modules."""

import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from gguf import GGUFWriter, PoolingType

from dovetail.demo import models_dir

from .running import running

pytestmark = pytest.mark.anyio

WIDTH, INNER, LAYERS, CONTEXT = 64, 128, 2, 256
WORDS = [f"\u2581{word}" for word in ["paris", "london", "tokyo", "capital", "of", "france", "is", "the", "what"]]
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
MODULES = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
QUERY = "capital of france"
DOCUMENTS = ["paris is the capital", "london", "tokyo of france what"]


def write_bert(path: Path, pooling: PoolingType) -> None:
    """A BERT of random weights; with a classifier when it is to rank."""
    writer, random = GGUFWriter(path, "bert"), np.random.default_rng(7)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-6)
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("bert")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] * 5 + [1] * len(WORDS))
    writer.add_token_type_count(2)
    for name, token in {"padding": 0, "unknown": 1, "bos": 2, "eos": 3, "seperator": 3, "mask": 4}.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token)

    def weights(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(0, 0.3, shape).astype(np.float32))

    def affine(name: str, outputs: int, inputs: int) -> None:
        weights(name, outputs, inputs)
        writer.add_tensor(f"{name}.bias", np.zeros(outputs, np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))

    weights("token_embd", len(TOKENS), WIDTH)
    weights("position_embd", CONTEXT, WIDTH)
    weights("token_types", 2, WIDTH)
    norm("token_embd_norm")
    for layer in (f"blk.{number}" for number in range(LAYERS)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            affine(f"{layer}.{part}", WIDTH, WIDTH)
        affine(f"{layer}.ffn_up", INNER, WIDTH)
        affine(f"{layer}.ffn_down", WIDTH, INNER)
        norm(f"{layer}.attn_output_norm")
        norm(f"{layer}.layer_output_norm")
    if pooling == PoolingType.RANK:
        affine("cls", WIDTH, WIDTH)
        affine("cls.output", 1, WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_modules(folder: Path) -> None:
    """Makes an MLX folder one that sentence-transformers would pool by the last token."""
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in MODULES]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_lasttoken": True}))


def write_lora(path: Path) -> None:
    """One for the models above: of a matrix that is multiplied with, and of the one whose rows are looked up."""
    writer, random = GGUFWriter(path, "bert"), np.random.default_rng(8)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for name, a, b in (
        ("blk.1.ffn_up.weight", (4, WIDTH), (INNER, 4)),
        ("token_embd.weight", (len(TOKENS), 4), (WIDTH, 4)),
    ):
        for factor, shape in (("lora_a", a), ("lora_b", b)):
            writer.add_tensor(f"{name}.{factor}", random.normal(0, 0.5, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    write_bert(home / "models" / "ranker.gguf", PoolingType.RANK)
    write_bert(home / "models" / "encoder.gguf", PoolingType.CLS)
    write_modules(shutil.copytree(models_dir() / "tiny-mlx", home / "models" / "by-last"))
    (home / "adapters").mkdir()
    write_lora(home / "adapters" / "lora.gguf")
    async with running(home) as server, aiohttp.ClientSession(server.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.field("/v1/rerank adapter")
async def test_an_adapter_changes_scores_and_vectors(http: aiohttp.ClientSession) -> None:
    ranks: dict[str, Any] = {"path": "/v1/rerank", "model": "ranker", "query": QUERY, "documents": DOCUMENTS}
    vectors: dict[str, Any] = {"path": "/v1/embeddings", "model": "encoder", "input": QUERY}

    async def numbers(asked: dict[str, Any], **fields: Any) -> list[float]:
        status, whole = await post(http, **asked, **fields)
        assert status == 200, whole
        results = sorted(whole.get("results", ()), key=lambda result: result["index"])
        return [result["relevance_score"] for result in results] or whole["data"][0]["embedding"]

    for asked in (ranks, vectors):
        base = await numbers(asked)
        assert await numbers(asked, adapter={"name": "lora", "scale": 0}) == pytest.approx(base, abs=1e-4)
        assert await numbers(asked, adapter="lora") != pytest.approx(base, abs=1e-2)
        assert (await post(http, **asked, adapter="shout"))[0] == 422


@pytest.mark.field("/v1/rerank model", "/v1/rerank query", "/v1/rerank documents")
@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
async def test_documents_are_ranked(http: aiohttp.ClientSession, path: str) -> None:
    status, whole = await post(http, path, model="ranker", query=QUERY, documents=DOCUMENTS)
    assert status == 200, whole
    scores = [result["relevance_score"] for result in whole["results"]]
    assert scores == sorted(scores, reverse=True)
    assert sorted(result["index"] for result in whole["results"]) == [0, 1, 2]
    assert whole["usage"]["total_tokens"] > 0
    for result in whole["results"]:
        document = DOCUMENTS[int(result["index"])]
        _, alone = await post(http, path, model="ranker", query=QUERY, documents=[document])
        assert alone["results"][0]["relevance_score"] == pytest.approx(result["relevance_score"], abs=1e-4)


@pytest.mark.field("/v1/rerank documents", "/v1/rerank top_n", "/v1/rerank return_documents")
async def test_the_best_with_their_documents(http: aiohttp.ClientSession) -> None:
    sent: dict[str, Any] = {"model": "ranker", "query": QUERY, "top_n": 2, "return_documents": True}
    _, whole = await post(http, "/v1/rerank", documents=[DOCUMENTS[0], *({"text": t} for t in DOCUMENTS[1:])], **sent)
    assert [DOCUMENTS[result["index"]] for result in whole["results"]] == [
        result["document"]["text"] for result in whole["results"]
    ]
    assert len(whole["results"]) == 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"documents": []}, "documents"),
        ({"documents": [""]}, "documents"),
        ({"documents": ["a"] * 1001}, "documents"),
        ({"query": ""}, "query"),
        ({"top_n": 0}, "top_n"),
        ({"rank_fields": ["title"]}, "rank_fields"),
        ({"max_tokens_per_doc": 10}, "max_tokens_per_doc"),
        ({"documents": ["paris " * 600]}, "documents"),
        ({"documents": ["paris " * 260]}, "documents"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_what_is_wrong_is_named(http: aiohttp.ClientSession, fields: dict[str, Any], param: str) -> None:
    sent = {"model": "ranker", "query": QUERY, "documents": DOCUMENTS, **fields}
    status, answer = await post(http, "/v1/rerank", **sent)
    assert (status, answer["error"]["param"].split("[")[0].split(".")[0]) == (400, param), answer


async def test_models_do_what_they_were_made_for(http: aiohttp.ClientSession) -> None:
    _, one = await post(http, "/v1/embeddings", model="encoder", input=[QUERY, "paris " * 20])
    _, other = await post(http, "/v1/embeddings", model="encoder", input=QUERY, pooling="cls")
    assert one["data"][0]["embedding"] == pytest.approx(other["data"][0]["embedding"], abs=1e-5)
    status, answer = await post(http, "/v1/embeddings", model="ranker", input="a")
    assert (status, answer["error"]["param"]) == (400, "model")
    for name in ("encoder", "ranker"):
        status, answer = await post(http, "/v1/completions", model=name, prompt="paris")
        assert (status, answer["error"]["param"]) == (400, "model")
    async with http.get("/v1/models") as found:
        models = {model["id"]: model for model in (await found.json())["data"]}
    assert [models[name]["capabilities"] for name in ("encoder", "ranker")] == [["embedding"], ["rerank"]]
    assert [models[name]["context"] for name in ("encoder", "ranker")] == [CONTEXT, CONTEXT]
    assert (await post(http, "/models/unload", model="encoder"))[0] == 200
    assert (await post(http, "/models/load", model="encoder"))[0] == 200


async def test_an_mlx_folder_pools_as_its_modules_say(http: aiohttp.ClientSession) -> None:
    found: dict[str | None, Any] = {}
    for pooling in (None, "last", "mean"):
        _, whole = await post(http, "/v1/embeddings", model="by-last", input=QUERY, pooling=pooling)
        found[pooling] = whole["data"][0]["embedding"]
    assert found[None] == pytest.approx(found["last"], abs=1e-5)
    assert found[None] != pytest.approx(found["mean"], abs=1e-2)
    status, answer = await post(http, "/v1/completions", model="by-last", prompt="paris")
    assert (status, answer["error"]["param"]) == (400, "model")
    async with http.get("/v1/models/by-last") as one:
        assert (await one.json())["capabilities"] == ["embedding"]
