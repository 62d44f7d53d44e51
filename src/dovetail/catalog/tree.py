"""Walks a models folder: bounded in depth and entries, never out of the root, never into a loop."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dovetail.catalog.files import Stamp, stamp
from dovetail.catalog.mlx import CODE_SUFFIXES, INDEX
from dovetail.catalog.whisper import is_mlx_whisper, is_whisper

PART = re.compile(r"-\d{5}-of-\d{5}$")
MAX_DEPTH = 6
MAX_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was listed: names sorted; `outside` are links to files beyond the root.

    `stamp` was taken before the listing, so that a change during it shows later. `alone`: it stands for one file that
    was named, whose name need not end in .gguf (Ollama's have none). `hears`: somebody meant it
    as a model that hears.
    """

    root: Path
    path: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    outside: tuple[str, ...]
    stamp: Stamp | None
    alone: bool = False
    hears: bool = False

    @property
    def is_root(self) -> bool:
        return self.path == self.root

    @property
    def ggufs(self) -> tuple[Path, ...]:
        return tuple(self.path / name for name in self.files if self.alone or name.lower().endswith(".gguf"))

    @property
    def is_mlx(self) -> bool:
        """Whether somebody meant this as a model in safetensors: it may still prove to be broken."""
        names = set(self.files)
        if self.hears or names & {"adapter_config.json", "adapters.safetensors", "model_index.json"}:
            return False
        if INDEX in names or any(name.startswith("model") and name.endswith(".safetensors") for name in names):
            return "config.json" in names or not self.is_root
        if "config.json" not in names or self.is_root or self.ggufs:
            return False
        return not self.folders or any(Path(name).suffix in CODE_SUFFIXES for name in names)

    @property
    def is_leaf(self) -> bool:
        """Whether what lies below belongs to this folder: an MLX model's extras, a diffusion pipeline's parts."""
        return self.is_mlx or self.hears or "model_index.json" in self.files


def walk(root: Path) -> Iterator[Folder]:
    """`root` and the folders below it, parents first, names in order. Unreadable folders are passed over.

    A root that is a GGUF file stands for a folder that holds it and its parts alone.
    """
    if root.is_file():
        yield _single(root)
        return
    base = root.resolve()
    seen: set[tuple[int, int]] = set()
    left = MAX_ENTRIES
    level = [root]
    for depth in range(MAX_DEPTH + 1):
        below: list[Path] = []
        for path in level:
            folder = _list(root, base, path, left, seen)
            if folder is None:
                continue
            left -= len(folder.files) + len(folder.folders) + len(folder.outside)
            yield folder
            if depth < MAX_DEPTH and left > 0 and not folder.is_leaf:
                below += [path / name for name in folder.folders]
        level = below


def _single(file: Path) -> Folder:
    parts = {file.name}
    if PART.search(file.stem):
        family = PART.sub("", file.stem)
        parts |= {path.name for path in file.parent.glob("*.gguf") if PART.sub("", path.stem) == family != path.stem}
    return Folder(file.parent, file.parent, tuple(sorted(parts)), (), (), stamp(file), alone=True)


def _list(root: Path, base: Path, path: Path, most: int, seen: set[tuple[int, int]]) -> Folder | None:
    before = stamp(path)
    if before is None or most <= 0 or before[:2] in seen:
        return None
    seen.add(before[:2])
    files: list[str] = []
    folders: list[str] = []
    outside: list[str] = []
    try:
        with os.scandir(path) as listing:
            for entry in islice(listing, most):
                _sort(entry, base, files, folders, outside)
    except OSError:
        return None
    hears = is_whisper(files) or is_mlx_whisper(path, files)
    return Folder(root, path, tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(outside)), before, hears=hears)


def _sort(entry: os.DirEntry[str], base: Path, files: list[str], folders: list[str], outside: list[str]) -> None:
    """Puts one entry where it belongs; hidden names, sockets, FIFOs, devices and broken links belong nowhere."""
    if entry.name.startswith("."):
        return
    try:
        is_folder, is_file = entry.is_dir(), entry.is_file()
        inside = not entry.is_symlink() or Path(entry.path).resolve(strict=True).is_relative_to(base)
    except (OSError, RuntimeError):
        return
    if is_file:
        (files if inside else outside).append(entry.name)
    elif is_folder and inside:
        folders.append(entry.name)
