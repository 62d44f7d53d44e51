"""Reads MLX model folders without trusting them: `config.json`, `model*.safetensors`, optionally a tokenizer.

Nothing in the folder is executed. Pickles are refused; of Python code it is said that there is some.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import structlog

from dovetail.catalog.advice import Advice, of_mlx
from dovetail.catalog.files import read_object, read_text
from dovetail.catalog.gguf_header import MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCABULARY, MAX_WIDTH
from dovetail.catalog.invalid import InvalidModelFile, RemoteCodeNotAllowed
from dovetail.catalog.mlx_attention import attention_of, feed_forward_of, state_of
from dovetail.catalog.pooling import read_pooling
from dovetail.catalog.safetensors import MAX_TENSORS, Tensor, read_tensors
from dovetail.core.model import Pooling, Shape
from dovetail.core.request import Json, JsonObject

log = structlog.stdlib.get_logger(__name__)

MAX_SECONDS = 5.0
MAX_FILES = 4096
MAX_CONFIG = 2 << 20
MAX_TOKENIZER_CONFIG = 16 << 20
MAX_INDEX = 32 << 20
MAX_TEMPLATE = 1 << 20

GENERATION = "generation_config.json"
INDEX = "model.safetensors.index.json"
NO_CODE = "remote code is not allowed"
PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})
CODE_SUFFIXES = PICKLES | {".py"}
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tiktoken.model")


@dataclass(frozen=True, slots=True)
class MlxFolder:
    """A checked folder. `weights` are the files mlx-lm loads, sorted; `size` is their sum in bytes.

    code  where the folder would have Python code of its own run, None where it would not
    """

    weights: tuple[Path, ...]
    size: int
    shape: Shape
    quantisation: str
    template: str | None
    tokenizer: bool
    sampling: Advice = ()
    pooling: Pooling | None = None
    code: str | None = None


def read_folder(path: Path, *, root: Path | None = None, clock: Callable[[], float] = time.monotonic) -> MlxFolder:
    """The facts of the MLX folder at `path`, whose files must lie in `root` (default: in `path`).

    Blocks on the disk. Raises InvalidModelFile, or RemoteCodeNotAllowed.
    """
    deadline = clock() + MAX_SECONDS
    files = list_files(path, root or path)
    refuse_pickles(files)
    config = read_config(path, files)
    tokenizer_config: JsonObject = {}
    if "tokenizer_config.json" in files:
        tokenizer_config = read_object(path / "tokenizer_config.json", MAX_TOKENIZER_CONFIG)
    weights = find_weights(path, files)
    tensors: dict[str, Tensor] = {}
    for shard in weights:
        if clock() > deadline:
            raise InvalidModelFile(f"reading the folder took longer than {MAX_SECONDS:.0f} s")
        tensors |= read_tensors(shard)
        if len(tensors) > MAX_TENSORS:
            raise InvalidModelFile(f"the folder claims {len(tensors)} tensors, more than {MAX_TENSORS}")
    if INDEX in files:
        check_index(read_object(path / INDEX, MAX_INDEX), files, tensors)
    return MlxFolder(
        weights=weights,
        size=sum(shard.stat().st_size for shard in weights),
        shape=shape_of(config, parameters_of(config, tensors)),
        quantisation=quantisation_of(config, tensors),
        template=read_template(path, files, tokenizer_config),
        tokenizer=any(name in files for name in TOKENIZERS),
        sampling=_sampling(path, files),
        pooling=read_pooling(path, root or path),
        code=code_of(files, {"config.json": config, "tokenizer_config.json": tokenizer_config}),
    )


def list_files(path: Path, root: Path) -> frozenset[str]:
    """The folder's file names. Links are followed as far as `root`: the Hugging Face cache is made of them."""
    base = root.resolve()
    try:
        with os.scandir(path) as listing:
            entries = list(islice(listing, MAX_FILES + 1))
    except OSError as error:
        raise InvalidModelFile(f"the folder cannot be read: {error.strerror}") from error
    if len(entries) > MAX_FILES:
        raise InvalidModelFile(f"the folder holds more than {MAX_FILES} files")
    names: set[str] = set()
    for entry in entries:
        if entry.is_dir(follow_symlinks=True):
            continue
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(base):
            raise InvalidModelFile(f"{entry.name} is a link that leaves the models folder")
        _check_regular(entry)
        names.add(entry.name)
    return frozenset(names)


