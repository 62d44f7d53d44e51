from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from dovetail.core.model import Adapter, LoadOptions, Model, Ngram, Pooling, Shape
from dovetail.core.request import GenerateRequest, TextPrompt
from dovetail.engines import gguf
from dovetail.engines.base import Endpoint, Machine
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.engines.native import Card, NativeBuild

GGUF = Model("m", "gguf", Path("/models/m.gguf"), shape=Shape(context=2048))
MLX = Model("m", "mlx", Path("/models/m"), shape=Shape(context=131_072))
SOCKET = Endpoint(socket=Path("/run/m.sock"))
LOOPBACK = Endpoint(port=4242, secret="s3cret")


def pairs(argv: tuple[str, ...]) -> dict[str, str]:
    return {flag: value for flag, value in pairwise(argv) if flag.startswith("--")}


@pytest.mark.accept("E7", "E15")
def test_said_options_reach_the_gguf_worker() -> None:
    options = LoadOptions(context=1024, parallel=2, gpu_layers=7, flash_attention=True, cache_type_k="q8_0", threads=3)
    engine = GgufEngine(metal=True)
    flags = pairs(engine.command(GGUF, engine.resolve(GGUF, options, Machine(cores=8, gpu=True)), SOCKET).argv)
    assert flags["--model"] == str(GGUF.path)
    assert flags["--socket"] == str(SOCKET.socket)
    assert flags["--context"] == "1024"
    assert flags["--parallel"] == "2"
    assert flags["--gpu-layers"] == "7"
    assert flags["--flash-attention"] == "on"
    assert flags["--cache-type-k"] == "q8_0"
    assert flags["--threads"] == "3"


def test_which_llama_cpp_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card("1.2", "x86_64", "", (), (), 0)
    wheel, native = GgufEngine(), GgufEngine(native=lambda: NativeBuild(Path("/engines/e"), card))
    own = GgufEngine(Path("/opt/llama-server"))
    assert [engine.origin() for engine in (wheel, native, own)] == ["wheel", "native", "program"]
    found = {"xllamacpp": "1.2"}
    monkeypatch.setattr(gguf, "installed", found.__getitem__)
    assert [engine.build() for engine in (wheel, native, own)] == [
        "xllamacpp 1.2 (the wheel)",
        "xllamacpp 1.2 (compiled for this machine)",
        "of llama-server",
    ]
    found["xllamacpp"] = ""
    assert [engine.build() for engine in (wheel, own)] == ["", "of llama-server"]
    assert [engine.origin() for engine in (wheel, native, own)] == [None, None, "program"]


def test_a_core_stays_free_and_the_context_is_the_models_own() -> None:
    resolved = GgufEngine().resolve(GGUF, LoadOptions(), Machine(cores=2))
    assert (resolved.threads, resolved.context, resolved.cache_ram) == (1, 2048, 0)
    assert GgufEngine().resolve(GGUF, LoadOptions(), Machine(cores=1)).threads == 1


@pytest.mark.parametrize(("gpu", "chunk"), [(False, 512), (True, 2048)])
def test_prefill_chunks_are_small_on_a_cpu(gpu: bool, chunk: int) -> None:
    machine = Machine(cores=4, gpu=gpu)
    assert GgufEngine(metal=True).resolve(GGUF, LoadOptions(), machine).batch == chunk
    assert MlxEngine(lambda: True).resolve(MLX, LoadOptions(), machine).batch == chunk


@pytest.mark.accept("E7")
def test_an_engine_without_a_gpu_backend_puts_no_layer_on_the_gpu_that_is_there() -> None:
    machine, told = Machine(cores=4, gpu=True), LoadOptions(gpu_layers=7)
    wheel, metal, own = GgufEngine(metal=False), GgufEngine(metal=True), GgufEngine(Path("/opt/llama-server"))
    found = [engine.resolve(GGUF, told, machine) for engine in (wheel, metal, own)]
    assert [(options.gpu_layers, options.batch) for options in found] == [(0, 512), (7, 2048), (7, 2048)]
    assert [engine.resolve(GGUF, LoadOptions(), machine).gpu_layers for engine in (wheel, metal)] == [0, -1]
    for gpu, chunk, layers in ((False, 512, 0), (True, 2048, None)):
        options = MlxEngine(lambda gpu=gpu: gpu).resolve(MLX, LoadOptions(), machine)
        assert (options.batch, options.gpu_layers) == (chunk, layers)


