"""Whether an MLX folder is all there and sound: a list of checks, each with what was found and how to mend it.

`mlx.read_folder` stops at the first defect, as a server must; this goes on and names every one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from dovetail.catalog import mlx
from dovetail.catalog.files import read_object
from dovetail.catalog.gguf_facts import TypeShare, shares, shares_json
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.safetensors import MAX_TENSORS, Tensor, read_tensors
from dovetail.core.model import Shape
from dovetail.core.request import Json, JsonObject

Status: TypeAlias = Literal["pass", "warn", "fail"]
T = TypeVar("T")

MAX_GROUP = 1 << 16
_ATTENTION = re.compile(r"\.(?P<name>qkv|q|k|v)(_a|_b)?_proj\.weight$")
_TOKENIZER_CONFIG = "tokenizer_config.json"
_AGAIN = "download the folder again"
_TRUST = "remove it, or trust it: models.ID.trust_remote_code"
_NO_LINKS = "put the files themselves into one folder"


@dataclass(frozen=True, slots=True)
class Check:
    """One of the list: `mend` says what to do, and is empty where nothing is to be done."""

    name: str
    status: Status
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class MlxFacts:
    """The checks in their order, and what could be read beside what is wrong."""

    path: Path
    checks: tuple[Check, ...]
    shape: Shape
    tensors: Mapping[str, Tensor]
    quantisation: str = ""
    group_size: int | None = None
    template: str | None = None
    size: int = 0
    files: tuple[tuple[str, int], ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing failed: warnings load."""
        return all(check.status != "fail" for check in self.checks)

    @property
    def types(self) -> list[TypeShare]:
        return shares([(tensor.dtype, tensor.size) for tensor in self.tensors.values()])

    @property
    def attention(self) -> dict[str, dict[str, int]]:
        """Of `q`, `k` and `v` how many layers have them in which type; packed ones in bits a weight."""
        counts: dict[str, dict[str, int]] = {"q": {}, "k": {}, "v": {}}
        for name, tensor in self.tensors.items():
            if found := _ATTENTION.search(name):
                packed = f"{name.removesuffix('.weight')}.scales" in self.tensors
                kind = self.quantisation if packed else tensor.dtype
                for letter in found["name"]:
                    counts[letter][kind] = counts[letter].get(kind, 0) + 1
        return counts


def check_folder(path: Path, root: Path | None = None, clock: Callable[[], float] = time.monotonic) -> MlxFacts:
    """Of the folder at `path`, whose files must lie in `root` (default: in `path`).

    Blocks on the disk, a few seconds at most. What is wrong there is in the checks and never raised.
    """
    deadline = clock() + mlx.MAX_SECONDS
    found = _Checks()
    files = found.of("folder", lambda: mlx.list_files(path, root or path), frozenset[str](), _listed, _NO_LINKS)
    config = found.of("config.json", lambda: mlx.read_config(path, files), JsonObject(), _configured, _AGAIN)
    found.of("code", lambda: mlx.refuse_code(files, {"config.json": config}), None, lambda _: "none", _TRUST)
    weights = found.of("weights", lambda: mlx.find_weights(path, files), (), _counted, "download the missing shards")
    tensors = _tensors(found, weights, lambda: clock() > deadline)
    _index(found, path, files, tensors, len(weights))
    tokenizer = _tokenizer(found, path, files)
    kind = found.of(
        "quantisation",
        lambda: mlx.quantisation_of(config, tensors),
        "",
        lambda kind: _quantised(kind, config, tensors),
        "convert it again with mlx_lm.convert",
    )
    if config:
        parameters = mlx.parameters_of(config, tensors)
        shape = found.of(
            "numbers", lambda: mlx.shape_of(config, parameters), Shape(), _shaped, "correct the number in config.json"
        )
    else:
        shape = Shape()
    template = found.of("chat template", lambda: mlx.read_template(path, files, tokenizer), None, _templated, _AGAIN)
    if template is None and not found.failed("chat template"):
        found.warn("chat template", "none", "set models.ID.chat_format, or use it for completions alone")
    block = config.get("quantization")
    group = block.get("group_size") if isinstance(block, dict) else None
    return MlxFacts(
        path=path,
        checks=tuple(found.checks.values()),
        shape=shape,
        tensors=tensors,
        quantisation=kind,
        group_size=group if isinstance(group, int) and 0 < group <= MAX_GROUP else None,
        template=template,
        size=sum(_size(shard) for shard in weights),
        files=tuple((name, _size(path / name)) for name in sorted(files)),
    )


