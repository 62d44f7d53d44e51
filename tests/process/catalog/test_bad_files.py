"""Model files and folders that somebody made badly or with bad intent, on a real server: a reason, and it goes on."""

import asyncio
import json
import os
import shutil
import struct
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail import demo

from ...unit.catalog.conftest import BOOL, STRING, U32, U64, Forge, entry, llama, string, tensor  # noqa: TID252
from ..serving.running import Running, running  # noqa: TID252

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and devices of POSIX")]

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]
HUGE = 1 << 60
SHOUT = demo.adapters_dir() / "shout"
PLANTED = "import pathlib\npathlib.Path({mark!r}).touch()\n"


def cuts(forge: Forge) -> dict[str, tuple[bytes, str]]:
    whole = forge.gguf_bytes()
    return {
        "cut-header": (whole[:10], "truncated header"),
        "cut-metadata": (whole[:60], "truncated metadata"),
        "cut-tensors": (forge.gguf_bytes(data=0)[:-32], "truncated tensor info"),
        "cut-data": (whole[:-1], "truncated data"),
    }


def numbers(forge: Forge) -> dict[str, tuple[bytes, str]]:
    def aligned(kind: int, value: bytes) -> bytes:
        return forge.gguf_bytes(extra=[entry("general.alignment", kind, value)])

    def held(*tensors: bytes) -> bytes:
        return forge.gguf_bytes(tensors=tensors)

    return {
        "entries": (forge.gguf_bytes(counts=(1, HUGE)), f"claims {HUGE} entries"),
        "tensors": (forge.gguf_bytes(counts=(1 << 63, 7)), "tensors, more than"),
        "text": (forge.gguf_bytes(extra=[entry("k", STRING, struct.pack("<Q", HUGE))]), f"claims {HUGE} bytes"),
        "alignment-0": (aligned(U32, struct.pack("<I", 0)), "not a power of two"),
        "alignment-33": (aligned(U32, struct.pack("<I", 33)), "not a power of two"),
        "alignment-text": (aligned(STRING, string("32")), "not a power of two"),
        "alignment-true": (aligned(BOOL, b"\x01"), "not a power of two"),
        "no-dimension": (held(tensor("t", [0])), "impossible dimensions"),
        "too-wide": (held(tensor("t", [1 << 40, 1 << 40])), "impossible dimensions"),
        "nine-dimensions": (held(tensor("t", [1] * 9)), "9 dimensions"),
        "type": (held(tensor("t", [32], 9999)), "unknown type 9999"),
        "beyond": (held(tensor("t", [32], 0, 1 << 40)), "truncated data"),
        "wrapping": (held(tensor("t", [32], 0, (1 << 64) - 32)), "truncated data"),
    }


def aborting(forge: Forge) -> dict[str, tuple[bytes, str]]:
    layers = entry("llama.block_count", U64, struct.pack("<Q", 1 << 31))
    twice = llama(tokenizer__ggml__tokens=["a", "b", "a"])
    return {
        "layers": (forge.gguf_bytes(llama(llama__block_count=None), extra=[layers]), "not between 0 and 512"),
        "no-context": (forge.gguf_bytes(llama(llama__context_length=0)), "context_length is 0"),
        "token-twice": (forge.gguf_bytes(twice), "token 'a' twice"),
    }


IMPOSTORS: dict[str, tuple[bytes, str]] = {
    "page": (b"<!DOCTYPE html><html>Sign in", "HTML page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
    "nothing": (b"", "empty (0 bytes)"),
}


def folders(forge: Forge) -> dict[str, str]:
    """Bad MLX folders by name, and what is said of each."""
    (forge.mlx("no-config") / "config.json").unlink()
    (forge.mlx("no-weights") / "model.safetensors").unlink()
    for name, text in {"no-json": "{", "deep-json": '{"a": ' * 100_000, "list": "[]"}.items():
        (forge.mlx(name) / "config.json").write_text(text)
    shard = forge.mlx("no-shard") / "model.safetensors"
    shard.rename(shard.with_name("model-00001-of-00002.safetensors"))
    half = forge.mlx("half-shard") / "model.safetensors"
    half.write_bytes(half.read_bytes()[:-10])
    index = "model.safetensors.index.json"
    placed: dict[str, Any] = {f"layers.{n}.weight": f"m{n}.safetensors" for n in range(200_000)}
    (forge.mlx("huge-index") / index).write_text(json.dumps({"weight_map": placed}))
    (forge.mlx("path-index") / index).write_text(json.dumps({"weight_map": {"a": "../../../etc/passwd"}}))
    (forge.mlx("huge-header") / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 63) + b"{}")
    bad = json.dumps({"t": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}).encode()
    (forge.mlx("offsets") / "model.safetensors").write_bytes(struct.pack("<Q", len(bad)) + bad + bytes(16))
    forge.mlx("ten-million-layers", num_hidden_layers=10**7)
    return {
        "no-config": "no config.json", "no-weights": "no model*.safetensors", "no-json": "not valid JSON",
        "deep-json": "nested too deeply", "list": "no JSON object", "no-shard": "1 of 2 shards",
        "half-shard": "truncated", "huge-index": "is missing", "path-index": "points outside the folder",
        "huge-header": "claims 9223372036854775808 bytes", "offsets": "impossible offsets",
        "ten-million-layers": "10000000",
    }  # fmt: skip


