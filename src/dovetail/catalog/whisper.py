"""Reads the folders of models that hear: Whisper for CTranslate2, by its file names, and for MLX, by its configuration.

A `model.bin` of CTranslate2 is no pickle, though many pickles have that name: its first bytes say what it is.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dovetail.catalog.files import open_regular, read_exactly, read_object
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx import MAX_CONFIG, list_files, quantisation_of
from dovetail.catalog.npz import read_arrays
from dovetail.catalog.safetensors import Tensor, read_tensors
from dovetail.core.request import Json, JsonObject

WEIGHTS, TOKENIZER, CONFIG = "model.bin", "tokenizer.json", "config.json"
VOCABULARIES = frozenset({"vocabulary.json", "vocabulary.txt"})
MLX_WEIGHTS = ("weights.safetensors", "weights.npz")
_SPEC = b"WhisperSpec"
_VERSIONS = range(2, 100)
_HEAD = struct.Struct("<IH")  # the form's version, and the length of the name behind it, with its closing zero
_MOST = 1 << 17  # no number of a real model is larger
# Where the tokenizer of so many ids is: MLX's own conversions bring none.
_TOKENIZERS = {51_864: "openai/whisper-tiny.en", 51_865: "openai/whisper-tiny", 51_866: "openai/whisper-large-v3"}


@dataclass(frozen=True, slots=True)
class WhisperFolder:
    """`files` are those with weights; `size` is their sum in bytes. The rest is said of MLX's alone."""

    files: tuple[Path, ...]
    size: int
    parameters: int = 0
    quantisation: str = ""


def is_whisper(names: Collection[str]) -> bool:
    """Whether a folder with such files is meant as one for CTranslate2."""
    return WEIGHTS in names and not VOCABULARIES.isdisjoint(names)


def is_mlx_whisper(path: Path, names: Collection[str]) -> bool:
    """Whether the folder at `path`, with such files, is meant as one for MLX. Reads its `config.json`, if at all."""
    if CONFIG not in names or not _weights(names):
        return False
    with suppress(InvalidModelFile):
        return hears(read_object(path / CONFIG, MAX_CONFIG))
    return False


def read_whisper(path: Path, *, root: Path | None = None) -> WhisperFolder:
    """The facts of the folder at `path`, whose files must lie in `root`. Blocks; raises InvalidModelFile."""
    files = list_files(path, root or path)
    if CONFIG not in files:
        raise InvalidModelFile(f"{CONFIG} is missing: take it from where the model came from")
    config = read_object(path / CONFIG, MAX_CONFIG)
    if not is_whisper(files):
        return _mlx(path, files, config)
    if TOKENIZER not in files:
        raise InvalidModelFile(f"{TOKENIZER} is missing: take it from where the model came from")
    weights = path / WEIGHTS
    with open_regular(weights) as file:
        head = read_exactly(file, _HEAD.size + len(_SPEC) + 1)
    if len(head) < _HEAD.size:
        raise InvalidModelFile(f"{WEIGHTS} is empty")
    version, length = _HEAD.unpack_from(head)
    if version not in _VERSIONS or head[_HEAD.size :] != _SPEC + b"\0" or length != len(_SPEC) + 1:
        raise InvalidModelFile(f"{WEIGHTS} is no Whisper model for CTranslate2 (pickles are never read)")
    return WhisperFolder((weights,), weights.stat().st_size)


def _mlx(path: Path, files: Collection[str], config: JsonObject) -> WhisperFolder:
    vocabulary = _number(config, "n_vocab", "vocab_size")
    if TOKENIZER not in files:
        where = _TOKENIZERS.get(vocabulary, "the model that it was converted from")
        raise InvalidModelFile(
            f"{TOKENIZER} is missing, which conversions for MLX do not bring: take it from {where} and put it into "
            f"{path} (hf download {where} {TOKENIZER} --local-dir {path})"
        )
    weights = tuple(path / name for name in _weights(files))
    tensors: dict[str, Tensor] = {}
    for file in weights:
        tensors |= read_arrays(file) if file.suffix == ".npz" else read_tensors(file)
    return WhisperFolder(
        weights,
        sum(file.stat().st_size for file in weights),
        _parameters(config, vocabulary),
        quantisation_of(config, tensors),
    )


def _weights(names: Collection[str]) -> list[str]:
    """The files that the worker reads, in order."""
    for name in MLX_WEIGHTS:
        if name in names:
            return [name]
    return sorted(name for name in names if name.startswith("model") and name.endswith(".safetensors"))


def hears(config: Mapping[str, Json]) -> bool:
    """Whether a configuration is that of a Whisper, by MLX's own conversions or by Hugging Face's."""
    return config.get("model_type") == "whisper" or ("n_audio_ctx" in config and "n_text_ctx" in config)


def _parameters(config: JsonObject, vocabulary: int) -> int:
    """Weights of an encoder and a decoder so wide and so deep: all Whispers are built alike."""
    heard, written = _number(config, "n_audio_state", "d_model"), _number(config, "n_text_state", "d_model")
    layers = _number(config, "n_audio_layer", "encoder_layers"), _number(config, "n_text_layer", "decoder_layers")
    return 12 * layers[0] * heard**2 + 16 * layers[1] * written**2 + (vocabulary + 448) * written + 3 * heard**2


def _number(config: Mapping[str, Json], *names: str) -> int:
    for name in names:
        if isinstance(found := config.get(name), int) and 0 < found <= _MOST:
            return found
    raise InvalidModelFile(f"{CONFIG} does not say {names[0]}, as that of a Whisper model does")
