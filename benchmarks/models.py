"""Synthetic models of realistic shape: random weights behind the tiny model's tokenizer, made offline.

The rows of the output head that belong to special or unprintable tokens are scaled down, so that what is
generated is plain text and speed does not depend on what is "said".
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.constants import GGMLQuantizationType, TokenType

from dovetail.demo import models_dir

TOKENIZER = models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf"


@dataclass(frozen=True, slots=True)
class SyntheticShape:
    """A Llama-architecture model: sizes in elements, `head` is the width of one attention head."""

    layers: int
    width: int
    ffn: int
    heads: int
    kv_heads: int
    vocabulary: int

    @property
    def head(self) -> int:
        return self.width // self.heads


# 0.4 B both: the sizes of Qwen2 0.5 B with a vocabulary of 32k, and sizes that K-quants divide (by 256).
SHAPES = {
    "q05": SyntheticShape(24, 896, 4864, 14, 2, 32_768),
    "k04": SyntheticShape(24, 1024, 4096, 16, 2, 32_768),
}


def make_gguf(name: str, path: Path, seed: int = 0) -> Path:
    """Write shape `name` as a Q8_0 GGUF to `path`, unless it is there; returns `path`."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = SHAPES[name]
    writer = gguf.GGUFWriter(path.with_suffix(".tmp"), "llama")
    _header(writer, shape, name)
    pieces, kinds = _tokenizer(writer, shape.vocabulary)
    damp = np.array([[1.0 if _printable(p, k) else 0.01] for p, k in zip(pieces, kinds, strict=True)], np.float32)
    for tensor, data in _tensors(shape, damp, seed):
        if data.ndim == 1:
            writer.add_tensor(tensor, data)
        else:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor, gguf.quants.quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.with_suffix(".tmp").rename(path)
    return path


def make_quantised(name: str, path: Path, kind: str, quantise: Path) -> Path:
    """Write shape `name` as `kind` to `path`, unless it is there, by the llama-quantize `quantise`; returns `path`."""
    if path.exists():
        return path
    whole = make_gguf(name, path.with_suffix(".whole"))
    part = path.with_suffix(".part")
    argv = [str(quantise), "--allow-requantize", str(whole), str(part), kind]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole.unlink()
    return part.rename(path)


def _header(writer: gguf.GGUFWriter, shape: SyntheticShape, name: str) -> None:
    writer.add_name(f"synthetic-{name}")
    writer.add_context_length(8192)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(shape.head)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _tokenizer(writer: gguf.GGUFWriter, size: int) -> tuple[list[str], list[int]]:
    """Copy the tiny model's tokenizer, padded with unused tokens to `size`; returns tokens and their types."""
    reader = gguf.GGUFReader(TOKENIZER)

    def value(key: str) -> Any:
        return reader.fields[f"tokenizer.{key}"].contents()

    pieces, kinds = list(value("ggml.tokens")), list(value("ggml.token_type"))
    for number in range(len(pieces), size):
        pieces.append(f"[PAD{number}]")
        kinds.append(int(TokenType.UNUSED))
    writer.add_tokenizer_model(value("ggml.model"))
    writer.add_tokenizer_pre(value("ggml.pre"))
    writer.add_token_list(pieces)
    writer.add_token_types(kinds)
    writer.add_token_merges(value("ggml.merges"))
    writer.add_eos_token_id(int(value("ggml.eos_token_id")))
    writer.add_chat_template(value("chat_template"))
    return pieces, kinds


def _printable(piece: str, kind: int) -> bool:
    return kind == TokenType.NORMAL and piece.replace("\u0120", " ").isascii()


def _tensors(shape: SyntheticShape, damp: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(seed)

    def rand(rows: int, cols: int) -> np.ndarray:
        return rng.standard_normal((rows, cols), dtype=np.float32) / np.float32(np.sqrt(cols))

    kv = shape.head * shape.kv_heads
    yield "token_embd.weight", rand(shape.vocabulary, shape.width)
    for layer in range(shape.layers):
        sizes = {
            "attn_q": (shape.width, shape.width),
            "attn_k": (kv, shape.width),
            "attn_v": (kv, shape.width),
            "attn_output": (shape.width, shape.width),
            "ffn_gate": (shape.ffn, shape.width),
            "ffn_up": (shape.ffn, shape.width),
            "ffn_down": (shape.width, shape.ffn),
        }
        for part, (rows, cols) in sizes.items():
            yield f"blk.{layer}.{part}.weight", rand(rows, cols)
        for norm in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{norm}.weight", np.ones(shape.width, np.float32)
    yield "output_norm.weight", np.ones(shape.width, np.float32)
    yield "output.weight", rand(shape.vocabulary, shape.width) * damp