def foreign_code(forge: Forge, mark: Path) -> dict[str, str]:
    """MLX folders that would run code; it would make the file `mark`."""
    code = PLANTED.format(mark=str(mark))
    (forge.mlx("python") / "modeling_evil.py").write_text(code)
    (forge.mlx("pickle") / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(S'touch %s'\ntR." % bytes(mark))
    (forge.mlx("model-file", model_file="evil.txt") / "evil.txt").write_text(code)
    path = forge.mlx("auto-map", auto_map={"AutoModelForCausalLM": "evil.Evil"})
    (path / "evil.json").write_text(code)
    (forge.mlx("tokenizer-map") / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "evil.T"}}')
    return {
        "python": "modeling_evil.py", "pickle": "pytorch_model.bin", "model-file": "model_file", "auto-map": "auto_map",
        "tokenizer-map": "auto_map",
    }  # fmt: skip


def links(models: Path, outside: Path) -> None:
    """Ways out of the models folder, circles, and files that are none."""
    outside.mkdir()
    shutil.copy(demo.models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", outside / "secret.gguf")
    shutil.copytree(demo.models_dir() / "tiny-mlx", outside / "secret-mlx")
    (models / "linked.gguf").symlink_to(outside / "secret.gguf")
    (models / "linked-folder").symlink_to(outside)
    (models / "up").symlink_to("..")
    (models / "circle").symlink_to("circle")
    (models / "circle.gguf").symlink_to("circle.gguf")
    (models / "zero.gguf").symlink_to("/dev/zero")
    os.mkfifo(models / "pipe.gguf")
    shutil.copytree(outside / "secret-mlx", models / "linked-weights")
    (models / "linked-weights" / "model.safetensors").unlink()
    (models / "linked-weights" / "model.safetensors").symlink_to(outside / "secret-mlx" / "model.safetensors")
    shutil.copytree(outside / "secret-mlx", models / "pipe-weights")
    (models / "pipe-weights" / "model.safetensors").unlink()
    os.mkfifo(models / "pipe-weights" / "model.safetensors")


def adapters(folder: Path, outside: Path) -> None:
    folder.mkdir()
    shutil.copytree(SHOUT, outside / "shout")
    (folder / "linked").symlink_to(outside / "shout")
    (folder / "linked-file.gguf").symlink_to(outside / "shout" / "shout.gguf")
    (folder / "cut.gguf").write_bytes((SHOUT / "shout.gguf").read_bytes()[:200])
    shutil.copy(demo.models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", folder / "whole-model.gguf")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    home = tmp_path_factory.mktemp("home")
    forge = Forge(home / "models")
    for made in (cuts(forge), numbers(forge), aborting(forge), IMPOSTORS):
        for name, (content, _) in made.items():
            forge.gguf(f"{name}.gguf", content)
    folders(forge)
    foreign_code(forge, home / "ran")
    links(home / "models", home / "outside")
    adapters(home / "adapters", home / "outside")
    async with running(home) as process:
        yield process


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    """Asks the server, which answers a normal request after each test and has run nobody's code."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(server.url, timeout=timeout) as session:
        yield session
        status, answer = await ask(session, "tiny-gguf")
    assert status == 200, answer
    assert server.process.is_running()
    assert not (server.home / "ran").exists()


async def ask(http: aiohttp.ClientSession, model: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(CHAT, json={"model": model, "messages": HI, "max_tokens": 1, **fields}) as answer:
        return answer.status, await answer.json()


async def refused(http: aiohttp.ClientSession, reasons: dict[str, str], *said: object) -> None:
    """Each model is refused with `said` (status, type, code) and its reason, by a request and by a load alike."""
    async with http.get("/v1/models") as answer:
        listed = {model["id"]: model for model in (await answer.json())["data"]}
    for name, reason in reasons.items():
        assert (listed[name]["state"], reason in listed[name]["reason"]) == ("failed", True), listed[name]
        for stream in (False, True):
            status, answer = await ask(http, name, stream=stream)
            error = answer["error"]
            assert (status, error["type"], error["code"]) == said, (name, error)
            assert reason in error["message"], (name, error)
        async with http.post("/models/load", json={"model": name}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (said[0], said[2])


async def invalid(http: aiohttp.ClientSession, made: dict[str, tuple[bytes, str]]) -> None:
    reasons = {name: reason for name, (_, reason) in made.items()}
    await refused(http, reasons, 422, "invalid_request_error", "invalid_model_file")


@pytest.mark.bad_input("36")
@pytest.mark.accept("H12")
async def test_files_that_are_cut_short(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    await invalid(http, cuts(Forge(tmp_path)))


@pytest.mark.bad_input("37")
@pytest.mark.accept("H12")
async def test_numbers_that_cannot_be(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    await invalid(http, numbers(Forge(tmp_path)))


@pytest.mark.bad_input("38")
async def test_what_llama_cpp_would_abort_on(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    await invalid(http, aborting(Forge(tmp_path)))


@pytest.mark.bad_input("39")
async def test_what_is_no_model_at_all(http: aiohttp.ClientSession) -> None:
    await invalid(http, IMPOSTORS)


@pytest.mark.bad_input("42", "44")
async def test_mlx_folders(server: Running, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    workers = server.process.children()
    reasons = folders(Forge(tmp_path))
    await refused(http, reasons, 422, "invalid_request_error", "invalid_model_file")
    assert server.process.children() == workers  # none of them was worth a worker


@pytest.mark.bad_input("43")
async def test_folders_that_bring_code(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    reasons = foreign_code(Forge(tmp_path), tmp_path / "ran")
    await refused(http, reasons, 403, "permission_error", "remote_code_not_allowed")


@pytest.mark.bad_input("32")
@pytest.mark.accept("H11")
async def test_links_and_files_that_are_none(http: aiohttp.ClientSession) -> None:
    leaves = dict.fromkeys(("linked", "linked-weights"), "leaves the models folder")
    reasons = {**leaves, "pipe-weights": "not a regular file"}
    await refused(http, reasons, 422, "invalid_request_error", "invalid_model_file")
    for name in ("secret", "secret-mlx", "outside", "linked-folder", "up", "circle", "zero", "pipe", "passwd"):
        status, answer = await ask(http, name)
        assert (status, answer["error"]["code"], answer["error"]["param"]) == (404, "model_not_found", "model"), name


@pytest.mark.bad_input("30")
@pytest.mark.accept("H11")
async def test_paths_are_no_names(server: Running, http: aiohttp.ClientSession) -> None:
    """The same answer whether there is such a file: nobody learns from it what is where."""
    secret = server.home / "outside" / "secret.gguf"
    there = [secret, server.home / "models" / "cut-data.gguf", "/etc/passwd", "../outside/secret.gguf"]
    for path in [*map(str, there), "models/../../outside/secret", f"file://{secret}", "C:\\secret.gguf", "NUL", "."]:
        said: set[str] = set()
        for name in (path, f"{path}-not-there"):
            status, answer = await ask(http, name)
            assert (status, answer["error"]["code"], answer["error"]["param"]) == (404, "model_not_found", "model")
            said.add(answer["error"]["message"].replace(repr(name), "NAME"))
        assert len(said) == 1


@pytest.mark.bad_input("31")
@pytest.mark.accept("H11")
@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_adapters_that_lie_elsewhere(server: Running, http: aiohttp.ClientSession, model: str) -> None:
    elsewhere = str(server.home / "outside" / "shout")
    for name in ("linked", "linked-file", "../outside/shout", elsewhere, f"{elsewhere}/shout.gguf"):
        status, answer = await ask(http, model, adapter=name)
        assert (status, answer["error"]["code"]) == (404, "adapter_not_found"), name


@pytest.mark.bad_input("45")
@pytest.mark.parametrize(("name", "reason"), [("cut", "truncated"), ("whole-model", "no LoRA adapter")])
async def test_adapters_that_are_none(http: aiohttp.ClientSession, name: str, reason: str) -> None:
    status, answer = await ask(http, "tiny-gguf", adapter=name)
    error = answer["error"]
    assert (status, error["type"], error["code"]) == (422, "invalid_request_error", "invalid_adapter")
    assert error["param"] == "adapter"
    assert reason in error["message"]


@pytest.mark.accept("H11")
async def test_a_file_that_turns_into_a_pipe_is_not_waited_for(server: Running, http: aiohttp.ClientSession) -> None:
    path = server.home / "models" / "turns.gguf"
    for make, wanted in ((path.touch, 422), (lambda: os.mkfifo(path), 404)):
        path.unlink(missing_ok=True)
        make()
        async with asyncio.timeout(30):
            while (await ask(http, "turns"))[0] != wanted:
                async with http.get("/v1/models") as listed:  # looks for changes, once a second
                    assert listed.status == 200
                await asyncio.sleep(0.1)