def _check_regular(entry: os.DirEntry[str]) -> None:
    try:
        regular = stat.S_ISREG(entry.stat().st_mode)
    except OSError as error:
        raise InvalidModelFile(f"{entry.name} cannot be read: {error.strerror}") from error
    if not regular:
        raise InvalidModelFile(f"{entry.name} is not a regular file")


def refuse_pickles(files: Collection[str]) -> None:
    for name in sorted(files):
        if Path(name).suffix.lower() in PICKLES:
            raise RemoteCodeNotAllowed(f"{NO_CODE}: the folder holds {name}; only safetensors and JSON are opened")


def refuse_code(files: Collection[str], configs: Mapping[str, JsonObject]) -> None:
    """Raises RemoteCodeNotAllowed for code and pickles alike."""
    refuse_pickles(files)
    if (code := code_of(files, configs)) is not None:
        raise RemoteCodeNotAllowed(f"{NO_CODE}: {code}")


def code_of(files: Collection[str], configs: Mapping[str, JsonObject]) -> str | None:
    """Where the folder names code of its own, or holds some. Raises RemoteCodeNotAllowed where that lies elsewhere."""
    module = configs.get("config.json", {}).get("model_file")
    if module is not None and (not isinstance(module, str) or module not in files):
        raise RemoteCodeNotAllowed(f"{NO_CODE}: config.json names a model_file that is not in the folder")
    for name, config in configs.items():
        for key in ("model_file", "auto_map"):
            if config.get(key) is not None:
                return f"{name} names code of its own under {key}"
    return next((f"the folder holds {name}" for name in sorted(files) if Path(name).suffix.lower() == ".py"), None)


def read_config(path: Path, files: Collection[str]) -> JsonObject:
    if "config.json" not in files:
        raise InvalidModelFile("the folder has no config.json")
    config = read_object(path / "config.json", MAX_CONFIG)
    if not isinstance(config.get("model_type"), str):
        raise InvalidModelFile("config.json has no model_type")
    return config


# Weights


def find_weights(path: Path, files: Collection[str]) -> tuple[Path, ...]:
    weights = sorted(name for name in files if name.startswith("model") and name.endswith(".safetensors"))
    if not weights:
        raise InvalidModelFile("the folder has no model*.safetensors")
    parts = [name.removesuffix(".safetensors").split("-of-") for name in weights if "-of-" in name]
    for last in sorted({part[-1] for part in parts}):
        present = sum(part[-1] == last for part in parts)
        if last.isdecimal() and present != int(last):
            raise InvalidModelFile(f"{present} of {int(last)} shards are there: download the missing ones")
    return tuple(path / name for name in weights)


def check_index(index: JsonObject, files: Collection[str], tensors: Mapping[str, Tensor]) -> None:
    placed = index.get("weight_map")
    if not isinstance(placed, dict):
        raise InvalidModelFile(f"{INDEX} has no weight_map")
    for shard in {str(shard) for shard in placed.values()}:
        if shard not in files:
            wrong = "points outside the folder" if shard != os.path.basename(shard) else "is missing"  # noqa: PTH119
            raise InvalidModelFile(f"{INDEX} names shard {shard[:64]!r}, which {wrong}")
    for name in placed:
        if name not in tensors:
            raise InvalidModelFile(f"{INDEX} names tensor {name[:64]!r}, which no shard holds")


