"""The reader of MLX folders: facts where the folder is sound, a reason where it is not, and nothing executed."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.catalog import mlx
from dovetail.catalog.files import MAX_VALUES
from dovetail.catalog.invalid import InvalidModelFile, RemoteCodeNotAllowed
from dovetail.catalog.mlx import INDEX, MlxFolder, read_folder
from dovetail.catalog.safetensors import MAX_TENSORS, read_tensors
from dovetail.core.model import Attention, Shape
from dovetail.demo import models_dir

if TYPE_CHECKING:
    from conftest import Forge


def refusal(path: Path) -> str:
    with pytest.raises(InvalidModelFile) as caught:
        read_folder(path)
    return caught.value.reason


def shards(forge: Forge, count: int = 2) -> Path:
    path = forge.mlx()
    (path / "model.safetensors").unlink()
    names = [f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        forge.safetensors(path / name, {f"layers.{number}.weight": ("BF16", [8], 16)})
    placed = {f"layers.{number}.weight": name for number, name in enumerate(names)}
    (path / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return path


# Right folders


@pytest.mark.accept("E9")
def test_agrees_with_the_demo_model() -> None:
    path = models_dir() / "tiny-mlx"
    folder = read_folder(path)
    config = json.loads((path / "config.json").read_text())
    assert folder.weights == (path / "model.safetensors",)
    assert folder.size == (path / "model.safetensors").stat().st_size
    assert folder.shape.layers == config["num_hidden_layers"]
    assert folder.shape.context == config["max_position_embeddings"]
    assert folder.shape.parameters * 4 == pytest.approx(folder.size, rel=0.01)
    assert folder.quantisation == "F32"
    assert folder.tokenizer
    assert folder.template is not None


@pytest.mark.accept("E9")
def test_a_folder_without_a_tokenizer_is_sound(forge: Forge) -> None:
    folder = read_folder(forge.mlx())
    assert folder.shape == Shape("llama", 4096, 2, 64, 4, 2, 16, 32, 32, (Attention(2, 32, 32),))
    assert not folder.tokenizer
    assert folder.template is None


def test_shards_and_their_index(forge: Forge) -> None:
    folder = read_folder(shards(forge, 3))
    assert len(folder.weights) == 3
    assert folder.shape.parameters == 24
    assert folder.quantisation == "BF16"


def test_a_multimodal_model_keeps_its_numbers_in_text_config(forge: Forge) -> None:
    text = {"hidden_size": 32, "num_hidden_layers": 7, "num_attention_heads": 2, "head_dim": 24}
    path = forge.mlx()
    (path / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": text}))
    shape = read_folder(path).shape
    assert (shape.width, shape.layers, shape.heads, shape.kv_heads, shape.head_width) == (32, 7, 2, 2, 24)


def test_infinity_in_a_configuration_is_no_defect(forge: Forge) -> None:
    path = forge.mlx(time_step_limit=[0.0, float("inf")])
    assert "Infinity" in (path / "config.json").read_text()
    assert read_folder(path).shape.layers == 2


def test_quantised_weights_are_counted_unpacked(forge: Forge) -> None:
    path = forge.mlx(quantization={"group_size": 32, "bits": 4, "head": {"group_size": 32, "bits": 8}})
    forge.safetensors(
        path / "model.safetensors",
        {
            "embed.weight": ("U32", [2, 8], 64),
            "embed.scales": ("F16", [2, 2], 8),
            "embed.biases": ("F16", [2, 2], 8),
            "head.weight": ("U32", [2, 8], 64),
            "head.scales": ("F16", [2, 2], 8),
            "norm.weight": ("F16", [5], 10),
        },
    )
    folder = read_folder(path)
    assert folder.shape.parameters == 16 * 8 + 16 * 4 + 5
    assert folder.quantisation == "4bit"


def test_a_named_quantisation_mode(forge: Forge) -> None:
    assert read_folder(forge.mlx(quantization={"bits": 4, "mode": "mxfp4"})).quantisation == "mxfp4"


def test_templates_in_the_order_of_transformers(forge: Forge) -> None:
    path = forge.mlx()
    (path / "chat_template.json").write_text(json.dumps({"chat_template": "json"}))
    assert read_folder(path).template == "json"
    named = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "named"}]
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert read_folder(path).template == "named"
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "config"}))
    assert read_folder(path).template == "config"
    (path / "chat_template.jinja").write_text("jinja")
    assert read_folder(path).template == "jinja"


def test_lone_surrogates_do_not_travel(forge: Forge) -> None:
    path = forge.mlx(model_type="\ud800llama")
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "a\udfffb"}))
    folder = read_folder(path)
    assert (folder.template, folder.shape.architecture) == ("a\ufffdb", "\ufffdllama")


# Code


@pytest.mark.bad_input("43")
@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.PT", "m.pth", "state.pkl"])
def test_refuses_pickles(forge: Forge, name: str) -> None:
    path = forge.mlx()
    (path / name).write_text("raise SystemExit")
    with pytest.raises(RemoteCodeNotAllowed, match=name) as caught:
        read_folder(path)
    assert (caught.value.status, caught.value.code) == (403, "remote_code_not_allowed")


@pytest.mark.bad_input("43")
@pytest.mark.parametrize("key", ["model_file", "auto_map"])
def test_tells_of_configurations_that_name_code(forge: Forge, key: str) -> None:
    path = forge.mlx("a", **{key: "evil.py"})
    (path / "evil.py").write_text("raise SystemExit")
    assert read_folder(path).code == f"config.json names code of its own under {key}"
    path = forge.mlx("b")
    (path / "tokenizer_config.json").write_text(json.dumps({key: {"AutoTokenizer": "evil.T"}}))
    assert read_folder(path).code == f"tokenizer_config.json names code of its own under {key}"


def test_tells_of_code(forge: Forge) -> None:
    path = forge.mlx()
    assert read_folder(path).code is None
    (path / "modeling_evil.PY").write_text("raise SystemExit")
    assert read_folder(path).code == "the folder holds modeling_evil.PY"


@pytest.mark.bad_input("43")
@pytest.mark.parametrize("file", ["../evil.py", "/elsewhere/evil.py", "missing.py", 5, ["evil.py"]])
def test_refuses_code_that_lies_elsewhere(forge: Forge, file: object) -> None:
    (forge.folder / "evil.py").write_text("raise SystemExit")
    with pytest.raises(RemoteCodeNotAllowed, match="not in the folder"):
        read_folder(forge.mlx(model_file=file))


# Wrong folders


@pytest.mark.accept("E9")
def test_refuses_folders_that_lack_a_part(forge: Forge) -> None:
    path = forge.mlx()
    (path / "model.safetensors").rename(path / "other.safetensors")
    assert refusal(path) == "the folder has no model*.safetensors"
    (path / "config.json").unlink()
    assert refusal(path) == "the folder has no config.json"
    assert "cannot be read" in refusal(path / "missing")


@pytest.mark.bad_input("42")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not valid JSON"),
        ("[]", "holds no JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"model_type": ' + "9" * 5000 + "}", "not valid JSON"),
        ("{}", "no model_type"),
        ('{"a": "' + "x" * (3 << 20) + '"}', "larger than"),
    ],
)
def test_refuses_bad_configurations(forge: Forge, content: str, reason: str) -> None:
    path = forge.mlx()
    (path / "config.json").write_text(content)
    assert reason in refusal(path)


def test_refuses_a_configuration_that_is_no_text(forge: Forge) -> None:
    path = forge.mlx()
    (path / "config.json").write_bytes(b'{"model_type": "\xff"}')
    assert "not UTF-8" in refusal(path)


@pytest.mark.bad_input("44")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", 10_000_000),
        ("num_hidden_layers", 0),
        ("num_hidden_layers", -1),
        ("num_attention_heads", 1.5),
        ("hidden_size", "64"),
        ("vocab_size", True),
        ("max_position_embeddings", 0),
    ],
)
def test_refuses_absurd_numbers(forge: Forge, key: str, value: object) -> None:
    path = forge.mlx()
    forge.config(path, **{key: value})
    assert f"config.json: {key} is {value}" in refusal(path)


def test_refuses_absurd_bits(forge: Forge) -> None:
    assert "-3-bit" in refusal(forge.mlx(quantization={"bits": -3}))


@pytest.mark.bad_input("42")
def test_refuses_missing_shards(forge: Forge) -> None:
    path = shards(forge, 3)
    (path / "model-00002-of-00003.safetensors").unlink()
    assert refusal(path) == "2 of 3 shards are there: download the missing ones"


@pytest.mark.bad_input("42")
@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({}, "no weight_map"),
        ({"weight_map": {"layers.0.weight": "../../etc/passwd"}}, "points outside the folder"),
        ({"weight_map": {"layers.0.weight": "/etc/passwd"}}, "points outside the folder"),
        ({"weight_map": {"layers.0.weight": "model-2.safetensors"}}, "is missing"),
        ({"weight_map": {"layers.9.weight": "model-00001-of-00002.safetensors"}}, "no shard holds"),
        ({"weight_map": {f"layers.{n}.weight": f"m{n}.safetensors" for n in range(200_000)}}, "is missing"),
    ],
)
def test_refuses_bad_indexes(forge: Forge, index: object, reason: str) -> None:
    path = shards(forge)
    (path / INDEX).write_text(json.dumps(index))
    assert reason in refusal(path)


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def entry(**changes: object) -> bytes:
    tensor: dict[str, object] = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    return header(json.dumps({"t": tensor | changes}).encode()) + bytes(16)


@pytest.mark.bad_input("42")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is truncated: 0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (header(b"{}", 1 << 63), "claims 9223372036854775808 bytes"),
        (header(b"{}", 3), "truncated or not safetensors"),
        (header(b"{,}"), "not valid JSON"),
        (header(b"[" * 9999), "nested too deeply"),
        (header(b"[]"), "no JSON object"),
        (header(b'{"t": 3}'), "is not a tensor entry"),
        (entry(dtype="X9"), "unknown type 'X9'"),
        (entry(dtype=["F32"]), "unknown type"),
        (entry(shape=None), "no usable shape"),
        (entry(shape=[1] * 9), "no usable shape"),
        (entry(shape=[-4]), "no usable shape"),
        (entry(shape=[1 << 70]), "no usable shape"),
        (entry(shape=[5]), "do not fill"),
        (entry(data_offsets=[0]), "impossible offsets"),
        (entry(data_offsets=[16, 0]), "impossible offsets"),
        (entry(data_offsets=[0, 1 << 60]), "after the end of the file"),
        (entry()[:-1], "ends 1 bytes after the end of the file"),
    ],
)
def test_refuses_bad_safetensors(forge: Forge, content: bytes, reason: str) -> None:
    path = forge.mlx()
    (path / "model.safetensors").write_bytes(content)
    assert reason in refusal(path)


def test_refuses_a_safetensors_header_beyond_the_bounds(forge: Forge) -> None:
    path = forge.mlx() / "model.safetensors"
    path.write_bytes(header(b"{}", 17 << 20))
    os.truncate(path, 18 << 20)
    assert "larger than 16 MB" in refusal(path.parent)
    path.write_bytes(header(json.dumps(dict.fromkeys(range(MAX_TENSORS + 1))).encode()))
    assert f"claims {MAX_TENSORS + 1} tensors" in refusal(path.parent)


def test_refuses_more_values_than_fit(forge: Forge) -> None:
    path = forge.mlx()
    (path / "tokenizer_config.json").write_text('{"a": [' + "[]," * MAX_VALUES + "0]}")
    assert f"more than {MAX_VALUES} values" in refusal(path)


def test_refuses_more_tensors_than_any_model_has(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlx, "MAX_TENSORS", 2)
    assert refusal(shards(forge, 4)) == "the folder claims 3 tensors, more than 2"


def test_holds_its_deadline(forge: Forge) -> None:
    ticks = iter([0.0, 0.0, 9.0])
    with pytest.raises(InvalidModelFile, match="took longer"):
        read_folder(shards(forge), clock=lambda: next(ticks))


def test_refuses_a_folder_with_too_many_files(forge: Forge) -> None:
    path = forge.mlx()
    for number in range(4097):
        (path / f"{number}.txt").touch()
    assert "more than 4096 files" in refusal(path)


# Links and special files


def test_links_inside_the_root_are_followed(forge: Forge) -> None:
    path = forge.mlx()
    blob = forge.folder / "blobs"
    blob.mkdir()
    (path / "model.safetensors").rename(blob / "abc")
    (path / "model.safetensors").symlink_to("../blobs/abc")
    (path / "1_Pooling").mkdir()
    assert read_folder(path, root=forge.folder).shape.parameters == 32
    assert refusal(path) == "model.safetensors is a link that leaves the models folder"


def test_a_broken_link_or_a_fifo_is_refused_at_once(forge: Forge) -> None:
    path = forge.mlx()
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").symlink_to("missing")
    assert "cannot be read" in refusal(path)
    (path / "model.safetensors").unlink()
    os.mkfifo(path / "model.safetensors")
    assert refusal(path) == "model.safetensors is not a regular file"


@settings(max_examples=200, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 160), value=st.binary(min_size=1, max_size=6), length=st.integers(0, 300))
def test_a_damaged_file_is_read_or_refused(forge: Forge, at: int, value: bytes, length: int) -> None:
    path = forge.folder / "model.safetensors"
    forge.safetensors(path, {"t": ("F32", [4, 8], 128)})
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content[:length] if length < 200 else content)
    try:
        assert read_tensors(path).keys() <= {"t"} or True
    except InvalidModelFile as error:
        assert error.reason  # noqa: PT017


@pytest.mark.parametrize("content", ["null", '{"a": {}}'])
def test_a_strange_configuration_is_read_or_refused(forge: Forge, content: str) -> None:
    path = forge.mlx()
    (path / "tokenizer_config.json").write_text(content)
    try:
        assert isinstance(read_folder(path), MlxFolder)
    except InvalidModelFile as error:
        assert "tokenizer_config.json" in error.reason  # noqa: PT017
