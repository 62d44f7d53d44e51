"""The shapes of answers about models and their files."""

from __future__ import annotations

from typing import Literal

from dovetail.core.model import ModelFormat
from dovetail.gateway.answers import Answer


class CheckAnswer(Answer):
    """One check of a folder: what was found, and how to mend it."""

    name: str
    status: Literal["pass", "warn", "fail"]
    found: str
    mend: str


class TypeShareAnswer(Answer):
    """Tensors of one type, their bytes, and the part of all bytes that they are."""

    type: str
    tensors: int
    bytes: int
    percent: float


class FileAnswer(Answer):
    """One file of a model."""

    name: str
    bytes: int


class MetadataAnswer(Answer):
    """One entry of a GGUF header: of a list the first values, and how many there are."""

    key: str
    type: str
    value: object
    count: int | None = None


class TensorAnswer(Answer):
    """One tensor; of a GGUF file the fastest dimension comes first."""

    name: str
    type: str
    shape: list[int]
    bytes: int


class ModelDetails(Answer):
    """All that a model's files say: `version` to `metadata` of GGUF, `sound` to `group_size` of MLX.

    `qkv` says of q, k and v in how many layers they are of which type; `path` is told to admins.
    """

    id: str
    path: str | None
    format: ModelFormat
    name: str | None
    bytes: int
    architecture: str
    parameters: int
    bits_per_weight: float
    quantisation: str
    types: list[TypeShareAnswer]
    qkv: dict[str, dict[str, int]]
    context: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    vocabulary: int
    template: str | None
    tensors: list[TensorAnswer]
    kind: str | None = None
    problem: str | None = None
    files: list[FileAnswer] | None = None
    version: int | None = None
    byte_order: str | None = None
    rope: dict[str, object] | None = None
    tokenizer: dict[str, object] | None = None
    metadata: list[MetadataAnswer] | None = None
    sound: bool | None = None
    checks: list[CheckAnswer] | None = None
    group_size: int | None = None
