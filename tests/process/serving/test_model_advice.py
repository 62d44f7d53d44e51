"""What model files say for those who generate with them holds alike in both formats; a strict server beside it."""

import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from dovetail.demo import models_dir

from .running import running

pytestmark = pytest.mark.anyio

MODELS = ("wise-gguf", "wise-mlx")
FIM = {"<tool_call>": "<|fim_prefix|>", "</tool_call>": "<|fim_suffix|>", "<tool_response>": "<|fim_middle|>"}
START = "<|endoftext|>"
PROMPT = "red fox, blue fox, red fox, blue fox, red"
ADVICE = {"temperature": 0.0, "repeat_penalty": 3.0, "top_k": 7, "top_p": 0.9, "min_p": 0.01}


def write_gguf(path: Path) -> None:
    """tiny-gguf that advises, with samplers in an order of its own, a token that opens texts, and some to fill gaps."""
    reader = GGUFReader(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf")
    writer = GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in {"general.architecture", "tokenizer.ggml.add_bos_token"}:
            continue
        value, inner = field.contents(), field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        if field.name == "tokenizer.ggml.tokens":
            value = [FIM.get(token, token) for token in value]
        writer.add_key_value(field.name, value, field.types[0], sub_type=inner)
    writer.add_add_bos_token(True)
    writer.add_string("general.sampling.sequence", "temperature;top_k")
    for key, name in (("temp", "temperature"), ("penalty_repeat", "repeat_penalty"), ("top_p", ""), ("min_p", "")):
        writer.add_float32(f"general.sampling.{key}", ADVICE[name or key])
    writer.add_int32("general.sampling.top_k", 7)
    writer.add_float32("general.sampling.mirostat_tau", -5.0)  # nonsense
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_mlx(folder: Path) -> None:
    shutil.copytree(models_dir() / "tiny-mlx", folder)
    advice = {("repetition_penalty" if k == "repeat_penalty" else k): v for k, v in ADVICE.items()}
    generation = folder / "generation_config.json"
    generation.write_text(json.dumps({**json.loads(generation.read_text()), **advice, "typical_p": "nonsense"}))
    tokenizer = folder / "tokenizer.json"
    found = json.loads(tokenizer.read_text())
    for token in found["added_tokens"]:
        token["content"] = FIM.get(token["content"], token["content"])
    found["model"]["vocab"] = {FIM.get(text, text): token for text, token in found["model"]["vocab"].items()}
    first = {"SpecialToken": {"id": START, "type_id": 0}}
    found["post_processor"] = {
        "type": "TemplateProcessing", "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {START: {"id": START, "ids": [0], "tokens": [START]}},
    }  # fmt: skip
    tokenizer.write_text(json.dumps(found))


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    write_gguf(home / "models" / "wise-gguf.gguf")
    write_mlx(home / "models" / "wise-mlx")
    environment = {"DOVETAIL_STRICT": "true", "DOVETAIL_LOAD__CONTEXT": "512"}
    async with running(home, environment=environment) as server, aiohttp.ClientSession(server.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


async def text(http: aiohttp.ClientSession, model: str, **fields: Any) -> str:
    sent = {"model": model, "prompt": PROMPT, "max_tokens": 12, "ignore_eos": True, **fields}
    status, whole = await post(http, "/v1/completions", **sent)
    assert status == 200, whole
    return whole["choices"][0]["text"]


async def test_what_a_request_does_not_say_is_the_models_to_say(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/models") as answer:
        said = {model["id"]: model["sampling"] for model in (await answer.json())["data"]}
    assert {said[model] == ADVICE for model in MODELS} == {True}
    assert said["tiny-gguf"] == said["tiny-mlx"] == {}
    for model in MODELS:
        advised = await text(http, model)
        assert advised == await text(http, model, **ADVICE)
        assert advised != await text(http, model, repeat_penalty=1.0)
    assert len({await text(http, model) for model in MODELS}) == 1


async def test_samplers_have_one_order_whatever_a_header_says(http: aiohttp.ClientSession) -> None:
    # In the order of the header there would be no penalty at all.
    for fields in ({"repeat_penalty": 3.0}, {"presence_penalty": 2.0}, {"min_p": 1.0, "temperature": 1.9}):
        told = {**ADVICE, "repeat_penalty": 1.0, **fields}
        assert await text(http, "wise-gguf", **told) == await text(http, "wise-mlx", **told)
        assert (await text(http, "wise-gguf", **told) != await text(http, "wise-gguf", repeat_penalty=1.0)) is (
            "min_p" not in fields
        )


@pytest.mark.field("/v1/completions suffix")
async def test_a_gap_is_filled_by_the_tokens_for_it(http: aiohttp.ClientSession) -> None:
    texts: set[str] = set()
    for model in MODELS:
        filled = await text(http, model, prompt="The cat <|im_end|>", suffix=" the house.", repeat_penalty=1.0)
        ids: list[int] = []
        for piece in ("The cat <|im_end|>", " the house."):
            asked = {"model": model, "content": piece, "parse_special": False}
            ids += [1788 if not ids else 1789, *(await post(http, "/tokenize", **asked))[1]["tokens"]]
        assert filled == await text(http, model, prompt=[0, *ids, 1790], repeat_penalty=1.0)
        assert filled != await text(http, model, prompt=ids, repeat_penalty=1.0)
        texts.add(filled)
    assert len(texts) == 1


@pytest.mark.field("/infill input_prefix", "/infill input_suffix", "/infill input_extra", "/infill prompt")
async def test_a_gap_is_filled_in_llama_servers_form(http: aiohttp.ClientSession) -> None:
    gap = {"input_prefix": "The cat", "input_suffix": " the house."}
    extra: list[Any] = [{"filename": "dog.txt", "text": "The dog"}]
    cold = {"temperature": 0, "n_predict": 8, "repeat_penalty": 1.0}
    for model in MODELS:

        async def ids(text: str, model: str = model) -> list[int]:
            asked = {"model": model, "content": text, "parse_special": False}
            return (await post(http, "/tokenize", **asked))[1]["tokens"]

        async def written(path: str, model: str = model, **fields: Any) -> str:
            status, found = await post(http, path, model=model, **cold, **fields)
            assert status == 200, found
            return found["content"]

        middle = [1788, *await ids("The cat"), 1789, *await ids(" the house."), 1790]
        tries: list[tuple[dict[str, Any], str, str]] = [
            ({}, "", ""),
            ({"input_extra": []}, "", ""),
            ({"prompt": " sat"}, "", " sat"),
            ({"input_extra": extra}, "\n\n--- snippet ---\n\n|The dog", ""),
        ]
        for fields, before, begun in tries:
            around = [token for text in before.split("|") if text for token in await ids(text)]
            prompt = [0, *around, *middle, *(await ids(begun) if begun else [])]
            assert await written("/infill", **{**gap, **fields}) == await written("/completion", prompt=prompt)


@pytest.mark.field("/tokenize add_special")
async def test_a_text_is_opened_by_the_token_for_it(http: aiohttp.ClientSession) -> None:
    for model in MODELS:
        asked = {"model": model, "content": "The cat"}
        _, plain = await post(http, "/tokenize", **asked)
        assert await post(http, "/tokenize", **asked, add_special=False) == (200, plain)
        assert (await post(http, "/tokenize", **asked, add_special=True))[1]["tokens"] == [0, *plain["tokens"]]


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi", "typo": 1}]}, "messages[0].typo"),
        ("/v1/completions", {"prompt": "hi", "stream": True, "stream_options": {"typo": 1}}, "stream_options.typo"),
        ("/completion", {"prompt": "hi", "typo": 1}, "typo"),
        ("/v1/embeddings", {"input": "hi", "typo": None}, "typo"),
        ("/v1/rerank", {"query": "hi", "documents": [{"text": "a", "typo": 1}]}, "documents[0].typo"),
        ("/tokenize", {"content": "hi", "typo": 1}, "typo"),
        ("/detokenize", {"tokens": [5], "typo": 1}, "typo"),
        ("/models/load", {"typo": 1}, "typo"),
        ("/models/unload", {"typo": 1}, "typo"),
    ],
)
async def test_a_strict_server_refuses_what_no_api_knows(
    http: aiohttp.ClientSession, path: str, fields: dict[str, Any], name: str
) -> None:
    status, answer = await post(http, path, model="wise-gguf", **fields)
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, "unknown_field", name)
