"""Reads the folders of models that hear, as CTranslate2 takes them: `config.json`, `model.bin` and a vocabulary.

A `model.bin` of this kind is no pickle, though many pickles have that name: its first bytes say what it is.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dovetail.catalog.files import open_regular, read_exactly, read_object
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx import MAX_CONFIG, list_files

WEIGHTS, TOKENIZER = "model.bin", "tokenizer.json"
VOCABULARIES = frozenset({"vocabulary.json", "vocabulary.txt"})
_SPEC = b"WhisperSpec"
_VERSIONS = range(2, 100)
_HEAD = struct.Struct("<IH")  # the form's version, and the length of the name behind it, with its closing zero


@dataclass(frozen=True, slots=True)
class WhisperFolder:
    """`files` are those with weights; `size` is their sum in bytes."""

    files: tuple[Path, ...]
    size: int


def is_whisper(names: Collection[str]) -> bool:
    """Whether a folder with such files is meant as one."""
    return WEIGHTS in names and not VOCABULARIES.isdisjoint(names)


def read_whisper(path: Path, *, root: Path | None = None) -> WhisperFolder:
    """The facts of the folder at `path`, whose files must lie in `root`. Blocks; raises InvalidModelFile."""
    files = list_files(path, root or path)
    for name in ("config.json", TOKENIZER):
        if name not in files:
            raise InvalidModelFile(f"{name} is missing: take it from where the model came from")
    read_object(path / "config.json", MAX_CONFIG)
    weights = path / WEIGHTS
    with open_regular(weights) as file:
        head = read_exactly(file, _HEAD.size + len(_SPEC) + 1)
    if len(head) < _HEAD.size:
        raise InvalidModelFile(f"{WEIGHTS} is empty")
    version, length = _HEAD.unpack_from(head)
    if version not in _VERSIONS or head[_HEAD.size :] != _SPEC + b"\0" or length != len(_SPEC) + 1:
        raise InvalidModelFile(f"{WEIGHTS} is no Whisper model for CTranslate2 (pickles are never read)")
    return WhisperFolder((weights,), weights.stat().st_size)
