"""Models that other programs of this machine have already, to be served where they lie.

LM Studio and the cache are folders of models. Ollama keeps files by their hash: its manifests
(`manifests/HOST/OWNER/NAME/TAG`) say which of them is a model's weights and which its projector.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias, cast

from dovetail.catalog.files import read_object
from dovetail.catalog.headers import Headers
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.naming import safe
from dovetail.catalog.scan import scan
from dovetail.core.model import Model
from dovetail.core.request import Json
from dovetail.settings.document import Edit

Tool: TypeAlias = Literal["lm-studio", "huggingface", "ollama"]

MAX_MANIFESTS = 1024
_MAX_MANIFEST = 1 << 20
_WEIGHTS = "application/vnd.ollama.image.model"
_PROJECTOR = "application/vnd.ollama.image.projector"


@dataclass(frozen=True, slots=True)
class Blob:
    """A model of Ollama's: its name there (`qwen3:8b`), and its files."""

    name: str
    weights: Path
    projector: Path | None = None

    @property
    def id(self) -> str:
        return safe(self.name.removesuffix(":latest").replace("/", "-").replace(":", "-"))


@dataclass(frozen=True, slots=True)
class Found:
    """What one program has: models as they would be served, those of Ollama beside their `blobs`."""

    tool: Tool
    folder: Path
    models: tuple[Model, ...]
    blobs: tuple[Blob, ...] = ()


def here() -> list[tuple[Tool, Path]]:
    """`places` of the user that this process runs as; none where that user has no home, as in some containers."""
    try:
        return places(Path.home(), os.environ)
    except RuntimeError:
        return []


def places(user: Path, environ: Mapping[str, str]) -> list[tuple[Tool, Path]]:
    """The folders of those programs that are there, for a user with the home `user`."""
    cache = Path(environ.get("XDG_CACHE_HOME") or user / ".cache")
    hub = Path(environ.get("HF_HOME") or cache / "huggingface") / "hub"
    wanted: list[tuple[Tool, Path]] = [
        ("lm-studio", _lm_studio(user) / "models"),
        ("lm-studio", user / ".cache" / "lm-studio" / "models"),
        ("huggingface", Path(environ.get("HF_HUB_CACHE") or hub)),
        ("ollama", Path(environ.get("OLLAMA_MODELS") or user / ".ollama" / "models")),
        ("ollama", Path("/usr/share/ollama/.ollama/models")),
    ]
    return [(tool, path) for tool, path in dict.fromkeys(wanted) if _is_folder(path)]


def find(tool: Tool, folder: Path) -> Found:
    """The models in one of those places. Blocks on the disk."""
    if tool != "ollama":
        return Found(tool, folder, tuple(scan([folder])))
    blobs = tuple(_blobs(folder))
    named = {blob.id: blob.weights for blob in blobs}
    return Found(tool, folder, tuple(scan([], Headers(), named=named)), blobs)


def adding(
    there: Iterable[Found], text: str, served: Collection[Path], names: Collection[str], ids: Collection[str] = ()
) -> tuple[list[str], list[Edit]]:
    """What has to be written into the `dovetail.toml` that says `text` to serve what is `there`, and its names.

    A folder is named as a whole; of Ollama's models each, or those `ids`, unless it is `served` already. None takes
    one of the `names` that others have. Raises ValueError for what is no TOML.
    """
    said = cast("Sequence[str]", tomllib.loads(text).get("catalog", {}).get("folders", ()))
    folders, added, edits = list(said), list[str](), list[Edit]()
    for place in there:
        if place.tool != "ollama":
            if str(place.folder) not in folders and any(model.path not in served for model in place.models):
                folders.append(str(place.folder))
                added += [model.id for model in place.models]
            continue
        for blob in place.blobs:
            if blob.weights.resolve() in served or (ids and blob.id not in ids):
                continue
            name = blob.id if blob.id not in names else f"{blob.id}-ollama"
            added.append(name)
            edits.append(Edit(("models", name, "path"), str(blob.weights)))
            if blob.projector is not None:
                edits.append(Edit(("models", name, "mmproj"), str(blob.projector)))
    if len(folders) > len(said):
        edits.append(Edit(("catalog", "folders"), folders))
    return added, edits


def _lm_studio(user: Path) -> Path:
    """Its home, which a file names where it was moved."""
    try:
        return Path((user / ".lmstudio-home-pointer").read_text("utf-8")[:4096].strip())
    except (OSError, ValueError):
        return user / ".lmstudio"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _blobs(folder: Path) -> Iterator[Blob]:
    """Each manifest whose weights are there; ids are unique."""
    seen: set[str] = set()
    root = folder / "manifests"
    for manifest in islice(sorted(root.glob("*/*/*/*")), MAX_MANIFESTS):
        owner, name, tag = manifest.relative_to(root).parts[1:]
        layers = _layers(manifest)
        weights = _blob(folder, layers.get(_WEIGHTS))
        blob = Blob(f"{name if owner == 'library' else f'{owner}/{name}'}:{tag}", weights or Path())
        if weights is not None and blob.id not in seen:
            seen.add(blob.id)
            yield Blob(blob.name, weights, _blob(folder, layers.get(_PROJECTOR)))


def _layers(manifest: Path) -> dict[str, str]:
    """Digests by kind."""
    try:
        layers = read_object(manifest, _MAX_MANIFEST).get("layers")
    except InvalidModelFile:
        return {}
    return dict(_layer(each) for each in layers) if isinstance(layers, list) else {}


def _layer(layer: Json) -> tuple[str, str]:
    said = layer if isinstance(layer, dict) else {}
    return str(said.get("mediaType")), str(said.get("digest"))


def _blob(folder: Path, digest: str | None) -> Path | None:
    """The file of that digest, `sha256:…`."""
    kind, _, value = (digest or "").partition(":")
    if kind != "sha256" or not value.isalnum():
        return None
    path = folder / "blobs" / f"sha256-{value}"
    try:
        return path if path.is_file() else None
    except OSError:
        return None
