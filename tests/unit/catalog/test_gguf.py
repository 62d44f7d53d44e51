"""The GGUF reader: right where the file is right, and quick with a reason where it is not."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.catalog import gguf_bytes
from dovetail.catalog.gguf import read_header
from dovetail.catalog.gguf_header import GgufHeader, TypeUse
from dovetail.catalog.gguf_values import GgufArray
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.model import Attention, Shape
from dovetail.demo import models_dir

if TYPE_CHECKING:
    from conftest import Forge

HUGE = 1 << 60
DEMOS = ["tiny-gguf/tiny-gguf-f16.gguf", "tiny-gguf-q8/tiny-gguf-q8_0.gguf"]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def tensor(name: str, shape: list[int], kind: int, offset: int, dimensions: int | None = None) -> bytes:
    count = len(shape) if dimensions is None else dimensions
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", count, *shape, kind, offset)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidModelFile) as caught:
        read_header(path)
    assert caught.value.status == 422
    assert caught.value.code == "invalid_model_file"
    return caught.value.reason


# Right files


@pytest.mark.parametrize("name", DEMOS)
def test_agrees_with_the_gguf_package(name: str) -> None:
    from gguf import GGUFReader

    path = models_dir() / name
    header, oracle = read_header(path), GGUFReader(path)
    assert [tensor.name for tensor in header.tensors] == [tensor.name for tensor in oracle.tensors]
    for ours, theirs in zip(header.tensors, oracle.tensors, strict=True):
        assert ours.type == theirs.tensor_type.name
        assert list(ours.shape) == theirs.shape.tolist()
        assert ours.size == theirs.n_bytes
        assert header.data_offset + ours.offset == theirs.data_offset
    assert header.shape.parameters == sum(int(tensor.n_elements) for tensor in oracle.tensors)
    for field, value in header.metadata.items():
        found = oracle.fields[field].contents()
        if isinstance(value, GgufArray):
            assert value.count == len(found)
            assert value.values is None or list(value.values) == list(found)
        else:
            assert value == found
    template = oracle.fields["tokenizer.chat_template"].contents()
    assert header.template == template


@pytest.mark.parametrize(("name", "quantisation"), [(DEMOS[0], "F16"), (DEMOS[1], "Q8_0")])
def test_names_the_quantisation(name: str, quantisation: str) -> None:
    header = read_header(models_dir() / name)
    assert header.quantisation == quantisation
    assert header.types[0].type == quantisation
    assert sum(use.tensors for use in header.types) == len(header.tensors)


@pytest.mark.parametrize("version", [2, 3])
def test_reads_the_shape(forge: Forge, version: int) -> None:
    header = read_header(forge.gguf(content=forge.gguf_bytes(version=version)))
    assert header.version == version
    assert header.shape == Shape("llama", 4096, 2, 64, 4, 2, 16, 4, 32, (Attention(2, 32, 32),))
    assert header.types == (TypeUse("F32", 1, 128),)
    assert (header.kind, header.split, header.template, header.quantisation) == ("model", (0, 1), None, "F32")


def test_tables_agree_with_the_gguf_package() -> None:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.constants import LlamaFileType

    from dovetail.catalog.tensor_types import FILE_TYPES, TENSOR_TYPES

    for kind in GGMLQuantizationType:
        ours = TENSOR_TYPES[kind.value]
        assert (ours.name, (ours.block, ours.size)) == (kind.name, GGML_QUANT_SIZES[kind])
    names = {kind.value: kind.name for kind in LlamaFileType if kind.name != "GUESSED"}
    assert {number: f"MOSTLY_{name}" for number, name in FILE_TYPES.items() if number} == {
        number: name for number, name in names.items() if number
    }


def test_heads_may_differ_by_layer(forge: Forge) -> None:
    heads = struct.pack("<IQ", 4, 2) + struct.pack("<II", 8, 6)
    metadata = {"general.architecture": "llama", "llama.embedding_length": 64, "llama.attention.key_length": 5}
    content = forge.gguf_bytes(metadata, extra=[key("llama.attention.head_count", 9, heads)])
    shape = read_header(forge.gguf(content=content)).shape
    assert (shape.heads, shape.kv_heads, shape.head_width) == (8, 8, 5)


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"general.architecture": "clip"}, "projector"),
        ({"general.architecture": "llama", "general.type": "mmproj"}, "projector"),
        ({"general.architecture": "llama", "general.type": "adapter"}, "adapter"),
        ({"general.architecture": "llama", "adapter.type": "lora"}, "adapter"),
        ({"general.type": "imatrix"}, "imatrix"),
        ({"split.no": 1, "split.count": 2}, "part"),
        ({"general.architecture": "llama"}, "model"),
    ],
)
def test_tells_what_a_file_is_for(forge: Forge, metadata: dict[str, object], kind: str) -> None:
    assert read_header(forge.gguf(content=forge.gguf_bytes(metadata))).kind == kind


def test_a_scalar_tensor_and_an_unused_alignment_are_fine(forge: Forge) -> None:
    content = forge.gguf_bytes({"general.alignment": 64}, tensors=[tensor("t", [], 0, 64)], alignment=64)
    header = read_header(forge.gguf(content=content))
    assert (header.tensors[0].shape, header.tensors[0].size) == ((), 4)
    assert header.data_offset % 64 == 0


def test_a_very_long_text_is_passed_over(forge: Forge) -> None:
    metadata: dict[str, object] = {"tokenizer.huggingface.json": "x" * (2 << 20), "general.name": "after"}
    header = read_header(forge.gguf(content=forge.gguf_bytes(metadata)))
    assert header.metadata == {"tokenizer.huggingface.json": GgufArray("text", 2 << 20, None), "general.name": "after"}


# A large vocabulary


def large(forge: Forge, tokens: list[bytes], *, cut: int = 0) -> Path:
    strings = b"".join(struct.pack("<Q", len(token)) + token for token in tokens)
    scores = struct.pack("<IQ", 6, len(tokens)) + bytes(4 * len(tokens))
    content = forge.gguf_bytes(
        {"general.architecture": "llama"},
        extra=[
            key("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, len(tokens)) + strings),
            key("tokenizer.ggml.scores", 9, scores),
            key("tokenizer.ggml.merges", 9, struct.pack("<IQ", 8, len(tokens)) + strings),
            key("tokenizer.chat_template", 8, text("{{ messages }}")),
        ],
    )
    return forge.gguf(content=content[: len(content) - cut] if cut else content)


def test_walks_a_large_vocabulary(forge: Forge) -> None:
    header = read_header(large(forge, [b"token%d" % number for number in range(100_000)]))
    assert header.shape.vocabulary == 100_000
    assert header.metadata["tokenizer.ggml.scores"] == GgufArray("f32", 100_000, None)
    assert header.metadata["tokenizer.ggml.merges"] == GgufArray("string", 100_000, None)
    assert header.template == "{{ messages }}"


def test_every_cut_of_a_large_vocabulary_is_noticed(forge: Forge) -> None:
    size = large(forge, [b"token%d" % number for number in range(30_000)]).stat().st_size
    for cut in [1, 200, *range(size // 7, size - 3, size // 7), size - 3]:
        path = large(forge, [b"token%d" % number for number in range(30_000)], cut=cut)
        assert "truncated" in refusal(path)


def test_reads_no_further_than_the_header(forge: Forge) -> None:
    path = forge.gguf()
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # sparse
    assert read_header(path).size == 1 << 40


@pytest.mark.bad_input("38")
@pytest.mark.parametrize("count", [10, 5000])
def test_a_token_that_appears_twice_is_refused(forge: Forge, count: int) -> None:
    tokens = [b"token%d" % number for number in range(count)]
    tokens[-1] = tokens[0]
    assert refusal(large(forge, tokens)) == "the vocabulary has token 'token0' twice"


# Wrong files


@pytest.mark.bad_input("39")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty (0 bytes)"),
        (b"G", "truncated header"),
        (b"GGUF\x03\0\0\0", "truncated header"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Sign in", "HTML page"),
        (b"<html>", "HTML page"),
        (b'{"error": "not found"}', "JSON"),
        (b"PK\x03\x04" + bytes(99), "zip"),
        (b"tjgg" + bytes(99), "from before GGUF"),
        (b"\x7fELF" + bytes(99), "not a GGUF file: it begins with 7f 45 4c 46"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1 is not supported"),
        (b"GGUF" + struct.pack("<IQQ", 0, 0, 0), "version 0 is not supported"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, HUGE), f"metadata claims {HUGE} entries"),
        (b"GGUF" + struct.pack("<IQQ", 3, HUGE, 0), f"tensor info claims {HUGE} tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1000), "truncated metadata: 1000 entries are due"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1000, 0), "truncated tensor info: 1000 tensors are due"),
    ],
)
def test_refuses_what_is_no_model(forge: Forge, content: bytes, reason: str) -> None:
    assert reason in refusal(forge.gguf(content=content))


BAD_ENTRIES: list[tuple[bytes, str]] = [
    (struct.pack("<Q", HUGE) + b"k" * 64, "a key at offset"),
    (struct.pack("<Q", 60_000) + b"k" * 64, "truncated metadata"),
    (struct.pack("<Q", 2) + b"\xff\xfe" + struct.pack("<II", 4, 0), "is not UTF-8"),
    (key("k", 13, bytes(8)), "'k' has unknown type 13"),
    (key("k", 8, struct.pack("<Q", HUGE)), f"claims {HUGE} bytes in 'k'"),
    (key("k", 8, struct.pack("<Q", 2 << 20)), "truncated metadata"),
    (key("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, (1 << 20) + 1)), "claims 1048577 strings"),
    (key("k", 8, struct.pack("<Q", 1000)), "truncated metadata"),
    (key("k", 9, struct.pack("<IQ", 13, 1)), "array of unknown type 13"),
    (key("k", 9, struct.pack("<IQ", 9, 1)), "array of arrays"),
    (key("k", 9, struct.pack("<IQ", 8, HUGE)), f"claims {HUGE} strings in 'k'"),
    (key("k", 9, struct.pack("<IQ", 8, 1 << 20)), "truncated metadata"),
    (key("k", 9, struct.pack("<IQQ", 8, 1, HUGE)), "a string in 'k'"),
    (key("k", 9, struct.pack("<IQ", 10, HUGE)), f"claims {HUGE} values in 'k'"),
    (key("k", 9, struct.pack("<IQ", 10, 1 << 20)), "truncated metadata"),
    (key("k", 9, struct.pack("<IQ", 10, 100)), "truncated metadata"),
    (key("general.architecture", 4, struct.pack("<I", 1)), "'general.architecture' twice"),
    (key("general.alignment", 4, struct.pack("<I", 0)), "general.alignment is '0', not a power of two"),
    (key("general.alignment", 4, struct.pack("<I", 33)), "not a power of two"),
    (key("general.alignment", 8, text("32")), "not a power of two"),
    (key("general.alignment", 7, b"\x01"), "not a power of two"),
    (key("split.no", 8, text("x")), "split.no is not a whole number"),
    (key("split.count", 10, struct.pack("<Q", HUGE)), f"split.count is {HUGE}"),
]


@pytest.mark.bad_input("37")
@pytest.mark.parametrize(("entry", "reason"), BAD_ENTRIES)
def test_refuses_bad_metadata(forge: Forge, entry: bytes, reason: str) -> None:
    content = forge.gguf_bytes({"general.architecture": "llama"}, extra=[entry], tensors=[], data=0)
    assert reason in refusal(forge.gguf(content=content))


def test_refuses_a_broken_string_deep_in_a_vocabulary(forge: Forge) -> None:
    strings = struct.pack("<Q", 0) * 3000 + struct.pack("<Q", (1 << 64) - 1) + bytes(9000)
    entry = key("k", 9, struct.pack("<IQ", 8, 3500) + strings)
    assert "truncated metadata" in refusal(forge.gguf(content=forge.gguf_bytes({}, extra=[entry])))


@pytest.mark.bad_input("38")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("block_count", 1 << 31, "llama.block_count is 2147483648: not between 0 and 512"),
        ("block_count", "two", "not a whole number"),
        ("context_length", 0, "llama.context_length is 0"),
        ("embedding_length", 1 << 30, "llama.embedding_length"),
        ("attention.head_count", 1 << 30, "llama.attention.head_count"),
        ("attention.head_count_kv", True, "not a whole number"),
        ("vocab_size", 1 << 30, "llama.vocab_size"),
    ],
)
def test_refuses_absurd_shapes(forge: Forge, name: str, value: object, reason: str) -> None:
    metadata: dict[str, object] = {"general.architecture": "llama", f"llama.{name}": value}
    assert reason in refusal(forge.gguf(content=forge.gguf_bytes(metadata)))


def test_refuses_an_architecture_that_is_a_number(forge: Forge) -> None:
    assert "not text" in refusal(forge.gguf(content=forge.gguf_bytes({"general.architecture": 7})))


BAD_TENSORS: list[tuple[list[bytes], str]] = [
    ([tensor("t", [1] * 9, 0, 0)], "has 9 dimensions"),
    ([tensor("t", [32], 0, 0, dimensions=1 << 31)], "dimensions, more than 4"),
    ([tensor("t", [32], 9999, 0)], "'t' has unknown type 9999"),
    ([tensor("t", [32], 4, 0)], "unknown type 4"),
    ([tensor("t", [0], 0, 0)], "impossible dimensions [0]"),
    ([tensor("t", [1 << 40, 1 << 40], 0, 0)], "impossible dimensions"),
    ([tensor("t", [(1 << 64) - 1], 0, 0)], "impossible dimensions"),
    ([tensor("t", [33], 8, 0)], "rows of 33 weights, not a multiple of Q8_0's 32"),
    ([tensor("t", [32], 0, 31)], "not a multiple of the alignment 32"),
    ([tensor("t", [32], 0, 1 << 40)], "truncated data: tensor 't'"),
    ([tensor("t", [32], 0, (1 << 64) - 32)], "truncated data"),
    ([tensor("t", [1 << 61], 0, 0)], "truncated data"),
    ([tensor("t", [32], 0, 0), tensor("t", [32], 0, 0)], "'t' appears twice"),
    ([tensor("t", [32], 0, 0), tensor("u", [32], 0, 0)], "tensors overlap"),
    ([tensor("t" * 300, [32], 0, 0)], "a tensor's name"),
    ([struct.pack("<Q", 2) + b"\xff\xfe" + bytes(40)], "is not UTF-8"),
]


@pytest.mark.bad_input("37")
@pytest.mark.parametrize(("tensors", "reason"), BAD_TENSORS)
def test_refuses_bad_tensors(forge: Forge, tensors: list[bytes], reason: str) -> None:
    assert reason in refusal(forge.gguf(content=forge.gguf_bytes(tensors=tensors)))


@pytest.mark.bad_input("36")
def test_refuses_missing_data_at_every_length(forge: Forge) -> None:
    whole = forge.gguf_bytes()
    for length in range(len(whole)):
        assert "truncated" in refusal(forge.gguf(content=whole[:length])) or length == 0


@pytest.mark.accept("H12")
def test_refuses_a_header_beyond_the_bound(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_bytes, "MAX_READ", 300_000)
    path = large(forge, [b"token%d" % number for number in range(50_000)])
    assert "larger than" in refusal(path)


@pytest.mark.accept("H12")
def test_holds_its_deadline(forge: Forge) -> None:
    ticks = iter(range(1000))
    path = large(forge, [b"token%d" % number for number in range(50_000)])
    with pytest.raises(InvalidModelFile, match="took longer than 5 s"):
        read_header(path, clock=lambda: float(next(ticks)))


@pytest.mark.accept("H12")
def test_hostile_headers_end_within_milliseconds(forge: Forge) -> None:
    paths: list[Path] = []
    for number, (entry, _) in enumerate(BAD_ENTRIES):
        paths.append(forge.gguf(f"e{number}.gguf", forge.gguf_bytes({}, extra=[entry], tensors=[])))
    for number, (tensors, _) in enumerate(BAD_TENSORS):
        paths.append(forge.gguf(f"t{number}.gguf", forge.gguf_bytes(tensors=tensors)))
    started = time.process_time()
    for path in paths:
        try:
            read_header(path)
        except InvalidModelFile:
            continue
    assert (time.process_time() - started) / len(paths) < 0.02


def test_refuses_what_is_not_there_or_not_a_file(forge: Forge) -> None:
    assert "cannot be read" in refusal(forge.folder / "missing.gguf")
    assert "cannot be read" in refusal(forge.folder / "nul\0.gguf")
    assert "not a regular file" in refusal(Path("/dev/zero"))


def mutate(content: bytes, edits: list[tuple[int, bytes]], length: int) -> bytes:
    changed = bytearray(content)
    for at, value in edits:
        start = at % len(changed)
        changed[start : start + len(value)] = value
    return bytes(changed[: max(1, length % (len(changed) * 2))])


EDIT = st.tuples(
    st.integers(0, 1 << 16),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([HUGE, (1 << 64) - 1, 1 << 63, 0, 1 << 31]).map(lambda value: struct.pack("<Q", value)),
    ),
)


@settings(max_examples=400, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDIT, max_size=4), length=st.integers(0, 1 << 16))
def test_a_damaged_header_is_a_header_or_a_refusal(forge: Forge, edits: list[tuple[int, bytes]], length: int) -> None:
    content = forge.gguf_bytes(extra=[key("a.b", 9, struct.pack("<IQ", 4, 3) + bytes(12))])
    path = forge.gguf(content=mutate(content, edits, length))
    try:
        assert isinstance(read_header(path), GgufHeader)
    except InvalidModelFile as error:
        assert error.reason  # noqa: PT017


@pytest.mark.skipif(not hasattr(__import__("os"), "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_at_once(forge: Forge) -> None:
    import os

    path = forge.folder / "pipe.gguf"
    os.mkfifo(path)
    assert "not a regular file" in refusal(path)