def test_an_external_llama_server_gets_its_own_flags_and_a_lifeline() -> None:
    engine = GgufEngine(Path("/opt/llama-server"))
    options = engine.resolve(GGUF, LoadOptions(context=1024, parallel=4), Machine(cores=4))
    command = engine.command(GGUF, options, SOCKET)
    assert "dovetail.workers.lifeline" in command.argv
    assert "/opt/llama-server" in command.argv
    flags = pairs(command.argv)
    assert flags["--host"] == str(SOCKET.socket)
    assert "--network" not in command.argv
    assert "--network" in engine.command(GGUF, options, LOOPBACK).argv
    assert flags["--ctx-size"] == "4096"
    assert "--no-kv-unified" in command.argv


@pytest.mark.parametrize("engine", [GgufEngine(), MlxEngine()])
def test_the_secret_of_a_loopback_worker_is_not_an_argument(engine: GgufEngine | MlxEngine) -> None:
    model = GGUF if engine.name == "gguf" else MLX
    command = engine.command(model, engine.resolve(model, LoadOptions(), Machine(cores=2)), LOOPBACK)
    assert "s3cret" not in command.argv
    assert command.env["DOVETAIL_WORKER_SECRET"] == "s3cret"
    assert pairs(command.argv)["--port"] == "4242"


@pytest.mark.parametrize(
    ("made", "pooling", "said", "context", "batch"),
    [
        (None, "mean", None, 2048, 2048),  # in one pass, whose memory grows with it
        (None, "mean", 512, 512, 512),
        (None, "mean", 32768, 2048, 2048),
        (None, "last", 32768, 2048, 512),
        ("last", "last", None, 2048, 2048),
        ("mean", "mean", 8192, 8192, 8192),
    ],
)
def test_a_gguf_worker_for_embeddings_pools_in_one_pass_and_one_slot(
    made: Pooling | None, pooling: Pooling, said: int | None, context: int, batch: int
) -> None:
    model = replace(GGUF, pooling=made, shape=Shape(context=131_072))
    resolved = GgufEngine().resolve(model, LoadOptions(context=said, parallel=4, pooling=pooling), Machine(cores=2))
    assert (resolved.context, resolved.batch, resolved.ubatch, resolved.parallel) == (context, batch, batch, 1)
    assert pairs(GgufEngine().command(model, resolved, SOCKET).argv)["--pooling"] == pooling
    external = GgufEngine(Path("/bin/llama-server")).command(model, resolved, SOCKET).argv
    assert "--embeddings" in external
    assert pairs(external)["--pooling"] == pooling


def test_an_mlx_worker_embeds_beside_what_it_generates() -> None:
    engine = MlxEngine()
    plain = engine.resolve(MLX, LoadOptions(), Machine(cores=2))
    assert "--pooling" not in engine.command(MLX, replace(plain, pooling="mean"), SOCKET).argv
    assert not engine.embeds_apart


@pytest.mark.parametrize(
    ("engine", "flag"),
    [
        (GgufEngine(), "--kv-folder"),
        (GgufEngine(Path("/opt/llama-server")), "--slot-save-path"),
        (MlxEngine(), "--kv-folder"),
    ],
)
def test_prompt_caches_go_where_the_gateway_says(engine: GgufEngine | MlxEngine, flag: str) -> None:
    model = GGUF if engine.name == "gguf" else MLX
    options = engine.resolve(model, LoadOptions(), Machine(cores=2))
    assert flag not in engine.command(model, options, SOCKET).argv
    placed = replace(options, kv_folder=Path("/home/you/kv/m-1"), kv_bytes=1000)
    assert pairs(engine.command(model, placed, SOCKET).argv)[flag].rstrip("/") == "/home/you/kv/m-1"


def test_a_cache_on_disk_fits_only_the_layout_it_was_written_in() -> None:
    engine = GgufEngine()
    assert engine.cache_key(LoadOptions()) != engine.cache_key(LoadOptions(cache_type_k="q8_0"))
    assert engine.cache_key(LoadOptions()) != GgufEngine(Path("/opt/llama-server")).cache_key(LoadOptions())


