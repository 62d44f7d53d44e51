"""What was read of model files, kept for as long as the files stay as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from dovetail.catalog.files import Stamp, stamp
from dovetail.catalog.gguf import read_header
from dovetail.catalog.gguf_header import GgufHeader
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx import MlxFolder, read_folder
from dovetail.catalog.tree import Folder
from dovetail.catalog.whisper import WhisperFolder, read_whisper

T = TypeVar("T")
Stamps: TypeAlias = tuple[Stamp | None, ...]


@dataclass(frozen=True, slots=True)
class _Defect:
    """A failed reading: what it was, because the exception itself would keep the reader's buffer alive."""

    kind: type[InvalidModelFile]
    reason: str


class _Kept(Generic[T]):
    """Results by path, good or bad, each with the stamps under which it was obtained."""

    def __init__(self, previous: _Kept[T] | None) -> None:
        self.results: dict[Path, tuple[Stamps, T | _Defect]] = {}
        self._previous = previous.results if previous else {}

    def get(self, path: Path, stamps: Stamps, read: Callable[[], T]) -> T:
        known = self.results.get(path) or self._previous.get(path)
        if known is None or known[0] != stamps:
            known = (stamps, _attempt(read))
        self.results[path] = known
        if isinstance(known[1], _Defect):
            raise known[1].kind(known[1].reason)
        return known[1]

    def forget_previous(self) -> None:
        self._previous = {}


class Headers:
    """The headers of one scan. Those of the scan before are used again where nothing changed, until `seal`.

    `watched` holds what each file and folder looked like, for noticing the next change.
    """

    def __init__(self, previous: Headers | None = None) -> None:
        self.ggufs: _Kept[GgufHeader] = _Kept(previous.ggufs if previous else None)
        self.folders: _Kept[MlxFolder] = _Kept(previous.folders if previous else None)
        self.whispers: _Kept[WhisperFolder] = _Kept(previous.whispers if previous else None)
        self.watched: dict[Path, Stamp | None] = {}

    def gguf(self, path: Path) -> GgufHeader:
        """The header without its list of tensors. Raises InvalidModelFile."""
        found = self.watched[path] = stamp(path)
        return self.ggufs.get(path, (found,), lambda: replace(read_header(path), tensors=()))

    def mlx(self, folder: Folder) -> MlxFolder:
        """Raises InvalidModelFile."""
        paths = [folder.path / name for name in folder.files]
        stamps = [stamp(path) for path in paths]
        self.watched.update(zip(paths, stamps, strict=True))
        return self.folders.get(
            folder.path, (folder.stamp, *stamps), lambda: read_folder(folder.path, root=folder.root)
        )

    def whisper(self, folder: Folder) -> WhisperFolder:
        """Raises InvalidModelFile."""
        stamps = [stamp(folder.path / name) for name in folder.files]
        self.watched.update({folder.path / name: found for name, found in zip(folder.files, stamps, strict=True)})
        return self.whispers.get(
            folder.path, (folder.stamp, *stamps), lambda: read_whisper(folder.path, root=folder.root)
        )

    def seal(self) -> None:
        """Lets go of the scan before: without this each scan would keep all earlier ones."""
        self.ggufs.forget_previous()
        self.folders.forget_previous()
        self.whispers.forget_previous()


def _attempt(read: Callable[[], T]) -> T | _Defect:
    try:
        return read()
    except InvalidModelFile as error:
        return _Defect(type(error), error.reason)
