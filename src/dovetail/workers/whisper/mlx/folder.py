"""Reads a folder with Whisper's weights for MLX: by the names of MLX's conversions, or by those of Hugging Face."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import mlx.core as mx
from mlx import nn

from dovetail.core.request import Json, JsonObject
from dovetail.workers.whisper.mlx.model import Shape, Whisper, sinusoids

_MOST_CONFIG = 2 << 20
# No number of a real model is larger: what these allow is made before the weights are compared with it.
_MOST, _MOST_LAYERS, _MOST_TOKENS = 1 << 13, 256, 1 << 17
_OWN = ("n_mels", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer",
        "n_vocab", "n_text_ctx", "n_text_state", "n_text_head", "n_text_layer")  # fmt: skip
_HUGGING_FACE = (
    "num_mel_bins", "max_source_positions", "d_model", "encoder_attention_heads", "encoder_layers",
    "vocab_size", "max_target_positions", "d_model", "decoder_attention_heads", "decoder_layers",
)  # fmt: skip
_RENAMED = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^model\.", ""),
        (r"\.layers\.", ".blocks."),
        (r"\.self_attn_layer_norm\.", ".attn_ln."),
        (r"\.encoder_attn_layer_norm\.", ".cross_attn_ln."),
        (r"\.final_layer_norm\.", ".mlp_ln."),
        (r"\.self_attn\.", ".attn."),
        (r"\.encoder_attn\.", ".cross_attn."),
        (r"\.q_proj\.", ".query."),
        (r"\.k_proj\.", ".key."),
        (r"\.v_proj\.", ".value."),
        (r"\.out_proj\.", ".out."),
        (r"\.(?:fc1|mlp\.0)\.", ".mlp1."),
        (r"\.(?:fc2|mlp\.2)\.", ".mlp2."),
        (r"^encoder\.layer_norm\.", "encoder.ln_post."),
        (r"^decoder\.layer_norm\.", "decoder.ln."),
        (r"^decoder\.embed_tokens\.", "decoder.token_embedding."),
        (r"\.embed_positions\.weight$", ".positional_embedding"),
    )
)
# The output is the embedding again; the encoder's positions may be kept under a name that is no parameter.
_LEFT_OUT = frozenset({"proj_out.weight", "encoder._positional_embedding"})
Heads = tuple[tuple[int, int], ...]


def load(folder: Path) -> tuple[Whisper, Heads]:
    """The model, and which heads (layer, head) know where a word is. Blocks; raises ValueError that says why not.

    On a processor everything is computed in 32 bits: MLX multiplies nothing else there at a usable speed.
    """
    config = _object(folder / "config.json")
    shape = _shape(config, _object(folder / "preprocessor_config.json"))
    weights = {_renamed(name): value for name, value in _weights(folder).items()}
    heads = _heads(shape, weights.pop("alignment_heads", None), _object(folder / "generation_config.json"))
    for name in _LEFT_OUT:
        weights.pop(name, None)
    if "encoder.positional_embedding" not in weights:
        places = sinusoids(shape.audio_context, shape.audio_width)
        weights["encoder.positional_embedding"] = places.astype(_kind(weights))
    for name in ("encoder.conv1.weight", "encoder.conv2.weight"):
        if name in weights and weights[name].ndim == 3 and weights[name].shape[1] != 3:
            weights[name] = mx.transpose(weights[name], (0, 2, 1))  # Hugging Face's have the kernel last
    model = Whisper(shape)
    quantisation = _quantisation(config)
    if mx.default_device() == mx.Device(mx.cpu):
        weights = _in_full(weights, quantisation)
    elif quantisation:
        nn.quantize(  # pyright: ignore[reportUnknownMemberType]
            model,
            quantisation["group_size"],
            quantisation["bits"],
            class_predicate=lambda path, module: hasattr(module, "to_quantized") and f"{path}.scales" in weights,
        )
    try:
        model.load_weights(list(weights.items()))
    except ValueError as error:
        raise ValueError(f"the weights do not fit config.json: {error}") from error
    model.eval()
    mx.eval(model.parameters())  # pyright: ignore[reportUnknownMemberType]
    return model, heads


def _shape(config: JsonObject, processor: JsonObject) -> Shape:
    names = _OWN if "n_audio_ctx" in config else _HUGGING_FACE
    numbers = [config.get(name) for name in names]
    for name, number in zip(names, numbers, strict=True):
        most = _MOST_TOKENS if "vocab" in name else _MOST_LAYERS if "layer" in name else _MOST
        if not isinstance(number, int) or not 0 < number <= most:
            raise ValueError(f"config.json is not that of a Whisper model: {name} is {number!r}")
    found = cast("list[int]", numbers)
    for width, heads in ((2, 3), (7, 8)):
        if found[width] % (2 * found[heads]):
            raise ValueError(
                f"config.json is not that of a Whisper model: {names[heads]} {found[heads]} does not divide "
                f"{names[width]} {found[width]}"
            )
    seconds = processor.get("chunk_length")
    frames = seconds * 100 if isinstance(seconds, int) and seconds > 0 else 2 * found[1]
    return Shape(*found, frames=min(frames, 2 * found[1]))


def _quantisation(config: JsonObject) -> Mapping[str, int]:
    """Empty where there is none."""
    said = config.get("quantization") or {}
    if said and not (isinstance(said, dict) and all(isinstance(said.get(n), int) for n in ("group_size", "bits"))):
        raise ValueError("config.json: quantization does not say group_size and bits as numbers")
    return cast("Mapping[str, int]", said)


def _weights(folder: Path) -> dict[str, mx.array]:
    """All arrays of the folder's weights; `weights.*` is what MLX's conversions write."""
    for name in ("weights.safetensors", "weights.npz"):
        if (folder / name).is_file():
            return cast("dict[str, mx.array]", mx.load(str(folder / name)))
    found: dict[str, mx.array] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        found |= cast("dict[str, mx.array]", mx.load(str(file)))
    if not found:
        raise ValueError("the folder has neither weights.safetensors, weights.npz nor model.safetensors")
    return found


def _renamed(name: str) -> str:
    for pattern, other in _RENAMED:
        name = pattern.sub(other, name)
    return name


def _kind(weights: Mapping[str, mx.array]) -> mx.Dtype:
    bias = weights.get("encoder.conv1.bias")
    return mx.float32 if bias is None else bias.dtype


def _in_full(weights: Mapping[str, mx.array], quantisation: Mapping[str, int]) -> dict[str, mx.array]:
    """The same in 32 bits, quantised ones among them."""
    full: dict[str, mx.array] = {}
    for name, value in weights.items():
        stem, _, part = name.rpartition(".")
        if f"{stem}.scales" not in weights:
            full[name] = value.astype(mx.float32)
        elif part == "weight":
            scales, biases = weights[f"{stem}.scales"], weights.get(f"{stem}.biases")
            full[name] = mx.dequantize(value, scales, biases, quantisation["group_size"], quantisation["bits"]).astype(
                mx.float32
            )
        elif part == "bias":
            full[name] = value.astype(mx.float32)
    return full


def _heads(shape: Shape, given: mx.array | None, generation: JsonObject) -> Heads:
    """Those that the weights or the folder name; else all of the later half of the layers, as published."""
    said = generation.get("alignment_heads") if given is None else cast("Json", given.tolist())
    there = {(layer, head) for layer in range(shape.text_layers) for head in range(shape.text_heads)}
    pairs = tuple(_numbers(each) for each in said) if isinstance(said, list) else ()
    if pairs and there.issuperset(pairs):
        return cast("Heads", pairs)
    return tuple(sorted(pair for pair in there if pair[0] >= shape.text_layers // 2))


def _numbers(said: Json) -> tuple[int, ...]:
    """Empty where something else is said."""
    given = said if isinstance(said, list) else []
    found = tuple(each for each in given if isinstance(each, int))
    return found if len(found) == len(given) else ()


def _object(file: Path) -> JsonObject:
    """Empty where there is no such file."""
    if not file.is_file():
        return {}
    if file.stat().st_size > _MOST_CONFIG:
        raise ValueError(f"{file.name} is larger than {_MOST_CONFIG} bytes")
    found: object = json.loads(file.read_bytes())
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} holds no JSON object")  # noqa: TRY004  the file is wrong, not its caller
    return cast("JsonObject", found)
