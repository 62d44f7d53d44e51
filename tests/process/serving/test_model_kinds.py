"""Models as they come: in shards, as a mixture of experts, by path, and on a llama-server of the user's own."""

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import mlx.core as mx
import pytest
from mlx.utils import tree_flatten  # pyright: ignore[reportUnknownVariableType]
from mlx_lm.models import deepseek

from dovetail.demo import models_dir

from .running import Running, running

pytestmark = pytest.mark.anyio

TINY = models_dir() / "tiny-mlx"
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
EXPERTS = 4
LLAMA_SERVER = """\
#!{python}
\"\"\"Stands for a llama-server: its command line, on the llama.cpp server inside xllamacpp.\"\"\"
import sys
import threading
import xllamacpp

flags = dict(zip(sys.argv[1:], sys.argv[2:]))
params = xllamacpp.CommonParams()
params.model.path = flags["--model"]
params.hostnames = [flags["--host"]]
params.n_ctx, params.n_parallel = int(flags["--ctx-size"]), int(flags["--parallel"])
params.kv_unified = "--no-kv-unified" not in sys.argv
server = xllamacpp.Server(params)
threading.Event().wait()
"""


def write_shards(folder: Path, weights: dict[str, mx.array], count: int) -> None:
    """Weights over `count` safetensors files with the index that names them."""
    names = sorted(weights)
    index: dict[str, str] = {}
    for number in range(count):
        file = f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = {name: weights[name] for name in names[number::count]}
        mx.save_safetensors(str(folder / file), part, {"format": "mlx"})  # pyright: ignore[reportUnknownMemberType]
        index |= dict.fromkeys(part, file)
    total = sum(array.nbytes for array in weights.values())
    text = json.dumps({"metadata": {"total_size": total}, "weight_map": index})
    (folder / "model.safetensors.index.json").write_text(text)


def copy_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(TINY / name, folder)


def make_sharded(folder: Path) -> None:
    copy_tokenizer(folder)
    shutil.copy(TINY / "config.json", folder)
    write_shards(folder, cast("dict[str, mx.array]", mx.load(str(TINY / "model.safetensors"))), 3)


def make_mixture_of_experts(folder: Path) -> None:
    """A DeepSeek-MoE of random weights, its experts apart as they are published: mlx-lm merges them at load."""
    copy_tokenizer(folder)
    base = json.loads((TINY / "config.json").read_text())
    config: dict[str, Any] = {
        "model_type": "deepseek",
        "vocab_size": base["vocab_size"],
        "hidden_size": 64,
        "intermediate_size": 128,
        "moe_intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "n_shared_experts": 1,
        "n_routed_experts": EXPERTS,
        "num_experts_per_tok": 2,
        "first_k_dense_replace": 1,
        "max_position_embeddings": 512,
    }
    mx.random.seed(3)
    model = deepseek.Model(deepseek.ModelArgs(**config))
    weights: dict[str, mx.array] = {}
    for name, array in cast("list[tuple[str, mx.array]]", tree_flatten(model.parameters())):
        if ".switch_mlp." in name:
            for expert in range(EXPERTS):
                weights[name.replace(".switch_mlp.", f".experts.{expert}.")] = array[expert]
        else:
            weights[name] = array
    write_shards(folder, weights, 2)
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": base["eos_token_id"]}))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    home = tmp_path_factory.mktemp("home")
    make_sharded(home / "models" / "sharded")
    make_mixture_of_experts(home / "models" / "experts")
    copy_tokenizer(home / "models" / "no-config")
    shutil.copy(TINY / "model.safetensors", home / "models" / "no-config")
    async with running(home, environment={"DOVETAIL_LOAD__CONTEXT": "512"}) as process:
        yield process


async def answer(server: Running, model: str, **fields: object) -> str:
    body = {"model": model, "messages": FRANCE, "temperature": 0, "max_tokens": 64, **fields}
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/v1/chat/completions", json=body) as got:
        reply = await got.json()
        assert got.status == 200, reply
        assert reply["usage"]["completion_tokens"] > 0
        return reply["choices"][0]["message"]["content"]


@pytest.mark.accept("E8")
async def test_an_mlx_model_in_shards_is_one_model(server: Running) -> None:
    assert "Paris" in await answer(server, "sharded")


@pytest.mark.accept("E8")
async def test_a_mixture_of_experts_is_merged_and_answers(server: Running) -> None:
    await answer(server, "experts", ignore_eos=True)


@pytest.mark.accept("E9")
async def test_an_mlx_folder_without_its_config_is_refused_with_the_reason(server: Running) -> None:
    body = {"model": "no-config", "messages": FRANCE}
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/v1/chat/completions", json=body) as got:
        reply = await got.json()
    assert got.status in {404, 422}, reply


@pytest.mark.accept("E3", "E15", "E25")
async def test_gguf_models_run_on_the_users_own_llama_server(tmp_path: Path) -> None:
    binary = tmp_path / "bin" / "llama-server"
    binary.parent.mkdir()
    binary.write_text(LLAMA_SERVER.format(python=sys.executable))
    binary.chmod(0o700)
    found = {"PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}", "DOVETAIL_ENGINES__GGUF__BINARY": "auto"}
    async with running(tmp_path, environment=found) as process:
        assert "Paris" in await answer(process, "tiny-gguf")
        assert any(str(binary) in child.cmdline() for child in process.process.children(recursive=True))


@pytest.mark.accept("E11")
async def test_a_model_is_served_by_its_absolute_path(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "capital.gguf"
    path.parent.mkdir()
    shutil.copy(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", path)
    async with running(tmp_path, ["--model", str(path), "--no-demo"]) as process:
        assert "Paris" in await answer(process, "capital")
