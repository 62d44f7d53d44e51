"""A synthetic MLX model of realistic shape: random float32 weights, a vocabulary learnt from Python's library.

The rows of the output head that belong to special or unprintable tokens are scaled down, as in `models`.
"""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from benchmarks.models import SyntheticShape
from dovetail.demo import models_dir

TEMPLATE = models_dir() / "tiny-mlx" / "tokenizer_config.json"
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SMALL = SyntheticShape(6, 512, 1536, 8, 4, 8192)
_TEXTS = 400  # files of the library that the vocabulary is learnt from


def make_mlx(folder: Path, shape: SyntheticShape = SMALL, seed: int = 0) -> Path:
    """Write the model to `folder`, unless it is there; returns `folder`."""
    import mlx.core as mx

    if (folder / "config.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(shape.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = json.loads(TEMPLATE.read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    weights = {name: mx.array(data) for name, data in _tensors(shape, tokenizer, seed)}
    mx.save_safetensors(str(folder / "model.safetensors"), weights)  # pyright: ignore[reportUnknownMemberType]
    (folder / "config.json").write_text(json.dumps(_config(shape)))
    return folder


def _config(shape: SyntheticShape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "vocab_size": shape.vocabulary,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }


def _tokenizer(size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), show_progress=False, initial_alphabet=alphabet
    )
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:_TEXTS]
    tokenizer.train_from_iterator((path.read_text("utf-8", "replace") for path in files), trainer)
    return tokenizer


def _tensors(shape: SyntheticShape, tokenizer: Tokenizer, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(seed)

    def rand(rows: int, columns: int) -> np.ndarray:
        return rng.standard_normal((rows, columns), dtype=np.float32) / np.float32(np.sqrt(columns))

    width, kv = shape.width, shape.head * shape.kv_heads
    yield "model.embed_tokens.weight", rand(shape.vocabulary, width)
    for layer in range(shape.layers):
        sizes = {
            "self_attn.q_proj": (width, width),
            "self_attn.k_proj": (kv, width),
            "self_attn.v_proj": (kv, width),
            "self_attn.o_proj": (width, width),
            "mlp.gate_proj": (shape.ffn, width),
            "mlp.up_proj": (shape.ffn, width),
            "mlp.down_proj": (width, shape.ffn),
        }
        for part, (rows, columns) in sizes.items():
            yield f"model.layers.{layer}.{part}.weight", rand(rows, columns)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{layer}.{norm}.weight", np.ones(width, np.float32)
    yield "model.norm.weight", np.ones(width, np.float32)
    damp = np.full((shape.vocabulary, 1), 0.01, np.float32)
    for token in range(tokenizer.get_vocab_size()):
        text = tokenizer.decode([token], skip_special_tokens=False)
        if text.isascii() and text.isprintable() and text not in SPECIALS:
            damp[token] = 1.0
    yield "lm_head.weight", rand(shape.vocabulary, width) * damp
