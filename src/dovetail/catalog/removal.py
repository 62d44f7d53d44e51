"""Takes a model's files off the disk, and nothing else."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dovetail.catalog.delivery import CARD
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.model import Model

# What converters and downloaders put beside a model's files: sentence-transformers' modules, and what is hidden.
_OWN_FOLDERS = re.compile(r"\d+_\w+|\..*|onnx|openvino")


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes: a whole `folder`, or `files` of one that holds other things too."""

    files: tuple[Path, ...]
    bytes: int
    folder: Path | None = None

    def run(self, roots: Sequence[Path]) -> None:
        """Removes it; of a folder that is empty afterwards nothing is left, unless it is a root. Raises DovetailError.

        What somebody else has removed meanwhile is no failure.
        """
        try:
            with suppress(FileNotFoundError):
                self._run(roots)
        except OSError as error:
            name = (self.folder or self.files[0]).name
            raise DovetailError(f"{name} cannot be removed: {error.strerror or error}") from error

    def _run(self, roots: Sequence[Path]) -> None:
        if self.folder is not None:
            # Out of sight first: half of a folder that is being removed would be listed as a broken model.
            hidden = self.folder.with_name(f".removed-{secrets.token_hex(4)}")
            self.folder.rename(hidden)
            shutil.rmtree(hidden)
            return
        for file in self.files:
            file.unlink(missing_ok=True)
        parent = self.files[0].parent
        if parent not in roots and all(left.name == CARD for left in parent.iterdir()):
            (parent / CARD).unlink(missing_ok=True)
            parent.rmdir()


def removal(model: Model, roots: Sequence[Path]) -> Removal:
    """What removing `model` would take, all of it inside of one of `roots`. Blocks on the disk. Raises InvalidRequest.

    A link is removed itself, not what it leads to.
    """
    root = next((root for root in roots if model.path != root and model.path.is_relative_to(root)), None)
    if root is None or model.remote is not None:
        raise InvalidRequest(f"the files of {model.id} lie in no folder of models: remove them yourself")
    if model.format == "mlx" and not model.path.is_symlink():
        if any(model.path.rglob("*.gguf")):
            raise InvalidRequest(f"the folder of {model.id} holds other models too: remove its files yourself")
        strange = [
            path.name for path in model.path.iterdir() if path.is_dir() and not _OWN_FOLDERS.fullmatch(path.name)
        ]
        if strange:
            raise InvalidRequest(f"the folder of {model.id} holds {strange[0]}/ too: remove its files yourself")
        inside = tuple(path for path in model.path.rglob("*") if path.is_file())
        return Removal(inside, sum(_size(path) for path in inside), model.path)
    files = (model.path,) if model.path.is_symlink() else model.files or (model.path,)
    others = [path for path in files[0].parent.glob("*.gguf") if path not in files]
    if model.mmproj is not None and others == [model.mmproj]:  # nobody else's
        files = (*files, model.mmproj)
    return Removal(files, sum(_size(path) for path in files))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
