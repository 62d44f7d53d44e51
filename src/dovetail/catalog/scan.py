"""Turns folders into models.

- A GGUF file in a root is a model named by its stem. A folder that holds one GGUF model (its parts and its projector
  not counted) gives it the folder's name; in a folder with several, each goes by its stem and the folder's name leads
  to the first in order. A folder that is only called after a quantisation (`Q4_K_M/`) names nothing.
- A folder with `config.json` and `model*.safetensors` is an MLX model named by the folder; GGUF files beside it go by
  their stems.
- A file or folder that is meant as a model and is not sound is listed with `invalid` set; FIFOs, devices, broken links
  and folder links that leave the root are not listed.
- A folder with `model.bin` and a vocabulary is a model that hears, for CTranslate2; one whose `config.json` is that of
  a Whisper, for MLX.
- A second way to the same file (a link) adds a name to the first, unless the settings give it one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dovetail.catalog import advice, capabilities
from dovetail.catalog.files import read_text, stamp
from dovetail.catalog.gguf_header import GgufHeader, together
from dovetail.catalog.headers import Headers
from dovetail.catalog.invalid import InvalidModelFile, RemoteCodeNotAllowed
from dovetail.catalog.mlx import MAX_TEMPLATE, NO_CODE
from dovetail.catalog.naming import Unnamed, name_all
from dovetail.catalog.tree import Folder, walk
from dovetail.core.model import Model, Remote, Shape

_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
_QUANTISATION = re.compile(r"(?i)(^|[.\-_])(ud-)?(i?q\d(_\w+)?|tq\d_0|b?f16|f32|fp16|fp32|mxfp4(_moe)?|nvfp4)$")


@dataclass(frozen=True, slots=True)
class _Gguf:
    """One GGUF model of a folder: all its parts in order, and their headers or what is wrong."""

    stem: str
    files: tuple[Path, ...]
    headers: tuple[GgufHeader, ...]
    invalid: str | None


def scan(
    roots: Sequence[Path],
    headers: Headers | None = None,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    named: Mapping[str, Path] | None = None,
    remote: Mapping[str, Remote] | None = None,
) -> list[Model]:
    """The models in `roots`, sorted by id, after those that are `named` with their places, and the `remote` ones.

    Blocks on the disk; roots that do not exist are empty.
    """
    headers = headers or Headers()
    found: dict[tuple[int, int] | Path, Unnamed] = {}
    for name, where in (remote or {}).items():
        model = Model(id="", format="remote", path=Path(name), remote=where, capabilities=capabilities.REMOTE)
        found[Path(name)] = Unnamed(model, (name,), from_folder=True)
    for name, path in (named or {}).items():
        model = _named(name, path.absolute(), headers)
        same = _identity(model.model)  # two names for one file are two models, each with its own settings
        found[Path(name) if same in found else same] = model
    for root in roots:
        in_root: list[Unnamed] = []
        for folder in walk(root.absolute()):
            headers.watched[root.absolute() if root.is_file() else folder.path] = folder.stamp
            in_root += _models(folder, headers)
        in_root.sort(key=lambda unnamed: (not unnamed.from_folder, unnamed.model.path))
        for unnamed in in_root:
            same = _identity(unnamed.model)
            first = found.setdefault(same, unnamed)
            if first is not unnamed:
                found[same] = replace(first, names=(*first.names, *unnamed.names))
        headers.watched.setdefault(root.absolute(), None)
    return name_all(list(found.values()), aliases or {})


def _models(folder: Folder, headers: Headers) -> list[Unnamed]:
    name = None if folder.is_root or _is_quantisation(folder.path.name) else _folder_name(folder.path)
    place = () if folder.is_root else (folder.path.relative_to(folder.root).as_posix(),)
    found: list[Unnamed] = []
    if folder.is_mlx:
        found.append(Unnamed(_mlx(folder, headers), (_folder_name(folder.path), *place), from_folder=True))
        name, place = None, ()
    if folder.hears:
        found.append(Unnamed(_whisper(folder, headers), (_folder_name(folder.path), *place), from_folder=True))
        name, place = None, ()
    models = _ggufs(folder, headers)
    for number, model in enumerate(models):
        own = (model.stem, model.files[0].name)
        folders = (name, *place) if name else place
        if len(models) == 1 and name:
            found.append(Unnamed(_gguf(folder, model, headers), (name, *own, *place), from_folder=True))
        elif number == 0:
            found.append(Unnamed(_gguf(folder, model, headers), (*own, *folders), from_folder=False))
        else:
            found.append(Unnamed(_gguf(folder, model, headers), own, from_folder=False))
    for name in folder.outside:
        if name.lower().endswith(".gguf"):
            defect = InvalidModelFile(f"{name} is a link that leaves the models folder: add the folder it leads to")
            model = Model(id="", format="gguf", path=folder.path / name, invalid=defect.reason)
            found.append(Unnamed(model, (Path(name).stem, name), from_folder=False))
    return found


def _named(name: str, path: Path, headers: Headers) -> Unnamed:
    """The one model at `path`, or what is wrong there."""
    found: list[Unnamed] = []
    for folder in walk(path):
        headers.watched[path if path.is_file() else folder.path] = folder.stamp
        found += _models(folder, headers)
    headers.watched.setdefault(path, None)
    if len(found) == 1:
        return Unnamed(found[0].model, (name, *found[0].names), from_folder=True)
    form = "gguf" if path.suffix.lower() == ".gguf" else "mlx"
    what = (
        f"holds {len(found)} models: name one of them" if found else "is no model" if path.exists() else "is not there"
    )
    model = Model(id="", format=form, path=path, invalid=f"models.{name}.path: {path} {what}")
    return Unnamed(model, (name,), from_folder=True)


# MLX


def _mlx(folder: Folder, headers: Headers) -> Model:
    model = Model(id="", format="mlx", path=folder.path, created=_created(folder.path / "config.json"))
    try:
        facts = headers.mlx(folder)
    except InvalidModelFile as error:
        return replace(model, invalid=error.reason, code=isinstance(error, RemoteCodeNotAllowed))
    return replace(
        model,
        invalid=None if facts.code is None else f"{NO_CODE}: {facts.code}",
        code=facts.code is not None,
        files=facts.weights,
        size=facts.size,
        shape=facts.shape,
        quantisation=facts.quantisation,
        template=facts.template,
        sampling=facts.sampling,
        capabilities=capabilities.of_mlx(facts.shape.architecture, facts.template, facts.pooling),
        pooling=facts.pooling,
    )


def _whisper(folder: Folder, headers: Headers) -> Model:
    model = Model(id="", format="whisper", path=folder.path, created=_created(folder.path / "config.json"))
    try:
        facts = headers.whisper(folder)
    except InvalidModelFile as error:
        return replace(model, invalid=error.reason)
    return replace(
        model,
        files=facts.files,
        size=facts.size,
        shape=Shape(architecture="whisper", parameters=facts.parameters),
        quantisation=facts.quantisation,
        capabilities=capabilities.HEARS,
    )


# GGUF


def _ggufs(folder: Folder, headers: Headers) -> list[_Gguf]:
    """The folder's GGUF models by name: projectors are left out, parts of one model are brought together."""
    groups: dict[tuple[str, int], list[Path]] = {}
    for path in folder.ggufs:
        if not _is_projector(path, headers):
            part = _PART.match(path.stem)
            key = (part["stem"], int(part["count"])) if part else (path.stem, 0)
            groups.setdefault(key, []).append(path)
    return [_read(stem, count, files, headers) for (stem, count), files in sorted(groups.items())]


