"""One conversation's prompt cache as one file that can travel, and its way back in, if it fits the model there.

`dovetail-kv` and a newline, the header's length as 4 bytes (big endian), the header as JSON, then the cache as the
engine wrote it. Nothing in a bundle names a file: where it goes is decided by who takes it in. Everything here blocks.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, cast

from dovetail import kv_folder
from dovetail.core.model import Model
from dovetail.core.request import Json
from dovetail.kv_folder import Card

_MAGIC = b"dovetail-kv\n"
_VERSION = 2
_LENGTH = 4
_MAX_HEADER = 4 << 20
_ENDS = 1 << 20  # bytes at either end of a weight file that are looked at
_CHUNK = 1 << 20
SUFFIXES = {"gguf": ".slot", "mlx": ".safetensors"}


class BundleError(Exception):
    """The bundle cannot be used; the message says why, and every fact that does not match."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a cache must have in common with the model it is for, on whatever machine: no path, no time.

    engine   the engine's build and the cache's layout
    weights  each weight file's size and a digest of its two ends
    adapter  the same of the adapter that its worker has, empty without one
    """

    format: str
    engine: str
    template: str
    weights: tuple[str, ...]
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a bundle says of itself."""

    model: str
    origin: Origin
    card: Card


def origin_of(model: Model, key: str) -> Origin:
    """What caches of `model` depend on, `key` being its engine's. Raises OSError when its files cannot be read."""
    weights = tuple(_fingerprint(file) for file in model.files or (model.path,))
    template = hashlib.sha256((model.template or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
    applied = model.adapter.path if model.adapter is not None else None
    return Origin(model.format, key, template, weights, _fingerprint(applied) if applied is not None else "")


def export_to(out: BinaryIO, cache: Path, card: Card, model: Model, origin: Origin) -> None:
    """Writes a bundle. Raises BundleError when the cache is not what its card says, OSError."""
    header = json.dumps(
        {"version": _VERSION, "model": model.name, "origin": asdict(origin), "card": asdict(card)}
    ).encode()
    out.write(_MAGIC + len(header).to_bytes(_LENGTH, "big") + header)
    with cache.open("rb") as file:
        _copy(file, out, card)


def import_from(source: BinaryIO, model: Model, origin: Origin, folder: Path, max_bytes: int) -> Card:
    """Takes a bundle into the folder of `model`'s caches. Raises BundleError, with nothing taken in, or OSError."""
    header = read_header(source)
    differences = list(_differences(header.origin, origin, model))
    if differences:
        raise BundleError(f"it is for another model than {model.id}: {'; '.join(differences)}")
    if header.card.size > max_bytes:
        raise BundleError(f"it holds {header.card.size} bytes, and kv.max_bytes is {max_bytes}")
    kv_folder.make(folder)
    part = folder / kv_folder.part(SUFFIXES[model.format])
    try:
        with part.open("xb") as out:
            _copy(source, out, header.card)
        if source.read(1):
            raise BundleError("more follows after its end")
        return kv_folder.publish(part, header.card.tokens, header.card.chain)[1]
    finally:
        kv_folder.discard(part)


def read_header(source: BinaryIO) -> Header:
    """The header of a bundle, read up to where the cache begins. Raises BundleError for anything else."""
    if source.read(len(_MAGIC)) != _MAGIC:
        raise BundleError("it is no exported prompt cache")
    length = int.from_bytes(source.read(_LENGTH), "big")
    if length > _MAX_HEADER:
        raise BundleError("its header is too long")
    try:
        said = cast("Json", json.loads(source.read(length)))
    except (ValueError, RecursionError):
        raise BundleError("its header is not JSON") from None
    if isinstance(said, dict) and isinstance(said.get("version"), int) and said["version"] != _VERSION:
        raise BundleError(f"it is of version {said['version']}, and this is Dovetail's version {_VERSION}")
    header = _header(said)
    if header is None:
        raise BundleError("its header lacks what it should say")
    return header


def _header(said: Json) -> Header | None:
    match said:
        case {
            "version": int(),
            "model": str(model),
            "origin": {
                "format": str(form),
                "engine": str(engine),
                "template": str(template),
                "weights": [*weights],
                "adapter": str(applied),
            },
            "card": {"tokens": int(tokens), "size": int(size), "digest": str(digest), "chain": str(chain)},
        } if tokens > 0 and size > 0:
            origin = Origin(form, engine, template, tuple(str(file) for file in weights), applied)
            return Header(model, origin, Card(tokens, size, digest, chain))
        case _:
            return None


def _differences(there: Origin, here: Origin, model: Model) -> Iterator[str]:
    if there.format != here.format:
        yield f"it is a {there.format.upper()} model's, {model.id} is {here.format.upper()}"
        return
    if there.engine != here.engine:
        yield f"the engine was {there.engine}, here it is {here.engine}"
    if there.template != here.template:
        yield "the chat template differs"
    if len(there.weights) != len(here.weights):
        yield f"the weights were {len(there.weights)} files, here they are {len(here.weights)}"
    elif there.weights != here.weights:
        yield "the weights differ"
    if there.adapter != here.adapter:
        yield "the adapter differs" if there.adapter and here.adapter else "only one of the two has an adapter"


def _copy(source: BinaryIO, out: BinaryIO, card: Card) -> None:
    """Copies exactly the cache that `card` speaks of. Raises BundleError when it is another."""
    checksum, left = hashlib.sha256(), card.size
    while left and (chunk := source.read(min(left, _CHUNK))):
        checksum.update(chunk)
        out.write(chunk)
        left -= len(chunk)
    if left:
        raise BundleError(f"{left} of its {card.size} bytes are missing")
    if checksum.hexdigest() != card.digest:
        raise BundleError("its checksum does not match: it was damaged")


def _fingerprint(file: Path) -> str:
    """Size and ends: the whole of a file of gigabytes would take as long as loading it."""
    with file.open("rb") as weights:
        size = weights.seek(0, os.SEEK_END)
        checksum = hashlib.sha256()
        for start in (0, max(0, size - _ENDS)):
            weights.seek(start)
            checksum.update(weights.read(_ENDS))
    return f"{size} {checksum.hexdigest()[:32]}"
