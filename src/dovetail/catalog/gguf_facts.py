"""What a GGUF file holds, for people: its numbers, its tensors by type, and all of its metadata."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dovetail.catalog.gguf import MAX_TENSORS, read_header
from dovetail.catalog.gguf_bytes import MAX_SECONDS
from dovetail.catalog.gguf_header import GgufHeader, TensorInfo
from dovetail.catalog.gguf_values import GgufArray, Value
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.request import Json, JsonObject

PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
SHOWN_VALUES = 32
# Which of a block's matrices make queries, keys and values; those of latent attention make both of the last two.
_ATTENTION = re.compile(r"blk\.\d+\.attn_(?P<name>qkv|kv|q|k|v)(_a|_b|_a_mqa)?\.weight$")
_TOKENIZER = "tokenizer.ggml."


@dataclass(frozen=True, slots=True)
class TypeShare:
    """Tensors of one type: how many, their bytes, and the part of all bytes they are, in percent."""

    type: str
    tensors: int
    bytes: int
    percent: float


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """The headers of one model, which has several files where it is split; `problem` is why it cannot be loaded."""

    paths: tuple[Path, ...]
    headers: tuple[GgufHeader, ...]
    problem: str | None = None

    @property
    def first(self) -> GgufHeader:
        return self.headers[0]

    @property
    def tensors(self) -> list[TensorInfo]:
        return [tensor for header in self.headers for tensor in header.tensors]

    @property
    def parameters(self) -> int:
        return sum(header.shape.parameters for header in self.headers)

    @property
    def types(self) -> list[TypeShare]:
        """The largest first."""
        return shares([(tensor.type, tensor.size) for tensor in self.tensors])

    @property
    def attention(self) -> dict[str, dict[str, int]]:
        """Of `q`, `k` and `v` how many blocks have them in which type, the commonest type first."""
        counts: dict[str, Counter[str]] = {"q": Counter(), "k": Counter(), "v": Counter()}
        for tensor in self.tensors:
            if found := _ATTENTION.match(tensor.name):
                for letter in found["name"]:
                    counts[letter][tensor.type] += 1
        return {letter: dict(found.most_common()) for letter, found in counts.items()}

    @property
    def bits(self) -> float:
        """Bits a weight, over all tensors."""
        size = sum(tensor.size for tensor in self.tensors)
        return round(8 * size / self.parameters, 2) if self.parameters else 0.0


def gguf_facts(path: Path, clock: Callable[[], float] = time.monotonic) -> GgufFacts:
    """Of the model that the file at `path` is, or is a part of. Blocks on the disk. Raises InvalidModelFile."""
    paths, problem = _parts(path)
    deadline = clock() + MAX_SECONDS
    headers: list[GgufHeader] = []
    for each in paths:
        if clock() > deadline:
            raise InvalidModelFile(f"reading {len(paths)} parts took longer than {MAX_SECONDS:.0f} s")
        headers.append(read_header(each, foreign=True))
        if sum(len(header.tensors) for header in headers) > MAX_TENSORS:
            raise InvalidModelFile(f"its {len(paths)} parts claim more than {MAX_TENSORS} tensors together")
    if headers[0].big_endian:
        problem = "big-endian: convert it to little-endian, no engine loads it here"
    return GgufFacts(paths, tuple(headers), problem)


def _parts(path: Path) -> tuple[tuple[Path, ...], str | None]:
    part = PART.match(path.stem)
    if part is None:
        return (path,), None
    names = [f"{part['stem']}-{number:05}-of-{part['count']}.gguf" for number in range(1, int(part["count"]) + 1)]
    there = tuple(found for name in names[:4096] if (found := path.with_name(name)).is_file())
    if not there:
        raise InvalidModelFile(f"{path.name} is not there")
    missing = [name for name in names if path.with_name(name) not in there]
    return there, f"{missing[0]} is missing" if missing else None


def shares(sizes: Sequence[tuple[str, int]]) -> list[TypeShare]:
    """How types divide the bytes of tensors, given as type and bytes; the largest first."""
    counts = Counter(kind for kind, _ in sizes)
    total = sum(size for _, size in sizes)
    by_type: Counter[str] = Counter()
    for kind, size in sizes:
        by_type[kind] += size
    return [
        TypeShare(kind, counts[kind], size, round(100 * size / total, 2) if total else 0.0)
        for kind, size in sorted(by_type.items(), key=lambda each: (-each[1], each[0]))
    ]


def shares_json(found: Sequence[TypeShare]) -> list[Json]:
    return [
        {"type": share.type, "tensors": share.tensors, "bytes": share.bytes, "percent": share.percent}
        for share in found
    ]


def as_json(facts: GgufFacts) -> JsonObject:
    """All of it, but for the values of long arrays, of which there are the first few."""
    first = facts.first
    shape = first.shape
    types: dict[str, Json] = {letter: {**found} for letter, found in facts.attention.items()}
    return {
        "format": "gguf",
        "name": _text(first.metadata.get("general.name")),
        "kind": first.kind,
        "problem": facts.problem,
        "files": [{"name": p.name, "bytes": h.size} for p, h in zip(facts.paths, facts.headers, strict=True)],
        "bytes": sum(header.size for header in facts.headers),
        "version": first.version,
        "byte_order": "big" if first.big_endian else "little",
        "architecture": shape.architecture,
        "parameters": facts.parameters,
        "bits_per_weight": facts.bits,
        "quantisation": first.quantisation,
        "types": shares_json(facts.types),
        "qkv": types,
        "context": shape.context,
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "vocabulary": shape.vocabulary,
        "rope": _under(first.metadata, f"{shape.architecture}.rope."),
        "tokenizer": {**_under(first.metadata, _TOKENIZER), "tokens": shape.vocabulary},
        "template": first.template,
        "metadata": [_entry(key, value) for key, value in first.metadata.items()],
        "tensors": [
            {"name": tensor.name, "type": tensor.type, "shape": [*tensor.shape], "bytes": tensor.size}
            for tensor in facts.tensors
        ],
    }


def _under(metadata: Mapping[str, Value], prefix: str) -> JsonObject:
    """The single values whose keys begin so."""
    found = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
    return {key: value for key, value in found.items() if not isinstance(value, GgufArray)}


def _entry(key: str, value: Value) -> JsonObject:
    if not isinstance(value, GgufArray):
        return {"key": key, "type": _TYPES[type(value)], "value": value}
    if value.type == "text":
        return {"key": key, "type": "text", "count": value.count, "value": None}
    return {
        "key": key,
        "type": f"array of {value.type}",
        "count": value.count,
        "value": [*(value.values or ())[:SHOWN_VALUES]],
    }


_TYPES: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "text"}


def _text(value: Value | None) -> str | None:
    return value if isinstance(value, str) else None