def parameters_of(config: JsonObject, tensors: Mapping[str, Tensor]) -> int:
    """Weights as the model was trained: mlx packs quantised ones into U32, beside their `scales` and `biases`."""
    quantisation = _object(config.get("quantization"))
    default = quantisation.get("bits")
    total = 0
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        packed = f"{module}.scales" in tensors
        if packed and leaf in ("scales", "biases"):
            continue
        bits = _object(quantisation.get(module)).get("bits", default)
        if packed and leaf == "weight" and isinstance(bits, int) and 0 < bits <= 32:
            total += tensor.elements * 32 // bits
        else:
            total += tensor.elements
    return total


def quantisation_of(config: JsonObject, tensors: Mapping[str, Tensor]) -> str:
    """`4bit`, a named mode such as `mxfp4`, or the type that most bytes are of."""
    quantisation = _object(config.get("quantization"))
    bits, mode = quantisation.get("bits"), quantisation.get("mode")
    if isinstance(bits, int):
        if not 1 <= bits <= 16:
            raise InvalidModelFile(f"config.json asks for {bits}-bit weights")
        return mode if isinstance(mode, str) and mode != "affine" else f"{bits}bit"
    sizes: dict[str, int] = {}
    for tensor in tensors.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.size
    return max(sizes, key=lambda dtype: (sizes[dtype], dtype), default="")


# Configuration


def shape_of(config: JsonObject, parameters: int) -> Shape:
    """Names differ between families, and multimodal ones keep the language model's numbers in `text_config`."""
    sources = [config, _object(config.get("text_config"))]
    heads = _number(sources, ("num_attention_heads", "n_heads", "n_head"), MAX_HEADS)
    width = _number(sources, ("hidden_size", "d_model", "n_embd", "dim"), MAX_WIDTH)
    return Shape(
        architecture=str(config["model_type"]),
        context=_number(sources, ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), MAX_CONTEXT),
        layers=_number(sources, ("num_hidden_layers", "n_layers", "n_layer", "num_layers"), MAX_LAYERS),
        width=width,
        heads=heads,
        kv_heads=_number(sources, ("num_key_value_heads", "n_kv_heads"), MAX_HEADS) or heads,
        head_width=_number(sources, ("head_dim",), MAX_WIDTH) or (width // heads if heads else 0),
        vocabulary=_number(sources, ("vocab_size",), MAX_VOCABULARY),
        parameters=parameters,
        attention=attention_of([*reversed(sources)]),
        state=state_of([*reversed(sources)]),
        feed_forward=feed_forward_of([*reversed(sources)]),
    )


def _number(sources: Sequence[JsonObject], names: Sequence[str], most: int) -> int:
    """The first of `names` that is given, 0 where none is. Raises InvalidModelFile unless it is from 1 to `most`."""
    for source in sources:
        for name in names:
            value = source.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InvalidModelFile(f"config.json: {name} is {str(value)[:32]}, not a number from 1 to {most}")
            return value
    return 0


def read_template(path: Path, files: Collection[str], tokenizer_config: JsonObject) -> str | None:
    """The chat template, in the order in which transformers looks for it."""
    if "chat_template.jinja" in files:
        return read_text(path / "chat_template.jinja", MAX_TEMPLATE)
    stored = read_object(path / "chat_template.json", MAX_TEMPLATE) if "chat_template.json" in files else {}
    template = tokenizer_config.get("chat_template") or stored.get("chat_template")
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) and template else None


def _sampling(path: Path, files: Collection[str]) -> Advice:
    """A file that cannot be read is no reason not to serve the model: mlx-lm passes it over too."""
    if GENERATION not in files:
        return ()
    try:
        return of_mlx(read_object(path / GENERATION, MAX_CONFIG))
    except InvalidModelFile as error:
        log.warning("generation_config_ignored", folder=path.name, reason=error.reason)
        return ()


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
