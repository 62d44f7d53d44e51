"""How a folder made with sentence-transformers wants texts to become vectors: `modules.json` and its pooling module.

Format: sentence-transformers, `SentenceTransformer.save` and `models.Pooling.get_config_dict`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dovetail.catalog.files import read_value
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.model import Pooling
from dovetail.core.request import Json, JsonObject

MODULES = "modules.json"
MAX_BYTES = 1 << 20
# Vectors are given the length 1 unless a request says otherwise, so Normalize asks for nothing.
_KINDS = frozenset({"Transformer", "Pooling", "Normalize"})
_FOLDER = re.compile(r"[A-Za-z0-9_\-]*", re.ASCII)
_FLAGS: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}
_MODES: Mapping[Json, Pooling] = {"cls": "cls", "mean": "mean", "lasttoken": "last"}


def read_pooling(path: Path, root: Path) -> Pooling | None:
    """The pooling of the folder at `path`, None where it was not made to embed.

    Raises InvalidModelFile for a way to vectors that no engine here goes: another pooling, or a layer after it.
    """
    if not (path / MODULES).is_file():
        return None
    modules = read_value(path / MODULES, MAX_BYTES)
    if not isinstance(modules, list):
        raise InvalidModelFile(f"{MODULES} is not a list")
    pooling: Pooling | None = None
    for module in modules:
        kind, where = _module(module)
        if kind not in _KINDS:
            raise InvalidModelFile(f"{MODULES} has a module of the type {kind[:64]}, which is not supported")
        if kind == "Pooling":
            config = (path / where / "config.json").resolve()
            if not config.is_relative_to(root.resolve()):
                raise InvalidModelFile(f"{MODULES} leads out of the models folder")
            pooling = _pooling(read_value(config, MAX_BYTES))
    return pooling


def _module(module: Json) -> tuple[str, str]:
    if not isinstance(module, dict):
        raise InvalidModelFile(f"{MODULES} holds something that is no module")
    kind, where = module.get("type"), module.get("path")
    if not isinstance(kind, str) or not isinstance(where, str) or not _FOLDER.fullmatch(where):
        raise InvalidModelFile(f"{MODULES} holds a module without a type or a folder")
    return kind.rpartition(".")[2], where


def _pooling(config: Json) -> Pooling:
    said: JsonObject = config if isinstance(config, dict) else {}
    mode = said.get("pooling_mode")
    if isinstance(mode, str) and mode in _MODES:
        return _MODES[mode]
    asked = [name for name, value in said.items() if name.startswith("pooling_mode_") and value is True]
    if mode is not None or len(asked) != 1 or asked[0] not in _FLAGS:
        raise InvalidModelFile("its pooling is none of mean, cls and last, alone")
    return _FLAGS[asked[0]]
