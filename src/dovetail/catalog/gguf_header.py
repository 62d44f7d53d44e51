"""What a GGUF header says, in the terms of `core.model`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, TypeAlias

from dovetail.catalog.gguf_attention import Numbers, attention_of, feed_forward_of, state_of
from dovetail.catalog.gguf_values import GgufArray, Value
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.tensor_types import FILE_TYPES
from dovetail.core.model import Shape, Weights

# llama.cpp's own bound on layers, and numbers no real model comes near.
MAX_LAYERS = 512
MAX_PARTS = 1 << 16
MAX_CONTEXT = 1 << 31
MAX_WIDTH = 1 << 20
MAX_HEADS = 1 << 16
MAX_VOCABULARY = 1 << 20

_BLOCK = re.compile(r"blk\.(\d{1,4})\.")

Kind: TypeAlias = Literal["model", "part", "projector", "adapter", "imatrix"]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: `shape` with the fastest dimension first, `offset` from the start of the data, `size` in bytes."""

    name: str
    type: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TypeUse:
    """How many tensors are of a type, and their bytes."""

    type: str
    tensors: int
    size: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """A checked header.

    types   sorted by bytes, largest first
    shape   counts this file's parameters only
    split   this file's number among the parts, from 0, and how many there are: (0, 1) for a whole model
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    types: tuple[TypeUse, ...]
    shape: Shape
    split: tuple[int, int]
    data_offset: int
    size: int
    weights: Weights
    big_endian: bool = False

    @property
    def architecture(self) -> str:
        return self.shape.architecture

    @property
    def kind(self) -> Kind:
        """What the file is for: later parts of a split model carry tensors and next to no metadata."""
        declared = self.metadata.get("general.type")
        if declared == "mmproj" or self.architecture == "clip":
            return "projector"
        if declared == "adapter" or "adapter.type" in self.metadata:
            return "adapter"
        if declared == "imatrix" or self.architecture == "imatrix":
            return "imatrix"
        return "part" if self.split[0] > 0 else "model"

    @property
    def quantisation(self) -> str:
        """The name quantisers use (`Q4_K_M`), else the tensor type most bytes are of."""
        file_type = self.metadata.get("general.file_type")
        named = FILE_TYPES.get(file_type) if isinstance(file_type, int) else None
        return named or (self.types[0].type if self.types else "")

    @property
    def template(self) -> str | None:
        template = self.metadata.get("tokenizer.chat_template")
        return template if isinstance(template, str) and template else None


def shape_of(metadata: Mapping[str, Value], parameters: int) -> Shape:
    """The model's numbers, each checked; 0 where the header does not say. Raises InvalidModelFile."""
    architecture = metadata.get("general.architecture", "")
    if not isinstance(architecture, str):
        raise InvalidModelFile("general.architecture is not text")
    context_key = f"{architecture}.context_length"
    context = _whole(metadata, context_key, MAX_CONTEXT)
    if context == 0 and context_key in metadata:
        raise InvalidModelFile(f"{context_key} is 0")
    width = _whole(metadata, f"{architecture}.embedding_length", MAX_WIDTH)
    heads = _most(metadata, f"{architecture}.attention.head_count")
    head_width = _whole(metadata, f"{architecture}.attention.key_length", MAX_WIDTH)
    numbers = Numbers(metadata, architecture)
    return Shape(
        architecture=architecture,
        context=context,
        layers=_whole(metadata, f"{architecture}.block_count", MAX_LAYERS),
        width=width,
        heads=heads,
        kv_heads=_most(metadata, f"{architecture}.attention.head_count_kv") or heads,
        head_width=head_width or (width // heads if heads else 0),
        vocabulary=_vocabulary(metadata, architecture),
        parameters=parameters,
        attention=attention_of(numbers, head_width or (width // heads if heads else 0)),
        state=state_of(numbers, width),
        feed_forward=feed_forward_of(numbers),
    )


def weights_of(tensors: Sequence[TensorInfo]) -> Weights:
    """Where the bytes of a file are."""
    blocks: dict[int, int] = {}
    output = 0
    matrices: dict[str, int] = {}
    for tensor in tensors:
        block = _BLOCK.match(tensor.name)
        if block and int(block[1]) < MAX_LAYERS:
            blocks[int(block[1])] = blocks.get(int(block[1]), 0) + tensor.size
        elif tensor.name.startswith("output"):
            output += tensor.size
        if (block or tensor.name == "output.weight") and len(tensor.shape) > 1 and tensor.shape[1] % 8 == 0:
            matrices[tensor.type] = matrices.get(tensor.type, 0) + tensor.size
    layers = tuple(blocks.get(number, 0) for number in range(max(blocks, default=-1) + 1))
    return Weights(layers, output, tuple(sorted(matrices.items())))


def together(parts: Sequence[Weights]) -> Weights:
    """Of a model whose files have `parts`."""
    matrices: dict[str, int] = {}
    for kind, size in (each for part in parts for each in part.matrices):
        matrices[kind] = matrices.get(kind, 0) + size
    layers = tuple(map(sum, zip_longest(*(part.layers for part in parts), fillvalue=0)))
    return Weights(layers, sum(part.output for part in parts), tuple(sorted(matrices.items())))


def split_of(metadata: Mapping[str, Value]) -> tuple[int, int]:
    """The part's number and the number of parts. Raises InvalidModelFile."""
    number, count = _whole(metadata, "split.no", MAX_PARTS), _whole(metadata, "split.count", MAX_PARTS)
    return number, max(count, 1)


def _whole(metadata: Mapping[str, Value], key: str, most: int) -> int:
    """The number under `key`, 0 where there is none. Raises InvalidModelFile unless it is from 0 to `most`."""
    return _checked(metadata.get(key, 0), key, most)


def _checked(value: Value, key: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidModelFile(f"{key} is not a whole number")
    if not 0 <= value <= most:
        raise InvalidModelFile(f"{key} is {value}: not between 0 and {most}")
    return value


def _most(metadata: Mapping[str, Value], key: str) -> int:
    """A number of heads, or the largest where each layer has its own."""
    value = metadata.get(key, 0)
    if isinstance(value, GgufArray):
        return max((_checked(each, key, MAX_HEADS) for each in value.values or ()), default=0)
    return _checked(value, key, MAX_HEADS)


def _vocabulary(metadata: Mapping[str, Value], architecture: str) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, GgufArray):
        return tokens.count
    return _whole(metadata, f"{architecture}.vocab_size", MAX_VOCABULARY)
