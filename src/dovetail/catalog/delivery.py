"""A whole download: its files gathered out of sight, and put under the model's name when the last is there.

What is under way lies in `.downloads/` in the models folder, where no model is looked for: whoever asks for the same
files at the same revision goes on with it. Beside a model's files a card, `.hub.json`, says where they came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dovetail.catalog import hub
from dovetail.catalog.enquiry import headers
from dovetail.catalog.hub import HubSpec
from dovetail.catalog.transfer import Pace, RemoteFile, Stop, Transfer, Unreachable, matches
from dovetail.core.errors import DiskFull
from dovetail.core.file_lock import try_lock
from dovetail.core.request import JsonObject
from dovetail.settings.document import replace_file

STAGING = ".downloads"
CARD = ".hub.json"
SPARE = 256 << 20  # bytes of the disk that no download takes
ATTEMPTS = 5
LONGEST_WAIT = 60.0
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, as often as the download moves."""
Waits = Callable[[str, float], None]
"""Told why it does not move, and in how many seconds it is tried again."""


@dataclass(frozen=True, slots=True)
class Order:
    """Files of a repository at one revision (a commit); `choice` is how they were asked for."""

    repo: str
    revision: str
    files: tuple[RemoteFile, ...]
    choice: str | None = None

    @property
    def total(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """What tells it from another one, the same in every process."""
        said = json.dumps([self.repo, self.revision, sorted(file.name for file in self.files)])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def order(spec: HubSpec, endpoint: str | None = None) -> Order:
    """What `spec` means now. Blocks on the network; raises as `hub.repository` and `hub.wanted` do."""
    found = hub.repository(spec.repo, endpoint)
    return Order(spec.repo, found.revision, hub.wanted(spec, found), spec.choice)


def check_room(wanted: Order, models: Path, have: int = 0, others: int = 0) -> None:
    """Raises DiskFull when the disk of `models` has no room for what is missing, beside what `others` still fetch."""
    there = next((path for path in (models, *models.parents) if path.exists()), Path())
    free = shutil.disk_usage(there).free
    needed = max(0, wanted.total - have) + others + SPARE
    if needed > free:
        raise DiskFull(
            f"{wanted.repo} needs {_size(needed)} and {_size(free)} are free on the disk of {models}: "
            f"remove models, or choose a smaller quantisation"
        )


class Delivery:
    """Brings an order into `models`. Every method blocks."""

    def __init__(
        self,
        wanted: Order,
        models: Path,
        endpoint: str | None = None,
        *,
        stop: Stop | None = None,
        pace: Pace | None = None,
    ) -> None:
        owner, _, name = wanted.repo.partition("/")
        self._order = wanted
        self._models = models
        self._endpoint = hub.endpoint_in_force(endpoint)
        self._stop = stop or Stop()
        self._pace = pace or Pace(lambda: None)
        digest = wanted.digest
        self._staging = models / STAGING / f"{owner}--{name}@{digest}"
        named = (models / each for each in (name, f"{owner}-{name}"))
        self._folder = next((each for each in named if self._is_ours(each)), models / f"{owner}-{name}-{digest}")

    @property
    def path(self) -> Path:
        """The first GGUF file, or the MLX folder."""
        ggufs = sorted(file.name for file in self._order.files if file.name.endswith(".gguf"))
        return self._folder / ggufs[0] if ggufs else self._folder

    def have(self) -> int:
        """Bytes that are there, by what lies on the disk."""
        return sum(self._there(file) for file in self._order.files)

    def run(self, progress: Progress = lambda _done, _total: None) -> Path:
        """Fetches what is missing and shows the whole; `path`. Raises as `Transfer.fetch` does."""
        done = 0

        def moved(count: int) -> None:
            nonlocal done
            done += count
            progress(done, self._order.total)

        with self._alone():
            transfer = self._transfer(moved)
            for file in self._order.files:
                staged = self._staging / file.name
                if self._is_shown(file) or (staged.exists() and staged.stat().st_size == file.size):
                    moved(file.size)
                    continue
                staged.parent.mkdir(parents=True, exist_ok=True)
                part = staged.with_name(f"{staged.name}.part")
                transfer.fetch(file, self._url(file), part)
                part.replace(staged)
            self._show()
        return self.path

    def discard(self) -> None:
        """Throws away what is not shown yet, unless another fetches it now."""
        if not self._staging.exists():
            return
        with suppress(Unreachable), self._alone():
            shutil.rmtree(self._staging, ignore_errors=True)
            with suppress(OSError):
                self._lock_path.unlink()

    def _is_ours(self, folder: Path) -> bool:
        """Whether the files may lie in `folder`: what somebody put there by hand is neither mixed with nor replaced."""
        if (repo := _card(folder).get("repo")) is not None:
            return repo == self._order.repo
        try:
            if not any(folder.iterdir()):
                return True
        except FileNotFoundError:
            return True
        except OSError:
            return False
        there = [file for file in self._order.files if (folder / file.name).exists()]
        return bool(there) and all(_length(folder / file.name) == file.size for file in there)

    def start(self, file: RemoteFile, count: int) -> bytes:
        """The first `count` bytes of a file, kept nowhere. Raises as `Transfer.start` does."""
        return self._transfer(lambda _: None).start(file, self._url(file), count)

    def _transfer(self, moved: Callable[[int], None]) -> Transfer:
        return Transfer(self._endpoint, headers(), self._stop, self._pace, moved)

    def _url(self, file: RemoteFile) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self._order.repo, file.name, revision=self._order.revision, endpoint=self._endpoint)

    @property
    def _lock_path(self) -> Path:
        return self._staging.with_name(f"{self._staging.name}.lock")

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Two writers would spoil each other's files. Raises Unreachable: the other may end."""
        self._staging.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(lock):
                raise Unreachable(f"{self._order.repo} is being downloaded by another process")
            yield
        finally:
            os.close(lock)

    def _there(self, file: RemoteFile) -> int:
        if self._is_noted(file):
            return file.size
        staged = self._staging / file.name
        sizes = (_length(staged), _length(staged.with_name(f"{staged.name}.part")))
        return min(max(sizes), file.size)

    def _is_noted(self, file: RemoteFile) -> bool:
        """Whether the card says that it came and the file is as it was then."""
        known = cast("JsonObject", _card(self._folder).get("files") or {}).get(file.name)
        return known is not None and known == _note(self._folder / file.name, file)

    def _is_shown(self, file: RemoteFile) -> bool:
        """The same, or the file is what the hub has, wherever it came from."""
        if self._is_noted(file):
            return True
        path = self._folder / file.name
        return _length(path) == file.size and matches(path, file, self._stop)

    def _show(self) -> None:
        """Renames alone: a folder at once, files into one that is there already with the one that counts last."""
        if self._folder.exists() or not self._appears():
            for file in sorted(self._order.files, key=_rank):
                staged, shown = self._staging / file.name, self._folder / file.name
                if staged.exists():
                    shown.parent.mkdir(parents=True, exist_ok=True)
                    staged.replace(shown)
            self._write_card(self._folder)
            shutil.rmtree(self._staging, ignore_errors=True)

    def _appears(self) -> bool:
        """Whether the folder is there now, with its card; not where another one was quicker."""
        self._write_card(self._staging)
        try:
            self._staging.rename(self._folder)
        except OSError:
            if not self._folder.exists():
                raise
            return False
        return True

    def _write_card(self, folder: Path) -> None:
        notes = cast("JsonObject", _card(folder).get("files") or {})
        notes |= {file.name: _note(folder / file.name, file) for file in self._order.files}
        text = json.dumps({"repo": self._order.repo, "revision": self._order.revision, "files": notes}, indent=1)
        replace_file(folder / CARD, text.encode())