def test_an_adapter_is_loaded_with_the_model_and_its_scale_said_in_each_request() -> None:
    shouting = replace(GGUF, adapter=Adapter("shout", 0.5, Path("/adapters/shout.gguf")))
    engine = GgufEngine()
    options = engine.resolve(shouting, LoadOptions(cache_ram=1 << 30), Machine(cores=4))
    assert options.cache_ram == 0  # it is not keyed by adapter
    flags = pairs(engine.command(shouting, options, SOCKET).argv)
    assert (flags["--adapter"], flags["--adapter-scale"]) == ("/adapters/shout.gguf", "0.5")
    flags = pairs(GgufEngine(Path("/opt/llama-server")).command(shouting, options, SOCKET).argv)
    assert flags["--lora-scaled"] == "/adapters/shout.gguf:0.5"
    request = GenerateRequest("r", "m+shout", TextPrompt(("hi",)), adapter=shouting.adapter)
    assert engine.encode(request).body["lora"] == [{"id": 0, "scale": 0.5}]
    assert "lora" not in engine.encode(replace(request, adapter=None)).body
    told = {"name": "shout", "path": "/adapters/shout.gguf", "scale": 0.5}
    assert MlxEngine().encode(request).body["adapter"] == told


@pytest.mark.parametrize("engine", [GgufEngine(), GgufEngine(Path("/opt/llama-server")), MlxEngine()])
def test_a_template_of_the_settings_is_a_file(engine: GgufEngine | MlxEngine, tmp_path: Path) -> None:
    model = GGUF if engine.name == "gguf" else MLX
    plain = engine.resolve(model, LoadOptions(), Machine(cores=2))
    assert "--chat-template-file" not in engine.command(model, plain, SOCKET).argv
    keys = {engine.cache_key(plain)}
    told = replace(plain, chat_template=tmp_path / "own.jinja")
    for text in ("", "other"):
        assert pairs(engine.command(model, told, SOCKET).argv)["--chat-template-file"] == str(told.chat_template)
        keys.add(engine.cache_key(told))
        (tmp_path / "own.jinja").write_text(text)
    keys.add(engine.cache_key(told))
    assert len(keys) == 4


def test_a_projector_reaches_both_kinds_of_server_and_no_ffmpeg_does() -> None:
    model = replace(GGUF, mmproj=Path("/models/mmproj.gguf"))
    for engine in (GgufEngine(), GgufEngine(Path("/opt/llama-server"))):
        command = engine.command(model, engine.resolve(model, LoadOptions(gpu_layers=0), Machine(cores=4)), SOCKET)
        assert pairs(command.argv)["--mmproj"] == "/models/mmproj.gguf"
    assert "--no-mmproj-offload" in command.argv
    assert command.env == {"LLAMA_ARG_VIDEO_FFMPEG_DIR": "/dev/null"}


DRAFT = {"--spec-draft-model": "/s.gguf", "--spec-draft-ngl": "3"}


@pytest.mark.parametrize(
    ("draft", "ngram", "wheel", "binary"),
    [
        ("/s.gguf", None, {"--draft": "/s.gguf"}, {**DRAFT, "--spec-type": "draft-simple"}),
        (None, "map-k", {"--ngram": "map-k"}, {"--spec-type": "ngram-map-k"}),
        (
            "/s.gguf",
            "mod",
            {"--draft": "/s.gguf", "--ngram": "mod"},
            {**DRAFT, "--spec-type": "draft-simple,ngram-mod"},
        ),
        (None, None, {}, {}),
    ],
)
def test_what_guesses_ahead_reaches_both_kinds_of_server(
    draft: str | None, ngram: Ngram | None, wheel: dict[str, str], binary: dict[str, str]
) -> None:
    model = replace(GGUF, draft=Path(draft) if draft else None, ngram=ngram)
    names = {"--draft", "--ngram", "--spec-draft-model", "--spec-type", "--spec-draft-ngl"}
    for engine, wanted in ((GgufEngine(metal=True), wheel), (GgufEngine(Path("/opt/llama-server")), binary)):
        options = engine.resolve(model, LoadOptions(gpu_layers=3), Machine(cores=4))
        assert (options.draft, options.ngram) == (model.draft, model.ngram)
        flags = pairs(engine.command(model, options, SOCKET).argv)
        assert {flag: value for flag, value in flags.items() if flag in names} == wanted
        embedding = engine.resolve(model, LoadOptions(pooling="mean"), Machine(cores=4))
        assert (embedding.draft, embedding.ngram) == (None, None)
