"""A synthetic MLX model in float32: random weights behind the tiny model's tokenizer, made offline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import cast

import mlx.core as mx

from benchmarks.models import SyntheticShape
from dovetail.demo import models_dir

TOKENIZER = models_dir() / "tiny-mlx"
# 27 M weights.
SMALL = SyntheticShape(layers=6, width=512, ffn=1536, heads=8, kv_heads=4, vocabulary=8192)


def make_mlx(folder: Path, shape: SyntheticShape = SMALL, seed: int = 0) -> Path:
    """Write `shape` as an MLX folder, unless it is there; returns `folder`."""
    if (folder / "config.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZER / name, folder / name)
    mx.save_safetensors(str(folder / "model.safetensors"), _weights(shape, seed), {"format": "mlx"})
    config = cast("dict[str, object]", json.loads((TOKENIZER / "config.json").read_text()))
    config |= {
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    return folder


def _weights(shape: SyntheticShape, seed: int) -> dict[str, mx.array]:
    mx.random.seed(seed)
    width, kv = shape.width, shape.head * shape.kv_heads

    def rand(rows: int, columns: int) -> mx.array:
        return mx.random.normal((rows, columns)) / columns**0.5

    weights = {
        "model.embed_tokens.weight": rand(shape.vocabulary, width),
        "model.norm.weight": mx.ones(width),
        "lm_head.weight": rand(shape.vocabulary, width) * _shown(shape.vocabulary),
    }
    sizes = {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (kv, width),
        "self_attn.v_proj": (kv, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (shape.ffn, width),
        "mlp.up_proj": (shape.ffn, width),
        "mlp.down_proj": (width, shape.ffn),
    }
    for layer in range(shape.layers):
        weights |= {f"model.layers.{layer}.{part}.weight": rand(*size) for part, size in sizes.items()}
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{norm}.weight"] = mx.ones(width)
    return weights


def _shown(vocabulary: int) -> mx.array:
    """Scales the rows of tokens that are plain text by 1 and all others, which show nothing, by next to nothing."""
    tokenizer = json.loads((TOKENIZER / "tokenizer.json").read_text())
    pieces = cast("dict[str, int]", tokenizer["model"]["vocab"])
    special = {token["id"] for token in tokenizer["added_tokens"]}
    scale = [0.01] * vocabulary
    for piece, number in pieces.items():
        if number not in special and piece.replace("\u0120", " ").isascii():
            scale[number] = 1.0
    return mx.array(scale)[:, None]