def repository(folder: Path) -> str | None:
    """The repository that a folder's files were fetched from. Blocks on the disk."""
    repo = _card(folder).get("repo")
    return repo if isinstance(repo, str) else None


def download(
    spec: HubSpec,
    models: Path,
    progress: Progress | None = None,
    endpoint: str | None = None,
    *,
    pace: Pace | None = None,
    waits: Waits = lambda _reason, _seconds: None,
) -> Path:
    """Fetches `spec` into `models`/<name>, blocking; returns the GGUF file (its first part) or the MLX folder.

    What is cut is tried again a few times, after a while that `waits` is told. Raises InvalidRequest, DownloadFailed,
    DiskFull, OSError.
    """
    wanted = order(spec, endpoint)
    delivery = Delivery(wanted, models, endpoint, pace=pace)
    check_room(wanted, models, delivery.have())
    attempt, had = 0, -1
    while True:
        have = delivery.have()
        attempt, had = (1 if have > had else attempt + 1), have
        try:
            return delivery.run(progress or (lambda _done, _total: None))
        except Unreachable as error:
            if attempt >= ATTEMPTS:
                raise Unreachable(f"{error.message}; run the same command to resume") from error
            waits(error.message, wait := wait_before(attempt + 1, error.retry_after))
            time.sleep(wait)


def wait_before(attempt: int, asked: float | None = None) -> float:
    """Seconds before the nth try: what the hub asked for, else 1, then twice as long each time."""
    return min(asked if asked is not None else 2.0 ** max(attempt - 2, 0), LONGEST_WAIT)


def _rank(file: RemoteFile) -> tuple[bool, str]:
    """Later parts of a split model before its first, `config.json` after all else."""
    return file.name.endswith("config.json") or "-00001-of-" in file.name, file.name


def _note(path: Path, file: RemoteFile) -> JsonObject | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return {"size": found.st_size, "mtime": found.st_mtime_ns, "checksum": file.sha256 or file.blob}


def _card(folder: Path) -> JsonObject:
    try:
        said = cast("object", json.loads((folder / CARD).read_text("utf-8")))
    except (OSError, ValueError):
        return {}
    return cast("JsonObject", said) if isinstance(said, dict) else {}


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_UNITS[-1]}"
