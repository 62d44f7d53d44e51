"""Folders of models that hear."""

import json
import struct
from pathlib import Path

import pytest

from dovetail.catalog import hub
from dovetail.catalog.hub import HubSpec, Repository
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.scan import scan
from dovetail.catalog.transfer import RemoteFile
from dovetail.catalog.whisper import read_whisper
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Capability, LoadOptions
from dovetail.engines.base import Machine
from dovetail.fleet.budget import need

from .test_npz import array, packed

GOOD = struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + bytes(100)


def made(folder: Path, weights: bytes = GOOD, *without: str) -> Path:
    folder.mkdir(parents=True)
    files = {"config.json": b"{}", "model.bin": weights, "tokenizer.json": b"{}", "vocabulary.json": b"[]"}
    for name, data in files.items():
        if name not in without:
            (folder / name).write_bytes(data)
    return folder


def test_it_is_a_model_that_hears(tmp_path: Path) -> None:
    made(tmp_path / "ear")
    (model,) = scan([tmp_path])
    assert (model.id, model.format, model.size, model.invalid) == ("ear", "whisper", len(GOOD), None)
    assert model.capabilities == {Capability.TRANSCRIPTION}
    assert model.hears


@pytest.mark.parametrize(
    ("weights", "without", "said"),
    [
        (b"\x80\x04\x95pickle", (), "no Whisper model"),
        (b"", (), "empty"),
        (struct.pack("<IH", 6, 16) + b"TransformerSpec\0" + bytes(50), (), "no Whisper model"),
        (GOOD, ("tokenizer.json",), "tokenizer.json is missing"),
        (GOOD, ("config.json",), "config.json is missing"),
    ],
)
def test_what_is_none_says_why(tmp_path: Path, weights: bytes, without: tuple[str, ...], said: str) -> None:
    folder = made(tmp_path / "ear", weights, *without)
    with pytest.raises(InvalidModelFile, match=said):
        read_whisper(folder)
    (model,) = scan([tmp_path])
    assert said in (model.invalid or "")


def test_of_the_hub_the_files_that_it_needs_are_fetched() -> None:
    names = ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt", "preprocessor_config.json", "README.md"]
    files = tuple(RemoteFile(name, 10, "0" * 64, None) for name in [*names, "run.py"])
    found = Repository("o/ear", "0" * 40, files)
    chosen = {file.name for file in hub.wanted(HubSpec("o/ear"), found)}
    assert chosen == {*names} - {"README.md"}
    (variant,) = hub.variants(found)
    assert (variant.choice, variant.bytes) == (None, 50)


MLX = {"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 8, "n_audio_head": 2, "n_audio_layer": 1,
       "n_vocab": 51_865, "n_text_ctx": 448, "n_text_state": 8, "n_text_head": 2, "n_text_layer": 1}  # fmt: skip