class _Checks:
    """The list as it grows, by name."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}

    def of(self, name: str, read: Callable[[], T], otherwise: T, told: Callable[[T], str], mend: str) -> T:
        """What `read` gives, `told` in the list; or `otherwise`, and why, with how to `mend` it."""
        try:
            value = read()
        except InvalidModelFile as error:
            self.checks[name] = Check(name, "fail", error.reason, mend)
            return otherwise
        self.checks[name] = Check(name, "pass", told(value))
        return value

    def warn(self, name: str, what: str, mend: str) -> None:
        self.checks[name] = Check(name, "warn", what, mend)

    def failed(self, name: str) -> bool:
        return self.checks[name].status == "fail"


def _tensors(found: _Checks, weights: Sequence[Path], is_late: Callable[[], bool]) -> dict[str, Tensor]:
    """Of all shards that can be read; each that cannot has a line of its own."""
    tensors: dict[str, Tensor] = {}

    def read(shard: Path) -> dict[str, Tensor]:
        if is_late():
            raise InvalidModelFile(f"not looked at: the folder took longer than {mlx.MAX_SECONDS:.0f} s to read")
        more = read_tensors(shard)
        if len(tensors) + len(more) > MAX_TENSORS:
            raise InvalidModelFile(f"with its tensors there are more than {MAX_TENSORS} in the folder")
        return more

    for shard in weights:
        mend = f"download {shard.name} again"
        name = f"weights {shard.name}"
        tensors |= found.of(name, partial(read, shard), dict[str, Tensor](), _counted_tensors, mend)
    return tensors


def _index(found: _Checks, path: Path, files: Collection[str], tensors: Mapping[str, Tensor], shards: int) -> None:
    if mlx.INDEX in files:
        found.of(
            "index",
            lambda: mlx.check_index(read_object(path / mlx.INDEX, mlx.MAX_INDEX), files, tensors),
            None,
            lambda _: "every shard and tensor that it names is there",
            "download the shards that it names, or the index again",
        )
    elif shards > 1:
        found.warn("index", f"{mlx.INDEX} is missing: nothing says whether all tensors are there", _AGAIN)


def _tokenizer(found: _Checks, path: Path, files: Collection[str]) -> JsonObject:
    there = [name for name in mlx.TOKENIZERS if name in files]
    if there:
        found.checks["tokenizer"] = Check("tokenizer", "pass", ", ".join(there))
    else:
        found.warn("tokenizer", "none", "download tokenizer.json, without which no text can be read")
    if _TOKENIZER_CONFIG not in files:
        return {}

    def read() -> JsonObject:
        config = read_object(path / _TOKENIZER_CONFIG, mlx.MAX_TOKENIZER_CONFIG)
        mlx.refuse_code((), {_TOKENIZER_CONFIG: config})
        return config

    return found.of(_TOKENIZER_CONFIG, read, JsonObject(), lambda config: f"{len(config)} entries", _AGAIN)


def _listed(files: Collection[str]) -> str:
    return f"{len(files)} files"


def _configured(config: JsonObject) -> str:
    return f"model_type {config['model_type']}"


def _counted(weights: Sequence[Path]) -> str:
    return f"{len(weights)} shards" if len(weights) > 1 else weights[0].name


def _counted_tensors(tensors: Mapping[str, Tensor]) -> str:
    return f"{len(tensors)} tensors"


def _quantised(kind: str, config: JsonObject, tensors: Mapping[str, Tensor]) -> str:
    block = config.get("quantization")
    if not isinstance(block, dict):
        return f"none, the weights are {kind}" if kind else "none"
    packed = sum(name.endswith(".scales") for name in tensors)
    return f"{kind}, groups of {str(block.get('group_size', '?'))[:32]}, {packed} packed matrices"


def _shaped(shape: Shape) -> str:
    context = f"context {shape.context}" if shape.context else "context not said"
    return f"{shape.layers} layers, width {shape.width}, vocabulary {shape.vocabulary}, {context}"


def _templated(template: str | None) -> str:
    return "none" if template is None else f"{len(template)} characters"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def checks_json(facts: MlxFacts) -> list[Json]:
    return [
        {"name": check.name, "status": check.status, "found": check.found, "mend": check.mend} for check in facts.checks
    ]


def as_json(facts: MlxFacts) -> JsonObject:
    shape, tensors = facts.shape, facts.tensors
    types: dict[str, Json] = {letter: {**found} for letter, found in facts.attention.items()}
    bytes_of_tensors = sum(tensor.size for tensor in tensors.values())
    return {
        "format": "mlx",
        "name": facts.path.name,
        "sound": facts.sound,
        "checks": checks_json(facts),
        "files": [{"name": name, "bytes": size} for name, size in facts.files],
        "bytes": facts.size,
        "architecture": shape.architecture,
        "parameters": shape.parameters,
        "bits_per_weight": round(8 * bytes_of_tensors / shape.parameters, 2) if shape.parameters else 0.0,
        "quantisation": facts.quantisation,
        "group_size": facts.group_size,
        "types": shares_json(facts.types),
        "qkv": types,
        "context": shape.context,
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "vocabulary": shape.vocabulary,
        "template": facts.template,
        "tensors": [
            {"name": name, "type": tensor.dtype, "shape": [*tensor.shape], "bytes": tensor.size}
            for name, tensor in tensors.items()
        ],
    }
