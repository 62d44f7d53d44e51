"""What a GGUF file says, beside what the gguf package reads of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dovetail.catalog import gguf_facts as module
from dovetail.catalog.gguf import read_header, read_tokens
from dovetail.catalog.gguf_facts import as_json, gguf_facts
from dovetail.catalog.gguf_values import GgufArray
from dovetail.catalog.inspection import inspect
from dovetail.catalog.invalid import InvalidModelFile

if TYPE_CHECKING:
    from conftest import Forge

SHORT = {
    "u8": ("add_uint8", 255),
    "i8": ("add_int8", -128),
    "u16": ("add_uint16", 65_535),
    "i16": ("add_int16", -32_768),
    "u32": ("add_uint32", 2**32 - 1),
    "i32": ("add_int32", -(2**31)),
    "f32": ("add_float32", 0.5),
    "u64": ("add_uint64", 2**64 - 1),
    "i64": ("add_int64", -(2**63)),
    "f64": ("add_float64", 0.1),
    "bool": ("add_bool", True),
    "text": ("add_string", "안녕 \u0007"),
}
ARRAYS = {"ints": [1, -2, 3], "floats": [0.25, -0.5], "texts": ["a", "", "한"], "flags": [True, False]}


def written(path: Path, *, big: bool) -> Path:
    """A file with an entry of every type, made by the gguf package."""
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFEndian, GGUFWriter

    writer: Any = GGUFWriter(path, "llama", endianess=GGUFEndian.BIG if big else GGUFEndian.LITTLE)
    for name, (method, value) in SHORT.items():
        getattr(writer, method)(f"test.{name}", value)
    for name, values in ARRAYS.items():
        writer.add_array(f"test.{name}", values)
    writer.add_block_count(2)
    writer.add_context_length(4096)
    writer.add_token_list([f"token {n}" for n in range(3000)])
    writer.add_array("tokenizer.ggml.token_type", [1] * 3000)
    for name, kind in (("q", "Q8_0"), ("k", "Q8_0"), ("v", "F16")):
        for block in range(2):
            quantised = kind == "Q8_0"
            data = np.zeros((8, 34), np.uint8) if quantised else np.zeros((8, 32), np.float16)
            raw = GGMLQuantizationType[kind] if quantised else None
            writer.add_tensor(f"blk.{block}.attn_{name}.weight", data, raw_dtype=raw)
        writer.add_tensor(f"blk.0.attn_{name}_norm.weight", np.zeros(8, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("big", [False, True])
def test_every_field_agrees_with_the_gguf_package(tmp_path: Path, *, big: bool) -> None:
    from gguf import GGUFReader

    path = written(tmp_path / "m.gguf", big=big)
    header, oracle = read_header(path, foreign=True), GGUFReader(path)
    assert header.big_endian is big
    fields = {name: field.contents() for name, field in oracle.fields.items() if not name.startswith("GGUF.")}
    assert header.metadata.keys() == fields.keys()
    for name, value in header.metadata.items():
        if isinstance(value, GgufArray):
            assert value.count == len(fields[name]), name
            assert value.values is None or list(value.values) == list(fields[name]), name
        else:
            assert value == fields[name], name
    if not big:
        assert [token.decode() for token in read_tokens(path)] == fields["tokenizer.ggml.tokens"]
    ours = [(t.name, t.type, list(t.shape), t.size, header.data_offset + t.offset) for t in header.tensors]
    theirs = [(t.name, t.tensor_type.name, t.shape.tolist(), t.n_bytes, t.data_offset) for t in oracle.tensors]
    assert ours == theirs


def test_a_big_endian_file_is_shown_and_not_served(tmp_path: Path) -> None:
    path = written(tmp_path / "m.gguf", big=True)
    with pytest.raises(InvalidModelFile, match="big-endian"):
        read_header(path)
    shown = inspect(path)
    assert (shown["byte_order"], shown["context"]) == ("big", 4096)
    assert "big-endian" in str(shown["problem"])


def test_the_summary_adds_up(tmp_path: Path) -> None:
    facts = gguf_facts(written(tmp_path / "m.gguf", big=False))
    assert facts.attention == {"q": {"Q8_0": 2}, "k": {"Q8_0": 2}, "v": {"F16": 2}}
    assert [(share.type, share.tensors, share.bytes) for share in facts.types] == [
        ("Q8_0", 4, 4 * 272), ("F16", 2, 2 * 512), ("F32", 3, 96),
    ]  # fmt: skip
    assert sum(share.percent for share in facts.types) == pytest.approx(100, abs=0.02)
    assert facts.bits == round(8 * (4 * 272 + 1024 + 96) / (6 * 256 + 24), 2)
    shown = as_json(facts)
    assert shown["problem"] is None
    entries = {entry["key"]: entry for entry in shown["metadata"]}  # type: ignore[index]
    assert entries["tokenizer.ggml.tokens"] == {
        "key": "tokenizer.ggml.tokens", "type": "array of string", "count": 3000, "value": [],
    }  # fmt: skip
    assert entries["test.ints"]["value"] == [1, -2, 3]


def test_fused_and_latent_attention_count_for_each(forge: Forge) -> None:
    def tensor(name: str, at: int) -> bytes:
        return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQIQ", 1, 32, 0, at)

    names = ["blk.0.attn_qkv.weight", "blk.1.attn_q_a.weight", "blk.1.attn_kv_a_mqa.weight", "blk.1.attn_q_norm.weight"]
    content = forge.gguf_bytes(tensors=[tensor(name, 128 * at) for at, name in enumerate(names)], data=512)
    facts = gguf_facts(forge.gguf(content=content))
    assert facts.attention == {"q": {"F32": 2}, "k": {"F32": 2}, "v": {"F32": 2}}


def test_parts_are_one_model_and_a_missing_one_is_named(forge: Forge) -> None:
    for number in range(2):
        metadata = {"general.architecture": "llama", "split.no": number, "split.count": 2}
        forge.gguf(f"big-0000{number + 1}-of-00002.gguf", forge.gguf_bytes(metadata))
    facts = gguf_facts(forge.folder / "big-00002-of-00002.gguf")
    assert [path.name for path in facts.paths] == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]
    assert (facts.parameters, facts.problem) == (64, None)
    assert inspect(forge.folder)["bytes"] == sum(path.stat().st_size for path in facts.paths)
    (forge.folder / "big-00002-of-00002.gguf").unlink()
    assert gguf_facts(forge.folder / "big-00001-of-00002.gguf").problem == "big-00002-of-00002.gguf is missing"


def test_tensors_are_bounded_over_all_parts(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        forge.gguf(f"big-0000{number}-of-00002.gguf")
    first = forge.folder / "big-00001-of-00002.gguf"
    monkeypatch.setattr(module, "MAX_TENSORS", 2 * len(gguf_facts(first).first.tensors))
    gguf_facts(first)
    monkeypatch.setattr(module, "MAX_TENSORS", 2 * len(gguf_facts(first).first.tensors) - 1)
    with pytest.raises(InvalidModelFile, match="tensors together"):
        gguf_facts(first)


def test_parts_that_take_too_long_are_given_up(forge: Forge) -> None:
    for number in (1, 2):
        forge.gguf(f"big-0000{number}-of-00002.gguf")
    times = iter([0.0, 0.0, 9.0])
    with pytest.raises(InvalidModelFile, match="longer than 5 s"):
        gguf_facts(forge.folder / "big-00001-of-00002.gguf", lambda: next(times))


def test_a_folder_that_holds_none_or_several_says_so(forge: Forge) -> None:
    with pytest.raises(InvalidModelFile, match="neither"):
        inspect(forge.folder)
    forge.gguf("a.gguf")
    forge.gguf("b.gguf")
    with pytest.raises(InvalidModelFile, match=r"name one of a\.gguf, b\.gguf"):
        inspect(forge.folder)
