"""A Whisper for CTranslate2 as one for MLX: ``python -m training.speech.convert --model FOLDER --out FOLDER``.

Weights at 8 bits become those that CTranslate2 computes with. The same files come of the same model every time.
"""

import argparse
import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]
_KINDS = ("<f4", "i1", "<i2", "<i4", "<f2")
_HUGGING_FACE = (
    ("blocks.", "layers."),
    ("cross_attn_ln.", "encoder_attn_layer_norm."),
    ("mlp_ln.", "final_layer_norm."),
    ("cross_attn.", "encoder_attn."),
    (".attn_ln.", ".self_attn_layer_norm."),
    (".attn.", ".self_attn."),
    ("query.", "q_proj."),
    ("key.", "k_proj."),
    ("value.", "v_proj."),
    (".out.", ".out_proj."),
    ("mlp1.", "fc1."),
    ("mlp2.", "fc2."),
    ("ln_post.", "layer_norm."),
    ("decoder.ln.", "decoder.layer_norm."),
    ("token_embedding.", "embed_tokens."),
    ("positional_embedding", "embed_positions.weight"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", choices=("mlx", "huggingface"), default="mlx")
    args = parser.parse_args()
    stored = read(args.model / "model.bin")
    weights = {name: np.ascontiguousarray(array) for name, array in renamed(stored).items()}
    heads = json.loads((args.model / "config.json").read_text())["alignment_heads"]
    args.out.mkdir(parents=True)
    (write_mlx if args.names == "mlx" else write_huggingface)(args.out, weights, _numbers(stored, weights), heads)
    for name in ("tokenizer.json", "preprocessor_config.json"):
        shutil.copy(args.model / name, args.out / name)


def read(file: Path) -> Weights:
    """The variables of a `model.bin`, by the names that CTranslate2's specifications give them."""
    stored: Weights = {}
    with file.open("rb") as opened:
        _number(opened, "I")
        if _text(opened) != "WhisperSpec":
            raise SystemExit(f"{file} is no Whisper for CTranslate2")
        _number(opened, "I")
        for _ in range(_number(opened, "I")):
            name = _text(opened)
            shape = [_number(opened, "I") for _ in range(_number(opened, "B"))]
            kind, size = _KINDS[_number(opened, "B")], _number(opened, "I")
            stored[name] = np.frombuffer(opened.read(size), kind).reshape(shape).astype(np.float32)
    for name in [name for name in stored if name.endswith("_scale")]:
        scale, of = stored.pop(name), name.removesuffix("_scale")
        stored[of] = stored[of] / scale.reshape(-1, *[1] * (stored[of].ndim - 1))
    return stored


def renamed(stored: Weights) -> Weights:
    """By OpenAI's names, which MLX's conversions keep; convolutions with their kernel last."""
    found = {
        "decoder.token_embedding.weight": stored["decoder/embeddings/weight"],
        "encoder.positional_embedding": stored["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": stored["decoder/position_encodings/encodings"],
        **_norm("encoder.ln_post", stored, "encoder/layer_norm"),
        **_norm("decoder.ln", stored, "decoder/layer_norm"),
    }
    for name in ("conv1", "conv2"):
        found |= {f"encoder.{name}.{part}": stored[f"encoder/{name}/{part}"] for part in ("weight", "bias")}
    for half in ("encoder", "decoder"):
        for number in range(_layers(stored, half)):
            found |= dict(_block(stored, f"{half}/layer_{number}", f"{half}.blocks.{number}"))
    return found


def write_mlx(folder: Path, weights: Weights, numbers: dict[str, int], heads: list[list[int]]) -> None:
    moved = {name: np.moveaxis(weights[name], 1, 2).copy() for name in _CONVOLUTIONS}
    left = {name: array for name, array in weights.items() if name != "encoder.positional_embedding"}
    save_file({**left, **moved, "alignment_heads": np.array(heads, np.int32)}, folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps({**numbers, "model_type": "whisper"}, indent=1) + "\n")


def write_huggingface(folder: Path, weights: Weights, numbers: dict[str, int], heads: list[list[int]]) -> None:
    named = {f"model.{_huggingface(name)}": array for name, array in weights.items()}
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "num_mel_bins": numbers["n_mels"],
        "max_source_positions": numbers["n_audio_ctx"],
        "max_target_positions": numbers["n_text_ctx"],
        "d_model": numbers["n_audio_state"],
        "encoder_layers": numbers["n_audio_layer"],
        "encoder_attention_heads": numbers["n_audio_head"],
        "decoder_layers": numbers["n_text_layer"],
        "decoder_attention_heads": numbers["n_text_head"],
        "vocab_size": numbers["n_vocab"],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "generation_config.json").write_text(json.dumps({"alignment_heads": heads}) + "\n")


_CONVOLUTIONS = ("encoder.conv1.weight", "encoder.conv2.weight")


def _numbers(stored: Weights, weights: Weights) -> dict[str, int]:
    found = {
        "n_mels": weights["encoder.conv1.weight"].shape[1],
        "n_vocab": len(weights["decoder.token_embedding.weight"]),
    }
    for half, part in (("encoder", "audio"), ("decoder", "text")):
        context, state = weights[f"{half}.positional_embedding"].shape
        found |= {f"n_{part}_ctx": context, f"n_{part}_state": state}
        found |= {f"n_{part}_head": int(stored[f"{half}/num_heads"]), f"n_{part}_layer": _layers(stored, half)}
    return found


def _layers(stored: Weights, half: str) -> int:
    return len({name.split("/")[1] for name in stored if name.startswith(f"{half}/layer_") and name.count("/") > 2})


def _block(stored: Weights, place: str, name: str) -> Iterator[tuple[str, Array]]:
    cross = f"{place}/attention/linear_0/weight" in stored
    for mine, theirs in (("attn", "self_attention"), *([("cross_attn", "attention")] if cross else [])):
        yield from _norm(f"{name}.{mine}_ln", stored, f"{place}/{theirs}/layer_norm").items()
        for part in ("weight", "bias"):
            layers = [
                stored[f"{place}/{theirs}/linear_{number}/{part}"] for number in range(3 if mine != "attn" else 2)
            ]
            rows = np.concatenate(layers[:-1])
            for inner, array in zip(("query", "key", "value"), np.split(rows, 3), strict=True):
                if (inner, part) != ("key", "bias"):  # Whisper's keys have none: here it is zeros
                    yield f"{name}.{mine}.{inner}.{part}", array
            yield f"{name}.{mine}.out.{part}", layers[-1]
    yield from _norm(f"{name}.mlp_ln", stored, f"{place}/ffn/layer_norm").items()
    for part in ("weight", "bias"):
        yield f"{name}.mlp1.{part}", stored[f"{place}/ffn/linear_0/{part}"]
        yield f"{name}.mlp2.{part}", stored[f"{place}/ffn/linear_1/{part}"]


def _norm(name: str, stored: Weights, place: str) -> Weights:
    return {f"{name}.weight": stored[f"{place}/gamma"], f"{name}.bias": stored[f"{place}/beta"]}


def _huggingface(name: str) -> str:
    for own, theirs in _HUGGING_FACE:
        name = name.replace(own, theirs)
    return name


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()


def _number(file: BinaryIO, kind: str) -> int:
    form = struct.Struct(f"<{kind}")
    return int(form.unpack(file.read(form.size))[0])


if __name__ == "__main__":
    main()