def _read(stem: str, count: int, files: Sequence[Path], headers: Headers) -> _Gguf:
    read: list[GgufHeader] = []
    try:
        if count:
            _check_parts(files, count)
        for number, path in enumerate(files):
            header = headers.gguf(path)
            read.append(header)
            _check_part(path, header, number, max(count, 1))
        _check_model(read[0], sum(len(header.types) for header in read))
    except InvalidModelFile as error:
        return _Gguf(stem, tuple(files), tuple(read), error.reason)
    return _Gguf(stem, tuple(files), tuple(read), None)


def _check_parts(files: Sequence[Path], count: int) -> None:
    """`files` are sorted by part number, which starts at 1."""
    for number, path in enumerate(files, start=1):
        part = _PART.match(path.stem)
        if part is None or int(part["number"]) != number:
            raise InvalidModelFile(f"part {number} of {count} is missing")
    if len(files) != count:
        raise InvalidModelFile(f"part {len(files) + 1} of {count} is missing")


def _check_part(path: Path, header: GgufHeader, number: int, count: int) -> None:
    if header.split != (number, count):
        raise InvalidModelFile(
            f"{path.name} says that it is part {header.split[0] + 1} of {header.split[1]}: "
            f"put all parts into one folder under the names they were made with"
        )


def _check_model(header: GgufHeader, types: int) -> None:
    if header.kind == "adapter":
        raise InvalidModelFile("an adapter, not a model: put it into the adapters folder")
    if header.kind == "imatrix":
        raise InvalidModelFile("an importance matrix, not a model")
    if not header.architecture:
        raise InvalidModelFile("the header has no general.architecture")
    if header.shape.layers == 0:
        raise InvalidModelFile(f"not a language model: the header gives no layers ({header.architecture}.block_count)")
    if types == 0:
        raise InvalidModelFile("the file holds a vocabulary and no weights")


