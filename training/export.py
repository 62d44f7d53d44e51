"""Writes a checkpoint as an MLX folder and as GGUF files: ``python -m training.export --checkpoint /tmp/tiny``."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from training import tokenizer as tokenizers
from training.chat import CONTROL_TOKENS, END_OF_TEXT, TEMPLATE, TURN_END, VISIBLE_TOKENS
from training.model import Shape

MODELS = Path(__file__).parents[1] / "src" / "dovetail" / "demo" / "models"
_EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True, slots=True)
class Trained:
    shape: Shape
    weights: dict[str, np.ndarray]
    tokenizer: Tokenizer


def read_checkpoint(folder: Path) -> Trained:
    saved = torch.load(folder / "model.pt", weights_only=True)
    weights = {name: weight.float().numpy() for name, weight in saved["weights"].items()}
    # F16 is what both GGUF and MLX can hold exactly, so that both engines run the same numbers
    weights = {name: weight.astype(np.float16).astype(np.float32) for name, weight in weights.items()}
    return Trained(Shape(**saved["shape"]), weights, tokenizers.load(folder / "tokenizer.json"))


def write_mlx(folder: Path, trained: Trained) -> None:
    """A Hugging Face folder in float32, which mlx-lm and transformers both read."""
    folder.mkdir(parents=True, exist_ok=True)
    shape, ids = trained.shape, trained.tokenizer.get_vocab()
    ends = [ids[TURN_END], ids[END_OF_TEXT]]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "vocab_size": shape.vocabulary,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_theta,
        "max_position_embeddings": shape.context,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": ids[END_OF_TEXT],
        "eos_token_id": ends,
        "torch_dtype": "float32",
    }
    _write_json(folder / "config.json", config)
    generation = {"bos_token_id": ids[END_OF_TEXT], "eos_token_id": ends, "pad_token_id": ids[END_OF_TEXT]}
    _write_json(folder / "generation_config.json", generation)
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(shape))
    trained.tokenizer.save(str(folder / "tokenizer.json"))
    save_file(trained.weights, folder / "model.safetensors", metadata={"format": "pt"})


def _tokenizer_config(shape: Shape) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": shape.context,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_gguf(path: Path, trained: Trained, name: str, *, quantized: bool) -> None:
    """F16, or Q8_0 for every matrix; norms stay in F32 as llama.cpp wants them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = trained.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_rope_dimension_count(shape.head)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantized else gguf.LlamaFileType.MOSTLY_F16)
    _add_tokenizer(writer, trained.tokenizer)
    for tensor, weight in gguf_tensors(shape, trained.weights):
        if weight.ndim == 1:
            writer.add_tensor(tensor, weight.astype(np.float32))
        elif quantized:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor, quantize(weight, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor, weight.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    ids = tokenizer.get_vocab()
    tokens = sorted(ids, key=ids.__getitem__)
    kinds = [
        gguf.TokenType.CONTROL
        if token in CONTROL_TOKENS
        else gguf.TokenType.USER_DEFINED
        if token in VISIBLE_TOKENS
        else gguf.TokenType.NORMAL
        for token in tokens
    ]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    writer.add_bos_token_id(ids[END_OF_TEXT])
    writer.add_eos_token_id(ids[TURN_END])
    writer.add_pad_token_id(ids[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def gguf_tensors(shape: Shape, weights: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The weights under llama.cpp's names, with rotary rows in llama.cpp's order."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, shape.layers)
    for name, original in weights.items():
        weight = original
        heads = shape.heads if "q_proj" in name else shape.kv_heads
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            weight = interleave_rotary(weight, heads)
        tensor = names.get_name(name, try_suffixes=(".weight",))
        if tensor is None:
            raise ValueError(f"llama.cpp has no tensor for {name}")
        yield tensor, np.ascontiguousarray(weight)


def interleave_rotary(rows: np.ndarray, heads: int) -> np.ndarray:
    """Hugging Face rotates (i, i + half) of each head, llama.cpp (2i, 2i + 1): the rows move, the result is equal."""
    height, width = rows.shape
    return rows.reshape(heads, 2, height // heads // 2, width).swapaxes(1, 2).reshape(height, width)


def export(checkpoint: Path, models: Path) -> None:
    trained = read_checkpoint(checkpoint)
    write_mlx(models / "tiny-mlx", trained)
    write_gguf(models / "tiny-gguf" / "tiny-gguf-f16.gguf", trained, "tiny-gguf", quantized=False)
    write_gguf(models / "tiny-gguf-q8" / "tiny-gguf-q8_0.gguf", trained, "tiny-gguf-q8", quantized=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="the folder training.train wrote")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    export(options.checkpoint, options.models)


if __name__ == "__main__":
    main()
