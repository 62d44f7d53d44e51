"""The LoRA adapters that exist, by name, and whether one fits a model: told from headers, before a worker is started.

An adapter is a folder in one of the roots, which may hold both forms: one GGUF file, and mlx-lm's `adapter_config.json`
with `adapters.safetensors`. A GGUF file that lies in a root itself is one too. A name is looked up in what was listed
and never made into a path; links that leave their root are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from dovetail.catalog.files import Stamp, stamp
from dovetail.catalog.gguf import read_header
from dovetail.catalog.gguf_header import TensorInfo
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.naming import normal
from dovetail.catalog.safetensors import read_tensors
from dovetail.core.errors import AdapterMismatch, AdapterNotFound
from dovetail.core.model import Adapter, Model, ModelFormat

MAX_ENTRIES = 4096
CONFIG, WEIGHTS = "adapter_config.json", "adapters.safetensors"
_NAME = re.compile(r"[\w][\w.\-]{0,127}")
_MAX_KNOWN = 256

# A matrix's inputs, where they can be told, its outputs, and how many of it lie in one tensor.
Base: TypeAlias = dict[str, tuple[int | None, ...]]
_LOOKED_UP = frozenset({"token_embd.weight", "token_embd.weight.lora_a"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One adapter's forms; each is None where it does not have it."""

    name: str
    gguf: Path | None = None
    mlx: Path | None = None

    def form(self, form: ModelFormat) -> Path | None:
        return self.gguf if form == "gguf" else self.mlx


class Adapters:
    """Adapters in `roots`; earlier roots win a name. Every method reads the disk; any thread may call any of them."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._checked: dict[tuple[Path, Path], tuple[tuple[Stamp | None, ...], str | None]] = {}

    def list(self) -> list[Listed]:
        """All of them, sorted by name."""
        found: dict[str, Listed] = {}
        for root in self._roots:
            for each in _listed(root.absolute()):
                found.setdefault(each.name, each)
        return [found[name] for name in sorted(found)]

    def find(self, wanted: Adapter, model: Model) -> Adapter:
        """`wanted` with its path. Raises AdapterNotFound, or AdapterMismatch for one made for another model."""
        known = {each.name: path for each in self.list() if (path := each.form(model.format)) is not None}
        path = known.get(normal(wanted.name))
        if path is None:
            raise AdapterNotFound(wanted.name, model.format.upper(), sorted(known))
        if (problem := self._problem(path, model)) is not None:
            raise AdapterMismatch(f"adapter {wanted.name} cannot be applied to {model.id}: {problem}")
        return replace(wanted, path=path)

    def _problem(self, path: Path, model: Model) -> str | None:
        """What does not fit, kept until one of the files changes."""
        files = [path, path / CONFIG, path / WEIGHTS] if model.format == "mlx" else [path]
        stamps = tuple(stamp(file) for file in (*files, *(model.files or (model.path,))))
        known = self._checked.get((path, model.path))
        if known is None or known[0] != stamps:
            if len(self._checked) >= _MAX_KNOWN:
                self._checked.clear()
            try:
                problem = _mlx_problem(path, model) if model.format == "mlx" else _gguf_problem(path, model)
            except InvalidModelFile as error:
                problem = error.reason
            known = self._checked[path, model.path] = (stamps, problem)
        return known[1]


def _listed(root: Path) -> Iterator[Listed]:
    try:
        base = root.resolve(strict=True)
        entries = sorted(root.iterdir())[:MAX_ENTRIES]
    except (OSError, RuntimeError):
        return
    for entry in entries:
        name = normal(entry.stem if entry.suffix.lower() == ".gguf" else entry.name)
        if _NAME.fullmatch(name) is None or not _inside(entry, base):
            continue
        if entry.is_file():
            if entry.suffix.lower() == ".gguf":
                yield Listed(name, gguf=entry)
        elif entry.is_dir():
            listed = _folder(name, entry, base)
            if listed.gguf is not None or listed.mlx is not None:
                yield listed


def _folder(name: str, folder: Path, base: Path) -> Listed:
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file() and _inside(file, base))[:MAX_ENTRIES]
    except OSError:
        return Listed(name)
    # A llama-server takes several adapters with their scales in one argument: no file's name is to look like that.
    ggufs = [file for file in files if file.suffix.lower() == ".gguf" and not {",", ":"} & {*file.name}]
    is_mlx = {CONFIG, WEIGHTS} <= {file.name for file in files}
    return Listed(name, ggufs[0] if len(ggufs) == 1 else None, folder if is_mlx else None)


def _inside(path: Path, base: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(base)
    except (OSError, RuntimeError):
        return False


def _gguf_problem(path: Path, model: Model) -> str | None:
    header = read_header(path)
    if header.kind != "adapter" or header.metadata.get("adapter.type") != "lora":
        return f"{path.name} is no LoRA adapter"
    if header.architecture != model.shape.architecture:
        return f"it was made for the architecture {header.architecture!r}, the model is {model.shape.architecture!r}"
    base: Base = {}
    for file in model.files or (model.path,):
        base |= {tensor.name: _shape(tensor) for tensor in read_header(file).tensors if len(tensor.shape) > 1}
    return _misfit({tensor.name: _shape(tensor) for tensor in header.tensors}, base)


def _shape(tensor: TensorInfo) -> tuple[int, ...]:
    """Inputs first. The embedding's are tokens, whose rows are looked up: llama.cpp keeps it the other way round."""
    return tensor.shape[::-1] if tensor.name in _LOOKED_UP and len(tensor.shape) == 2 else tensor.shape