def _gguf(folder: Folder, gguf: _Gguf, headers: Headers) -> Model:
    path = gguf.files[0]
    model = Model(
        id="",
        format="gguf",
        path=path,
        files=gguf.files,
        size=sum(header.size for header in gguf.headers),
        created=_created(path),
        invalid=gguf.invalid,
    )
    if gguf.invalid is not None:
        return model
    first = gguf.headers[0]
    projectors = _projectors(folder, gguf, headers)
    mmproj = min(projectors, key=lambda path: (not re.search(r"(?i)(?<!b)f16", path.stem), path), default=None)
    return replace(
        model,
        shape=replace(first.shape, parameters=sum(header.shape.parameters for header in gguf.headers)),
        weights=together([header.weights for header in gguf.headers]),
        quantisation=first.quantisation,
        template=first.template,
        capabilities=capabilities.of_gguf(first, projectors[mmproj] if mmproj else None),
        pooling=capabilities.pooling_of(first),
        mmproj=mmproj,
        fim=advice.fim_of(first),
        sampling=advice.of_gguf(first),
    )


def with_projector(model: Model, projector: Path | None, headers: Headers) -> Model:
    """`model` with another projector, if one is given; a broken one makes loading fail, not the catalog."""
    if projector is None or model.format != "gguf" or model.invalid is not None:
        return model
    header = None
    with suppress(InvalidModelFile):
        header = headers.gguf(projector)
    fits = header is not None and header.kind == "projector"
    found = capabilities.of_gguf(headers.gguf(model.path), header if fits else None)
    return replace(model, mmproj=projector, capabilities=found)


def trusted(model: Model) -> Model:
    """`model` with leave to run the code of its folder, where that is all that is wrong; pickles were not even read."""
    return replace(model, invalid=None) if model.code and model.files else model


def with_template(model: Model, template: Path | None, headers: Headers) -> Model:
    """`model` with another chat template, if one is given; one that cannot be read makes loading fail."""
    if template is None or model.invalid is not None:
        return model
    headers.watched[template] = stamp(template)
    try:
        text = read_text(template, MAX_TEMPLATE)
    except InvalidModelFile:
        return model
    return replace(model, template=text, capabilities=capabilities.with_template(model.capabilities, text))


def _is_projector(path: Path, headers: Headers) -> bool:
    try:
        return headers.gguf(path).kind == "projector"
    except InvalidModelFile:
        return path.name.lower().startswith("mmproj")


def _projectors(folder: Folder, gguf: _Gguf, headers: Headers) -> dict[Path, GgufHeader]:
    """The sound projectors that belong to a model: in a root, where strangers meet, the name must fit."""
    fitting: dict[Path, GgufHeader] = {}
    for path in folder.ggufs:
        if not folder.is_root or _family(path.stem.lower().replace("mmproj", "")) == _family(gguf.stem):
            with suppress(InvalidModelFile):
                header = headers.gguf(path)
                if header.kind == "projector":
                    fitting[path] = header
    return fitting


# Names


def _folder_name(path: Path) -> str:
    """The folder's name; in the Hugging Face cache, `models--owner--name/snapshots/REVISION`, the repository's."""
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return path.parent.parent.name.rsplit("--", 1)[-1]
    return path.name


def _is_quantisation(name: str) -> bool:
    found = _QUANTISATION.search(name)
    return found is not None and found.start() == 0


def _family(stem: str) -> str:
    """A file's stem without its quantisation: what a model and its projector have in common."""
    return _QUANTISATION.sub("", stem).strip("-._").lower()


# Files


def _created(path: Path) -> int:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0


def _identity(model: Model) -> tuple[int, int] | Path:
    """Device and inode of a sound model: a broken way to a file must not hide a good one."""
    found = None if model.invalid else stamp(model.path)
    return found[:2] if found else model.path