HUGGING_FACE = {"model_type": "whisper", "d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 51_865}
HEADER = json.dumps({"a": {"dtype": "F16", "shape": [2, 4], "data_offsets": [0, 16]}}).encode()
SAFETENSORS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(16)
PARAMETERS = 12 * 64 + 16 * 64 + (51_865 + 448) * 8 + 3 * 64


def for_mlx(folder: Path, config: dict[str, object], weights: dict[str, bytes], *without: str) -> Path:
    folder.mkdir(parents=True)
    for name, data in {"config.json": json.dumps(config).encode(), "tokenizer.json": b"{}", **weights}.items():
        if name not in without:
            (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("config", "name", "data", "kind"),
    [
        (MLX, "weights.safetensors", SAFETENSORS, "F16"),
        (MLX, "weights.npz", packed(a=array()), "F16"),
        ({**MLX, "quantization": {"group_size": 64, "bits": 4}}, "weights.safetensors", SAFETENSORS, "4bit"),
        (HUGGING_FACE, "model.safetensors", SAFETENSORS, "F16"),
    ],
)
def test_one_for_mlx_hears_too(tmp_path: Path, config: dict[str, object], name: str, data: bytes, kind: str) -> None:
    for_mlx(tmp_path / "ear", config, {name: data})
    (model,) = scan([tmp_path])
    assert (model.id, model.format, model.size, model.invalid) == ("ear", "whisper", len(data), None)
    assert (model.capabilities, model.quantisation) == ({Capability.TRANSCRIPTION}, kind)
    assert model.shape.parameters == PARAMETERS
    assert need(model, LoadOptions(), Machine(2)).weights == 4 * PARAMETERS, "in 32 bits on a processor"
    found = need(model, LoadOptions(), Machine(2, gpu=True))
    assert (found.weights, found.cache) == (len(data), 256 << 20)


@pytest.mark.parametrize(
    ("config", "weights", "without", "said"),
    [
        (MLX, {"weights.safetensors": SAFETENSORS}, ("tokenizer.json",), "take it from openai/whisper-tiny and put it"),
        ({**MLX, "n_vocab": 51_866}, {"weights.npz": b"PK\x03\x04"}, ("tokenizer.json",), "openai/whisper-large-v3"),
        (MLX, {"weights.npz": b"\x80\x04pickle"}, (), "no archive of arrays"),
        (MLX, {"weights.npz": b"PK\x03\x04" + bytes(50)}, (), "truncated, or no archive"),
        (MLX, {"weights.npz": packed(a=array("'|O'", "(1,)"))}, (), "holds objects"),
        (MLX, {"weights.safetensors": b"short"}, (), "weights.safetensors"),
        ({**MLX, "n_text_state": 1 << 40}, {"weights.safetensors": SAFETENSORS}, (), "does not say n_text_state"),
        ({"model_type": "whisper"}, {"model.safetensors": SAFETENSORS}, (), "does not say n_vocab"),
    ],
)
def test_what_is_none_for_mlx_says_why(
    tmp_path: Path, config: dict[str, object], weights: dict[str, bytes], without: tuple[str, ...], said: str
) -> None:
    for_mlx(tmp_path / "ear", config, weights, *without)
    (model,) = scan([tmp_path])
    assert model.format == "whisper"
    assert said in (model.invalid or "")


def test_a_language_model_is_none(tmp_path: Path) -> None:
    for_mlx(tmp_path / "words", {"model_type": "llama"}, {"model.safetensors": SAFETENSORS})
    (model,) = scan([tmp_path])
    assert model.format == "mlx"


@pytest.mark.parametrize(
    ("repo", "names", "choice", "wanted"),
    [
        ("o/whisper-mlx", ["config.json", "weights.npz", "run.py"], None, {"config.json", "weights.npz"}),
        ("o/whisper-mlx", ["config.json", "model.safetensors", "a.npz"], None, {"config.json", "model.safetensors"}),
        (
            "o/ear",
            ["config.json", "model.safetensors", "model.fp32.safetensors", "model.safetensors.index.json", "model.bin"],
            "model.safetensors",
            {"config.json", "model.safetensors"},
        ),
        ("o/ear", ["model.bin", "vocabulary.txt", "m.safetensors"], "model.bin", {"model.bin", "vocabulary.txt"}),
        ("o/words", ["config.json", "weights.npz"], None, None),
        ("o/ear", ["config.json", "model.bin", "model.safetensors"], "model.bin", None),
        ("o/ear", ["config.json", "model-00001-of-00002.safetensors"], "model-00001-of-00002.safetensors", None),
    ],
)  # fmt: skip
def test_of_several_forms_on_the_hub_the_one_that_is_named(
    repo: str, names: list[str], choice: str | None, wanted: set[str] | None
) -> None:
    found = Repository(repo, "0" * 40, tuple(RemoteFile(name, 10, "0" * 64, None) for name in names))
    if wanted is None:
        with pytest.raises(InvalidRequest):
            hub.wanted(HubSpec(repo, choice), found)
    else:
        assert {file.name for file in hub.wanted(HubSpec(repo, choice), found)} == wanted