def _mlx_problem(path: Path, model: Model) -> str | None:
    """Where no name is the model's, mlx-lm may have renamed what it reads, and it is left to the worker."""
    base: Base = {}
    packed: set[str] = set()
    for file in model.files:
        for name, tensor in read_tensors(file).items():
            stem, _, leaf = name.rpartition(".")
            if leaf == "weight" and len(tensor.shape) > 1:
                base[stem] = (tensor.shape[-1], tensor.shape[-2], *tensor.shape[:-2])
            elif leaf == "scales":
                packed.add(stem)
    for stem in packed & base.keys():  # several weights in a word: how many inputs there are is not to be seen
        base[stem] = (None, *base[stem][1:])
    factors = {name: tensor.shape for name, tensor in read_tensors(path / WEIGHTS).items()}
    return _misfit(factors, base, named=any(name.rpartition(".")[0] in base for name in factors))


def _misfit(factors: Mapping[str, tuple[int, ...]], base: Base, *, named: bool = True) -> str | None:
    """The first thing that is wrong with factors (inputs, rank) and (rank, outputs) of some of the base's matrices.

    named  `base` has them under the names that the engine knows them by
    """
    for name in sorted(factors):
        stem, _, leaf = name.rpartition(".")
        if leaf not in {"lora_a", "lora_b"}:
            return f"{_shown(name)} is no LoRA weight"
        if stem not in base:
            if named:
                return f"the model has no matrix {_shown(stem)} that an adapter could change"
            continue
        a, b = factors.get(f"{stem}.lora_a", ()), factors.get(f"{stem}.lora_b", ())
        if not _fit(a, b, base[stem]):
            shapes = _sizes(base[stem]), _sizes(a), _sizes(b)
            return "{} is {} in the model, and {} by {} in the adapter".format(_shown(stem), *shapes)
    return None if factors else "it holds no weights"


def _fit(a: tuple[int, ...], b: tuple[int, ...], matrix: tuple[int | None, ...]) -> bool:
    if not len(a) == len(b) == len(matrix):
        return False
    rank = a[1] == b[0] > 0
    return rank and matrix[0] in {None, a[0]} and matrix[1:] == b[1:] and matrix[2:] == a[2:]


def _sizes(shape: tuple[int | None, ...]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape) or "nothing"


def _shown(name: str) -> str:
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name[:128])
